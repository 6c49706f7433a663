//! Connections: a page of nodes, with their cursors.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;

use super::{Record, Resolved, count_argument, error, text_argument};
use crate::graphql::cursor::{Cursor, list_of};

/// A page of nodes of one type.
pub(super) struct Connection<N> {
    /// `Order`, for `OrderConnection` and `OrderEdge`.
    pub(super) names: Names,
    pub(super) page: Page<N>,
}

#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) connection: &'static str,
    pub(super) edge: &'static str,
}

/// The nodes of a page, each with its cursor.
pub(super) struct Page<N> {
    pub(super) nodes: Vec<(String, N)>,
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
}

struct Edge<N> {
    type_name: &'static str,
    cursor: String,
    node: N,
}

impl<N: ObjectValue + Clone> ObjectValue for Connection<N> {
    fn type_name(&self) -> &str {
        self.names.connection
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let nodes = self.page.nodes.iter();
        Ok(match info.field_name() {
            "nodes" => {
                ResolvedValue::list(nodes.map(|(_, node)| ResolvedValue::object(node.clone())))
            }
            "edges" => ResolvedValue::list(nodes.map(|(cursor, node)| {
                ResolvedValue::object(Edge {
                    type_name: self.names.edge,
                    cursor: cursor.clone(),
                    node: node.clone(),
                })
            })),
            "pageInfo" => ResolvedValue::object(self.page.info()),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl<N: ObjectValue + Clone> ObjectValue for Edge<N> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        Ok(match info.field_name() {
            "cursor" => ResolvedValue::leaf(self.cursor.as_str()),
            "node" => ResolvedValue::object(self.node.clone()),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl<N> Page<N> {
    fn info(&self) -> Record {
        let cursor = |node: Option<&(String, N)>| {
            node.map_or(JsonValue::Null, |(cursor, _)| cursor.as_str().into())
        };
        Record::new("PageInfo")
            .leaf("hasNextPage", self.has_next)
            .leaf("hasPreviousPage", self.has_previous)
            .leaf("startCursor", cursor(self.nodes.first()))
            .leaf("endCursor", cursor(self.nodes.last()))
    }
}

/// A page of a short list that lies in memory, by the arguments `first` and `after`. `of` tells one list from another.
pub(super) fn page_of<N>(
    info: &ResolveInfo<'_>,
    of: (&str, u64),
    items: impl IntoIterator<Item = (u64, N)>,
) -> Result<Page<N>, FieldError> {
    let list = list_of(of);
    // Only a bulk query may leave its page size out, and gets everything.
    let first = count_argument(info, "first").unwrap_or(usize::MAX);
    let mut items = items.into_iter();
    let after = text_argument(info, "after");
    if let Some(after) = after {
        let Some(cursor) = Cursor::decode(after, list) else {
            return Err(invalid_cursor());
        };
        // Up to and including the one that the cursor names.
        items.by_ref().find(|(id, _)| *id == cursor.last_id);
    }
    let encode = |(id, node)| (Cursor::encode(list, 0, id), node);
    let nodes: Vec<(String, N)> = items.by_ref().take(first).map(encode).collect();
    Ok(Page {
        nodes,
        has_next: items.next().is_some(),
        has_previous: after.is_some(),
    })
}

pub(super) fn invalid_cursor() -> FieldError {
    error("BAD_REQUEST", "Invalid cursor for current pagination sort.")
}

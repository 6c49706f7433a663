//! Shopify's validator of bulk queries, with its words.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Field, Operation, SelectionSet};

use crate::graphql::limits::is_connection;
use crate::graphql::selection;

/// The most connections in one query, and how deep they may nest below the first.
const MOST_CONNECTIONS: usize = 5;
const DEEPEST: usize = 2;

pub(super) fn check(document: &ExecutableDocument, operation: &Operation) -> Vec<String> {
    let mut found = Found {
        document,
        connections: 0,
        depth: 0,
        not_by_edges: Vec::new(),
        without_id: Vec::new(),
        top_level: Vec::new(),
        within_list: false,
    };
    for field in selection::fields(document, &operation.selection_set) {
        if matches!(field.name.as_str(), "node" | "nodes") {
            found.top_level.push(field.name.to_string());
        }
    }
    found.walk(&operation.selection_set, (0, false));
    found.faults()
}

/// What the nodes of a connection select, where they are selected by `edges` and `node`.
pub(super) fn node_of<'a>(
    document: &'a ExecutableDocument,
    connection: &'a Field,
) -> Option<&'a SelectionSet> {
    let of = |set: &'a SelectionSet, name: &str| {
        let mut fields = selection::fields(document, set).into_iter();
        fields.find(|field| field.name == *name)
    };
    let edges = of(&connection.selection_set, "edges")?;
    Some(&of(&edges.selection_set, "node")?.selection_set)
}

struct Found<'a> {
    document: &'a ExecutableDocument,
    connections: usize,
    depth: usize,
    not_by_edges: Vec<String>,
    without_id: Vec<String>,
    top_level: Vec<String>,
    within_list: bool,
}

impl<'a> Found<'a> {
    /// `place` is how deep this is, and whether within a list.
    fn walk(&mut self, set: &'a SelectionSet, (depth, in_list): (usize, bool)) {
        for field in selection::fields(self.document, set) {
            if is_connection(field) {
                self.connection(field, (depth, in_list));
            } else {
                let in_list = in_list || field.ty().is_list();
                self.walk(&field.selection_set, (depth, in_list));
            }
        }
    }

    fn connection(&mut self, field: &'a Field, (depth, in_list): (usize, bool)) {
        self.connections += 1;
        self.depth = self.depth.max(depth);
        self.within_list |= in_list;
        let by_nodes = selection::fields(self.document, &field.selection_set)
            .iter()
            .any(|one| one.name == "nodes");
        let Some(node) = node_of(self.document, field).filter(|_| !by_nodes) else {
            self.not_by_edges.push(field.name.to_string());
            return;
        };
        let before = self.connections;
        self.walk(node, (depth + 1, false));
        let plain_id = |one: &&Field| one.name == "id" && one.alias.is_none();
        let has_id = selection::fields(self.document, node).iter().any(plain_id);
        if self.connections > before && !has_id {
            self.without_id.push(field.name.to_string());
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.not_by_edges.is_empty() {
            faults.push(format!(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: 'products {{ edges {{ node {{'. \
                 Selecting via 'nodes' is not supported. Invalid connection fields: '{}'.",
                self.not_by_edges.join("', '")
            ));
        }
        for name in &self.top_level {
            faults.push(format!(
                "Bulk queries cannot contain a top level `{name}` field."
            ));
        }
        if self.depth > DEEPEST {
            faults.push(format!(
                "Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}."
            ));
        }
        if self.connections > MOST_CONNECTIONS {
            faults.push(format!(
                "Bulk queries cannot contain more than {MOST_CONNECTIONS} connections."
            ));
        }
        if !self.without_id.is_empty() {
            faults.push(format!(
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. \
                 Connection fields without 'id': {}.",
                self.without_id.join(", ")
            ));
        }
        if self.within_list {
            let message = "Queries that contain a connection field within a list field are not currently supported.";
            faults.push(message.to_owned());
        }
        if self.connections == 0 {
            faults.push("Bulk queries must contain at least one connection.".to_owned());
        }
        faults
    }
}

//! What a query costs: the formula that reproduces Shopify's measured values.
//!
//! Scalars, `pageInfo` and money are free; an object is 1, a plain list as much as one of its elements; a connection is
//! 2 and, for every doubling or so of its page, the cost of a node; a count is 10, a mutation 10 in all.

use std::collections::BTreeSet;

use apollo_compiler::executable::{Field, Operation, SelectionSet};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Schema};

use super::limits::{is_connection, page_size};
use super::selection;

/// A mutation, or a count.
const FLAT: u32 = 10;

/// The cost if every page is full.
pub(super) fn requested(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &JsonMap,
) -> u32 {
    let count = Count {
        schema,
        document,
        size: Size::Asked(variables),
    };
    count.operation(operation, None)
}

/// The cost of what came back.
pub(super) fn actual(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
    data: Option<&JsonMap>,
) -> u32 {
    let Some(data) = data else {
        return 0;
    };
    let count = Count {
        schema,
        document,
        size: Size::Returned,
    };
    count.operation(operation, Some(data))
}

/// Where the sizes of lists come from.
#[derive(Clone, Copy)]
enum Size<'a> {
    Asked(&'a JsonMap),
    Returned,
}

struct Count<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    size: Size<'a>,
}

impl Count<'_> {
    fn operation(&self, operation: &Operation, data: Option<&JsonMap>) -> u32 {
        let fields = self.fields(&operation.selection_set, data);
        if operation.is_mutation() {
            let count = u32::try_from(fields.len()).unwrap_or(u32::MAX);
            return count.saturating_mul(FLAT);
        }
        let cost = |field: &&Field| self.field(field, data);
        fields.iter().map(cost).fold(0, u32::saturating_add)
    }

    /// The fields of a selection, leaves once each. With data, only those that came back.
    fn fields<'s>(&'s self, set: &'s SelectionSet, data: Option<&JsonMap>) -> Vec<&'s Field> {
        let mut keys = BTreeSet::new();
        let mut fields = selection::fields(self.document, set);
        fields.retain(|field| {
            let key = field.response_key().as_str();
            let there = data.is_none_or(|data| data.contains_key(key));
            there && (keys.insert(key) || !field.selection_set.is_empty())
        });
        fields
    }

    fn field(&self, field: &Field, data: Option<&JsonMap>) -> u32 {
        let name = field.ty().inner_named_type();
        if !self.is_object(name) || matches!(name.as_str(), "PageInfo" | "MoneyBag") {
            return 0;
        }
        let value = data.and_then(|data| data.get(field.response_key().as_str()));
        if name == "Count" {
            return FLAT;
        }
        if is_connection(field) {
            return self.connection(field, value);
        }
        match (self.size, value) {
            (Size::Asked(_), _) => 1 + self.children(field, None),
            (Size::Returned, Some(JsonValue::Object(object))) => {
                1 + self.children(field, Some(object))
            }
            (Size::Returned, Some(JsonValue::Array(items))) => {
                let objects = items.iter().filter_map(JsonValue::as_object);
                let costs = objects.map(|object| 1 + self.children(field, Some(object)));
                costs.max().unwrap_or_default()
            }
            (Size::Returned, _) => 0,
        }
    }

    fn children(&self, field: &Field, data: Option<&JsonMap>) -> u32 {
        let fields = self.fields(&field.selection_set, data);
        let costs = fields.iter().map(|child| self.field(child, data));
        costs.fold(0, u32::saturating_add)
    }

    fn connection(&self, field: &Field, value: Option<&JsonValue>) -> u32 {
        let object = value.and_then(JsonValue::as_object);
        let nodes = self.nodes(&field.selection_set);
        let (size, node) = match self.size {
            Size::Asked(variables) => {
                let size = page_size(field, variables).unwrap_or_default();
                let node: u32 = nodes.iter().map(|node| 1 + self.children(node, None)).sum();
                (usize::try_from(size).unwrap_or_default(), node)
            }
            Size::Returned => {
                let costs = nodes.iter().map(|node| self.returned_nodes(node, object));
                costs.fold((0, 0), |(size, sum), (count, cost)| {
                    (count.max(size), sum + cost)
                })
            }
        };
        if size == 0 && matches!(self.size, Size::Returned) {
            return 2;
        }
        2_u32.saturating_add(multiplier(size).saturating_mul(node))
    }

    /// How many nodes came back under `nodes` or `edges`, and what the dearest of them cost.
    fn returned_nodes(&self, node: &Field, connection: Option<&JsonMap>) -> (usize, u32) {
        let listed = |key| {
            connection
                .and_then(|all| all.get(key))
                .and_then(JsonValue::as_array)
        };
        let cost = |object: &JsonMap| 1 + self.children(node, Some(object));
        if node.name == "nodes" {
            let items = listed(node.response_key().as_str());
            let items = items.map(Vec::as_slice).unwrap_or_default();
            let costs = items.iter().filter_map(JsonValue::as_object).map(cost);
            return (items.len(), costs.max().unwrap_or_default());
        }
        let edges = listed("edges").map(Vec::as_slice).unwrap_or_default();
        let inner = |edge: &JsonValue| {
            let node = edge.as_object()?.get(node.response_key().as_str())?;
            node.as_object().map(cost)
        };
        (
            edges.len(),
            edges.iter().filter_map(inner).max().unwrap_or_default(),
        )
    }

    /// The selections that hold a connection's nodes: `nodes`, and `node` in `edges`.
    fn nodes<'s>(&'s self, set: &'s SelectionSet) -> Vec<&'s Field> {
        let fields = self.fields(set, None);
        let mut nodes = Vec::new();
        for field in fields {
            match field.name.as_str() {
                "nodes" => nodes.push(field),
                "edges" => {
                    let inner = self.fields(&field.selection_set, None);
                    nodes.extend(inner.into_iter().filter(|inner| inner.name == "node"));
                }
                _ => {}
            }
        }
        nodes
    }

    fn is_object(&self, name: &str) -> bool {
        let kind = self.schema.types.get(name);
        kind.is_some_and(|kind| {
            matches!(
                kind,
                ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_)
            )
        })
    }
}

/// `floor(2 ln n)`, for pages of 2 and more: 1 at 2, 4 at 10, 9 at 100, 11 at 250.
fn multiplier(size: usize) -> u32 {
    // Where each value begins: the smallest n with 2 ln n at or above it.
    const STEPS: [usize; 11] = [2, 3, 5, 8, 13, 21, 34, 55, 91, 149, 245];
    let passed = STEPS.iter().filter(|step| size.max(2) >= **step).count();
    u32::try_from(passed).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::multiplier;

    #[test]
    fn the_multiplier_is_the_floor_of_twice_the_logarithm() {
        for size in 1_u32..=250 {
            let logarithm = 2.0 * f64::from(size.max(2)).ln();
            let multiplier = multiplier(usize::try_from(size).unwrap());
            assert!(
                f64::from(multiplier) <= logarithm && logarithm < f64::from(multiplier + 1),
                "{size}"
            );
        }
    }
}

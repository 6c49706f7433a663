//! `orders` and `ordersCount`: lists and searches.

use std::sync::Arc;

use apollo_compiler::resolvers::{FieldError, ResolveInfo, ResolvedValue};

use super::connection::{Connection, Names, Page, invalid_cursor};
use super::order::OrderNode;
use super::{
    Context, Record, Resolved, argument, count_argument, denied, error, flag_argument,
    text_argument,
};
use crate::graphql::cursor::{Cursor, list_of};
use crate::locked::lock;
use crate::search::{self, Ask, Filter, Found, SortKey};

const ORDERS: Names = Names {
    connection: "OrderConnection",
    edge: "OrderEdge",
};

/// `orders(query:, sortKey:, reverse:, first:, after:)`.
pub(super) fn orders<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    if !context.world.has_scope("read_orders") {
        return denied("orders", "read_orders");
    }
    let query = text_argument(info, "query").unwrap_or_default();
    let (sort, sort_name) = sort_key(info)?;
    let reverse = flag_argument(info, "reverse");
    let list = list_of((query, sort_name, reverse));
    let after = match text_argument(info, "after") {
        None => None,
        Some(after) => Some(Cursor::decode(after, list).ok_or_else(invalid_cursor)?),
    };
    let filter = filter(context, info, query)?;
    let ask = Ask {
        filter: &filter,
        sort,
        reverse,
        after: after.map(|cursor| (cursor.last_value, cursor.last_id)),
        first: count_argument(info, "first").unwrap_or_default(),
        created_since: context.created_since().map(|at| at.timestamp()),
    };
    let mut book = lock(&context.world.book);
    let found = if query.trim().is_empty() {
        book.list(&ask)
    } else {
        book.search(&ask, context.now)
    };
    let Found { places, has_next } = found;
    // The search says which orders; what they are is read from the replica.
    let nodes = places.iter().filter_map(|(value, id)| {
        let order = Arc::clone(book.read(*id, context.now)?);
        Some((
            Cursor::encode(list, *value, *id),
            OrderNode { context, order },
        ))
    });
    let page = Page {
        nodes: nodes.collect(),
        has_next,
        has_previous: after.is_some(),
    };
    Ok(ResolvedValue::object(Connection {
        names: ORDERS,
        page,
    }))
}

/// `ordersCount(query:, limit:)`.
pub(super) fn count<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    if !context.world.has_scope("read_orders") {
        return denied("ordersCount", "read_orders");
    }
    let filter = filter(
        context,
        info,
        text_argument(info, "query").unwrap_or_default(),
    )?;
    // The schema's default is 10,000; null asks for all.
    let limit = count_argument(info, "limit").unwrap_or(usize::MAX - 1);
    let ask = Ask {
        filter: &filter,
        sort: SortKey::Id,
        reverse: false,
        after: None,
        first: limit,
        created_since: context.created_since().map(|at| at.timestamp()),
    };
    let found = lock(&context.world.book).search(&ask, context.now);
    let precision = if found.has_next { "AT_LEAST" } else { "EXACT" };
    let record = Record::new("Count")
        .leaf("count", found.places.len())
        .leaf("precision", precision);
    Ok(ResolvedValue::object(record))
}

/// Reads the query, and notes for `extensions.search` what Shopify would not understand of it.
fn filter(
    context: &Context<'_>,
    info: &ResolveInfo<'_>,
    query: &str,
) -> Result<Filter, FieldError> {
    let search = search::parse(query, context.world.facts.zone);
    if let Some(field) = search.unsupported.first() {
        let message = format!("the simulator does not search orders by `{field}`");
        return Err(error("NOT_SIMULATED", &message));
    }
    let selection = info.field_selections().first();
    let path = selection.map(|field| field.response_key().as_str());
    let note = search.extension(path.unwrap_or_default(), query);
    context.searches.borrow_mut().extend(note);
    Ok(search.filter)
}

fn sort_key<'a>(info: &'a ResolveInfo<'a>) -> Result<(SortKey, &'a str), FieldError> {
    let name = argument(info, "sortKey").and_then(|key| key.as_str());
    let name = name.unwrap_or("PROCESSED_AT");
    let key = match name {
        "PROCESSED_AT" => SortKey::ProcessedAt,
        "CREATED_AT" => SortKey::CreatedAt,
        "UPDATED_AT" => SortKey::UpdatedAt,
        "ID" => SortKey::Id,
        "ORDER_NUMBER" => SortKey::Number,
        _ => {
            let message = format!("the simulator does not sort orders by {name}");
            return Err(error("NOT_SIMULATED", &message));
        }
    };
    Ok((key, name))
}

//! The cost formula, on the numbers that are known of Shopify.

use serde_json::{Value, json};

use crate::harness::{ask, at_noon};

/// PLATFORM's page query, with holes for its variants.
fn page_query(lines: u32, events: &str, in_line: &str, in_order: &str) -> String {
    format!(
        "query Page($first: Int!, $after: String, $query: String!) {{
           orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
             nodes {{ ...OrderFields }} pageInfo {{ hasNextPage endCursor }} }} }}
         {}",
        fields(lines, events, in_line, in_order)
    )
}

fn fields(lines: u32, events: &str, in_line: &str, in_order: &str) -> String {
    format!(
        "fragment OrderFields on Order {{
           id legacyResourceId name number confirmationNumber email phone test statusPageUrl
           createdAt processedAt updatedAt cancelledAt cancelReason closedAt
           displayFinancialStatus displayFulfillmentStatus returnStatus tags currencyCode presentmentCurrencyCode
           totalPriceSet {{ ...Money }} currentTotalPriceSet {{ ...Money }} currentSubtotalPriceSet {{ ...Money }}
           currentTotalTaxSet {{ ...Money }} totalShippingPriceSet {{ ...Money }} totalRefundedSet {{ ...Money }}
           shippingAddress {{ ...Addr }} billingAddress {{ ...Addr }} {in_order}
           lineItems(first: {lines}) {{
             nodes {{ id title variantTitle sku vendor quantity currentQuantity unfulfilledQuantity requiresShipping
                     originalUnitPriceSet {{ ...Money }} discountedTotalSet {{ ...Money }} {in_line} }}
             pageInfo {{ hasNextPage endCursor }} }}
           fulfillments(first: 20) {{
             id legacyResourceId name status displayStatus createdAt updatedAt inTransitAt deliveredAt
             estimatedDeliveryAt totalQuantity trackingInfo(first: 10) {{ company number url }} {events} }} }}
         fragment Money on MoneyBag {{ shopMoney {{ amount currencyCode }} presentmentMoney {{ amount currencyCode }} }}
         fragment Addr on MailingAddress {{
           name company address1 address2 city provinceCode province countryCodeV2 country zip phone }}"
    )
}

const EVENTS: &str = "events(first: 20, sortKey: HAPPENED_AT, reverse: true) {
  nodes { id status message happenedAt estimatedDeliveryAt city province country zip } pageInfo { hasNextPage } }";

const HEADS: &str = "query Page($first: Int!, $query: String!) {
  orders(first: $first, query: $query) { nodes { id name updatedAt } pageInfo { hasNextPage endCursor } } }";

fn requested(answer: &Value) -> u64 {
    let cost = &answer["extensions"]["cost"]["requestedQueryCost"];
    cost.as_u64().unwrap_or_else(|| panic!("{answer:#}"))
}

#[tokio::test]
async fn the_table_of_page_costs_is_reproduced() {
    let simulator = at_noon().bucket(20_000, 1000).start().await.unwrap();
    let table = [
        (page_query(50, EVENTS, "", ""), [86, 128, 149, 191, 233]),
        (page_query(250, EVENTS, "", ""), [102, 152, 177, 227, 277]),
        (page_query(50, "", "", ""), [58, 86, 100, 128, 156]),
        (
            page_query(50, EVENTS, "product { id } variant { id }", ""),
            [142, 212, 247, 317, 387],
        ),
        (
            page_query(50, EVENTS, "", "customer { id }"),
            [90, 134, 156, 200, 244],
        ),
        (HEADS.to_owned(), [6, 8, 9, 11, 13]),
    ];
    for (document, costs) in table {
        for (first, cost) in [10, 25, 50, 100, 250].into_iter().zip(costs) {
            let answer = ask(
                &simulator,
                &document,
                json!({ "first": first, "query": "" }),
            )
            .await;
            assert_eq!(requested(&answer), cost, "first: {first} of {document}");
        }
    }
}

#[tokio::test]
async fn single_reads_and_lists_cost_what_they_cost_at_shopify() {
    let simulator = at_noon().start().await.unwrap();
    let fields = fields(50, EVENTS, "", "");
    let who_am_i = "query WhoAmI {
      shop { id name plan { publicDisplayName shopifyPlus } }
      currentAppInstallation { accessScopes { handle } } publicApiVersions { handle supported } }";
    let subscriptions = "query Subs { webhookSubscriptions(first: 100) {
      nodes { id topic apiVersion { handle supported } } pageInfo { hasNextPage endCursor } } }";
    let cases = [
        (format!("query One($id: ID!) {{ order(id: $id) {{ ...OrderFields }} }} {fields}"), 21),
        (format!("query Some($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Order {{ ...OrderFields }} }} }} {fields}"), 21),
        (who_am_i.to_owned(), 5),
        (subscriptions.to_owned(), 20),
        ("query Count { ordersCount { count } }".to_owned(), 10),
        ("mutation Delete { webhookSubscriptionDelete(id: \"gid://shopify/WebhookSubscription/1\") { userErrors { message } } }".to_owned(), 10),
        ("query More { order(id: \"gid://shopify/Order/1\") { lineItems(first: 250) { nodes { id } } } }".to_owned(), 14),
    ];
    for (document, cost) in cases {
        let id = "gid://shopify/Order/1";
        let variables = match document.as_str() {
            one if one.starts_with("query One") => json!({ "id": id }),
            some if some.starts_with("query Some") => json!({ "ids": vec![id; 8] }),
            _ => json!({}),
        };
        let answer = ask(&simulator, &document, variables).await;
        assert_eq!(requested(&answer), cost, "{document}");
    }
}

#[tokio::test]
async fn the_actual_cost_is_that_of_what_came_back() {
    let simulator = at_noon().orders(3).start().await.unwrap();
    let answer = ask(&simulator, HEADS, json!({ "first": 250, "query": "" })).await;
    let cost = &answer["extensions"]["cost"];
    assert_eq!(
        (&cost["requestedQueryCost"], &cost["actualQueryCost"]),
        (&json!(13), &json!(4))
    );
    assert_eq!(cost["throttleStatus"]["currentlyAvailable"], json!(1996.0));
    let missing = "query Gone { order(id: \"gid://shopify/Order/1\") { id } }";
    let answer = ask(&simulator, missing, json!({})).await;
    assert_eq!(answer["extensions"]["cost"]["actualQueryCost"], 0);
}

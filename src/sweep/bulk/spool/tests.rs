use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn order(id: u64, day: u32) -> String {
    format!(
        r##"{{"id":"gid://shopify/Order/{id}","name":"#{id}","email":null,"note":null,"tags":[],"test":false,"createdAt":"2026-11-{day:02}T10:00:00Z","updatedAt":"2026-11-20T11:00:00Z","cancelledAt":null,"displayFinancialStatus":"PAID","displayFulfillmentStatus":"UNFULFILLED","currencyCode":"GBP","discountCodes":[],"subtotalLineItemsQuantity":2,"totalPriceSet":{{"shopMoney":{{"amount":"18.00"}}}},"subtotalPriceSet":null,"totalShippingPriceSet":null,"totalDiscountsSet":null,"totalTaxSet":null,"shippingAddress":null,"billingAddress":null,"fulfillments":[]}}"##
    )
}

fn child(id: u64, of: u64) -> String {
    format!(
        r#"{{"id":"gid://shopify/LineItem/{id}","title":"Mug","variantTitle":null,"sku":"M","quantity":1,"currentQuantity":1,"requiresShipping":true,"originalUnitPriceSet":{{"shopMoney":{{"amount":"9.00"}}}},"__parentId":"gid://shopify/Order/{of}"}}"#
    )
}

fn spool(lines: &[String]) -> (tempfile::TempDir, Spool) {
    let parent = tempfile::tempdir().unwrap();
    let mut spool = Spool::create(&parent.path().join("bulk"), 3).unwrap();
    for line in lines {
        spool.write(format!("{line}\n").as_bytes()).unwrap();
    }
    (parent, spool)
}

#[test]
fn children_find_their_orders_wherever_they_stand() {
    let mut lines = Vec::new();
    for id in 1..=40 {
        lines.push(child(2 * id, id));
    }
    lines.extend((1..=40).map(|id| order(id, 20)));
    for id in (1..=40).rev() {
        lines.push(child(2 * id + 1, id));
    }
    let (parent, spool) = spool(&lines);
    assert_eq!((spool.lines(), spool.unread()), (120, 0));
    let shares = spool.finish().unwrap();
    let mut found = 0;
    for number in 0..3 {
        let mut share = shares.open(number).unwrap();
        loop {
            let orders = share.take(7, now());
            if orders.is_empty() {
                break;
            }
            for order in orders {
                let order = order.unwrap();
                assert!(order.has_its_lines);
                assert_eq!(order.order.head.unwrap().value.line_items.len(), 2);
                found += 1;
            }
        }
    }
    assert_eq!(found, 40);
    drop(shares);
    let left = fs::read_dir(parent.path().join("bulk")).unwrap().count();
    assert_eq!(left, 0, "nothing of it stays on the disk");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (parent, spool) = spool(&[order(1, 20)]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&parent.path().join("bulk")), 0o700);
    assert_eq!(mode(&spool.directory.path(0)), 0o600);
}

#[test]
fn a_file_shows_in_which_order_it_is() {
    let of = |days: &[u32]| {
        let lines: Vec<_> = days
            .iter()
            .map(|day| order(u64::from(*day), *day))
            .collect();
        spool(&lines).1.extent()
    };
    let day = |day: u32| format!("2026-11-{day:02}T10:00:00Z").parse().unwrap();
    assert_eq!(of(&[]), Extent::Empty);
    assert_eq!(of(&[20]), Extent::NewestFirst { oldest: day(20) });
    assert_eq!(of(&[20, 19, 18]), Extent::NewestFirst { oldest: day(18) });
    assert_eq!(of(&[18, 19, 20]), Extent::OldestFirst { newest: day(20) });
    assert_eq!(of(&[18, 20, 19]), Extent::Unordered);
}

#[test]
fn what_is_no_line_of_ours_is_counted_and_orphans_are_named() {
    let (_parent, spool) = spool(&["<html>".to_owned(), child(2, 1)]);
    assert_eq!((spool.lines(), spool.unread()), (2, 1));
    let shares = spool.finish().unwrap();
    let all = (0..3).flat_map(|share| shares.open(share).unwrap().take(9, now()));
    let all: Vec<_> = all.collect();
    assert!(matches!(all.as_slice(), [Err((_, BadLines::Orphans))]));
}

#[test]
fn a_share_is_small_however_large_the_file_is() {
    assert_eq!(shares_of(Some(0)), 1);
    assert_eq!(shares_of(Some(460 * 1024 * 1024)), 115);
    assert_eq!(shares_of(Some(u64::MAX)), 128);
    assert_eq!(shares_of(None), 64);
}

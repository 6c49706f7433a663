//! What this shop sells, and to whom: enough variety that a reader of the data meets every shape.

use fastrand::Rng;

use crate::model::{Address, Currency, Customer, LineItem};
use crate::world::Ids;

/// Title, variant, price in whole units, grams.
const PRODUCTS: &[(&str, Option<&str>, i64, u32)] = &[
    ("Merino crew-neck jumper", Some("M / Navy"), 79, 420),
    ("Waxed cotton jacket", Some("L / Olive"), 189, 1400),
    ("Linen shirt", Some("S / White"), 65, 260),
    ("Wool socks (3 pairs)", None, 24, 180),
    ("Café mug “Zürich”", None, 18, 350),
    ("青花瓷茶壶", Some("600 ml"), 54, 900),
    ("Notebook — dotted, A5", None, 14, 300),
    ("Leather belt", Some("95 cm"), 45, 240),
    ("Scented candle 🕯️", Some("Cedar"), 29, 450),
    ("Gift card", None, 50, 0),
];

const PEOPLE: &[(&str, &str)] = &[
    ("Olivia", "Smith"),
    ("Noah", "O’Connor"),
    ("Zoë", "Müller"),
    ("明", "李"),
    ("Siân", "Hughes"),
    ("José", "García Márquez"),
    ("Aoife", "Byrne"),
    ("Łukasz", "Wójcik"),
    ("Emma", "Brown"),
    ("Yūki", "Sato"),
];

/// Street, city, province, its code, zip, country, its code.
const PLACES: &[[&str; 7]] = &[
    [
        "12 Baker Street",
        "London",
        "England",
        "ENG",
        "NW1 6XE",
        "United Kingdom",
        "GB",
    ],
    [
        "4 Princes Street",
        "Edinburgh",
        "Scotland",
        "SCT",
        "EH2 2AN",
        "United Kingdom",
        "GB",
    ],
    [
        "Karl-Marx-Allee 33",
        "Berlin",
        "",
        "",
        "10178",
        "Germany",
        "DE",
    ],
    [
        "18 O’Connell Street",
        "Dublin",
        "Dublin",
        "D",
        "D01 F5P2",
        "Ireland",
        "IE",
    ],
    [
        "南京东路 100 号",
        "上海",
        "Shanghai",
        "SH",
        "200001",
        "China",
        "CN",
    ],
    [
        "350 Fifth Avenue",
        "New York",
        "New York",
        "NY",
        "10118",
        "United States",
        "US",
    ],
];

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> Option<&'a T> {
    from.get(rng.usize(..from.len().max(1)))
}

pub(super) fn lines(
    rng: &mut Rng,
    ids: &Ids,
    currency: &Currency,
    count: usize,
    quantity: Option<u32>,
) -> Vec<LineItem> {
    let start = rng.usize(..PRODUCTS.len());
    let products = PRODUCTS.iter().enumerate().cycle().skip(start);
    products
        .take(count)
        .map(|(at, (title, variant, price, grams))| {
            let quantity = quantity.unwrap_or_else(|| rng.u32(1..=3));
            // A currency without decimals has small units.
            let scale = if currency.unit() == 1 { 150 } else { 1 };
            let number = u64::try_from(at).unwrap_or_default();
            LineItem {
                id: ids.next(),
                product_id: 788_032_119_674_292_922 + number * 7,
                variant_id: 642_667_041_472_713_922 + number * 7,
                title: (*title).to_owned(),
                variant_title: variant.map(str::to_owned),
                // One product has no SKU, as happens.
                sku: (at != 9).then(|| format!("WRM-{:04}", 100 + at)),
                vendor: Some("Warmer & Sons".to_owned()),
                quantity,
                current_quantity: quantity,
                price: price * scale * currency.unit(),
                grams: *grams,
                requires_shipping: *grams > 0,
            }
        })
        .collect()
}

pub(super) fn customer(rng: &mut Rng, ids: &Ids) -> Customer {
    let (first, last) = pick(rng, PEOPLE).copied().unwrap_or(("Ann", "Other"));
    let id = ids.next();
    Customer {
        id,
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: Some(format!("customer{}@example.com", id % 100_000)),
        phone: None,
    }
}

pub(super) fn address(rng: &mut Rng, customer: Option<&Customer>) -> Address {
    let [street, city, province, code, zip, country, country_code] =
        pick(rng, PLACES).copied().unwrap_or_default();
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Address {
        first_name: customer
            .map_or("Guest", |one| one.first_name.as_str())
            .to_owned(),
        last_name: customer
            .map_or("Buyer", |one| one.last_name.as_str())
            .to_owned(),
        company: None,
        address1: street.to_owned(),
        // Shopify keeps what the form sent: null where there was no field, empty where nobody typed.
        address2: rng.bool().then(String::new),
        city: city.to_owned(),
        province: named(province),
        province_code: named(code),
        zip: zip.to_owned(),
        country: country.to_owned(),
        country_code: country_code.to_owned(),
        phone: rng.bool().then(|| "+44 20 7946 0000".to_owned()),
    }
}

/// A carrier, with how it spells numbers and where it shows them.
pub(super) fn parcel(rng: &mut Rng) -> (&'static str, String, String) {
    let digits: String = (0..12).map(|_| rng.digit(10)).collect();
    match rng.u8(..3) {
        0 => {
            let number = format!("{}GB", digits.get(..9).unwrap_or_default());
            let url = format!("https://www.royalmail.com/track-your-item#/{number}");
            ("Royal Mail", number, url)
        }
        1 => {
            let number = format!("1Z{digits}");
            let url = format!("https://www.ups.com/track?tracknum={number}");
            ("UPS", number, url)
        }
        _ => {
            let url = format!("https://www.dpd.co.uk/tracking/{digits}");
            ("DPD UK", digits, url)
        }
    }
}

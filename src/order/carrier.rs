//! Carriers by one name each, and where their parcels can be followed.
//!
//! Shopify passes on whatever a warehouse typed: `DHL`, `dhl express`, `Yun Express`, `云途`. A link is made only for a carrier that is known and
//! a number that may be its own: no link is better than a wrong one.

mod table;

use self::table::{CARRIERS, Carrier};

/// The carrier's usual name, where its spelling is known; else as it was told.
pub(super) fn name(told: &str) -> String {
    find(told).map_or_else(|| told.trim().to_owned(), |carrier| carrier.name.to_owned())
}

/// Where the parcel can be followed; `None` where the carrier is not known, or has no page that takes a number alone.
pub(super) fn link(told: &str, number: &str) -> Option<String> {
    let carrier = find(told)?;
    let number: String = number.split_whitespace().collect();
    let may_be = |pattern: &Pattern| pattern.fits(&number);
    let (before, after) = carrier.link?;
    may_be(&carrier.numbers).then(|| format!("{before}{number}{after}"))
}

fn find(told: &str) -> Option<&'static Carrier> {
    let spelled = plain(told);
    CARRIERS
        .iter()
        .find(|carrier| carrier.spellings.contains(&spelled.as_str()))
}

/// Without case, blanks and punctuation.
fn plain(told: &str) -> String {
    told.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// What a carrier's numbers look like, as far as that tells them from nonsense.
#[derive(Debug, Clone, Copy)]
enum Pattern {
    /// Letters and digits.
    Any,
    /// Digits, at least and at most so many.
    Digits(usize, usize),
    /// Begins like this, then letters and digits.
    Begins(&'static [&'static str]),
}

impl Pattern {
    /// Whether `number` may be one. Only letters, digits and hyphens pass, so that it can stand in an address as it is.
    fn fits(self, number: &str) -> bool {
        let plain = number
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || !(6..=40).contains(&number.len()) {
            return false;
        }
        match self {
            Self::Any => number.bytes().any(|byte| byte.is_ascii_digit()),
            Self::Digits(least, most) => {
                number.bytes().all(|byte| byte.is_ascii_digit())
                    && (least..=most).contains(&number.len())
            }
            Self::Begins(beginnings) => {
                let number = number.to_ascii_uppercase();
                beginnings.iter().any(|with| number.starts_with(with))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_come_to_one_name() {
        for (told, usual) in [
            ("dhl", "DHL"),
            ("DHL  Express", "DHL Express"),
            ("royal-mail", "Royal Mail"),
            ("Hermes UK", "Evri"),
            ("Yun Express", "YunExpress"),
            ("云途物流", "YunExpress"),
            ("La Poste", "La Poste"),
            ("Bob's Bikes ", "Bob's Bikes"),
            ("", ""),
        ] {
            assert_eq!(name(told), usual, "{told}");
        }
    }

    #[test]
    fn a_link_is_made_of_a_known_carrier_and_a_likely_number_alone() {
        assert_eq!(
            link("ups", "1Z999AA10123456784").as_deref(),
            Some("https://www.ups.com/track?tracknum=1Z999AA10123456784")
        );
        assert_eq!(
            link("Royal Mail", "RM 1234 56789 GB").as_deref(),
            Some("https://www.royalmail.com/track-your-item#/tracking-results/RM123456789GB")
        );
        for (carrier, number) in [
            ("Bob's Bikes", "123456789"),
            ("UPS", "RM123456789GB"),
            ("USPS", "12"),
            ("DHL", "see note"),
            ("DHL", "1234567890?x=<script>"),
            ("DHL", "ABCDEFGH"),
            ("PostNL", "3SABCD1234567"),
        ] {
            assert_eq!(link(carrier, number), None, "{carrier} {number}");
        }
    }

    #[test]
    fn every_spelling_is_plain_and_leads_to_one_carrier() {
        let mut seen = std::collections::BTreeSet::new();
        for carrier in CARRIERS {
            assert!(
                carrier.spellings.contains(&plain(carrier.name).as_str()),
                "{carrier:?}"
            );
            for spelling in carrier.spellings {
                assert_eq!(plain(spelling), *spelling, "{carrier:?}");
                assert!(seen.insert(spelling), "{spelling} stands twice");
            }
            if let Some((before, _)) = carrier.link {
                assert!(before.starts_with("https://"), "{carrier:?}");
            }
        }
    }
}

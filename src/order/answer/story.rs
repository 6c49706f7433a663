//! The sentences for the customer: what a support bot may send as it is, in Chinese and English.
//!
//! They say "delivered" (已送达) of a parcel only if its carrier said so, name days in UTC without hours, and hold nothing personal.

mod sentence;

use chrono::{DateTime, Utc};

use self::sentence::{carried, settled, standing};
use super::{
    super::{Subject, Words},
    parcel::Parcel,
};

/// Parcels that are told one by one; a customer reads no longer list.
const MOST_PARCELS: usize = 5;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Carriers, numbers and links as well.
    Whole,
    /// The state alone.
    State,
}

/// What there is to tell a customer.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub(super) number: &'a str,
    pub(super) cancelled: bool,
    pub(super) partly: bool,
    /// The code of the shipping state.
    pub(super) shipping: &'a str,
    /// The code of the payment's state.
    pub(super) payment: Option<String>,
    /// The code of the return's state.
    pub(super) returns: Option<String>,
    /// Those that are not cancelled, oldest first.
    pub(super) parcels: &'a [&'a Parcel<'a>],
}

/// A language: what differs but the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Zh,
    En,
}

/// A sentence in both.
#[derive(Debug, Clone, Copy)]
struct Both {
    zh: &'static str,
    en: &'static str,
}

impl Both {
    fn of(self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

impl Story<'_> {
    /// In Chinese.
    pub(super) fn zh(&self, detail: Detail) -> String {
        self.tell(Language::Zh, detail)
    }

    /// In English.
    pub(super) fn en(&self, detail: Detail) -> String {
        self.tell(Language::En, detail)
    }

    fn tell(&self, language: Language, detail: Detail) -> String {
        let mut sentences = vec![self.opening(language)];
        if let [parcel] = self.parcels {
            sentences.push(alone(parcel, language, detail));
        } else {
            sentences.extend(self.list(language, detail));
        }
        let returns = self.returns.as_deref();
        let payment = self.payment.as_deref();
        sentences.extend(returns.map(|code| returned(code, language)));
        sentences.extend(
            payment
                .and_then(settled)
                .map(|both| both.of(language).to_owned()),
        );
        let between = match language {
            Language::Zh => "",
            Language::En => " ",
        };
        sentences.retain(|sentence| !sentence.is_empty());
        sentences.join(between)
    }

    fn opening(&self, language: Language) -> String {
        let both = match (self.parcels.is_empty(), self.cancelled, self.partly) {
            (true, true, _) => standing("cancelled"),
            (true, false, _) => standing(self.shipping),
            (false, true, _) => standing("cancelled_after_shipping"),
            (false, false, true) => standing("partly_shipped"),
            (false, false, false) => standing("shipped"),
        };
        both.of(language).replace("{number}", self.number)
    }

    /// Several parcels, one by one.
    fn list(&self, language: Language, detail: Detail) -> Vec<String> {
        let count = self.parcels.len();
        if count == 0 {
            return Vec::new();
        }
        let mut told = vec![match language {
            Language::Zh => format!("共 {count} 个包裹："),
            Language::En => format!("It comes in {count} parcels."),
        }];
        // The newest are the ones that are under way.
        let first = count.saturating_sub(MOST_PARCELS);
        let shown = self.parcels.iter().enumerate().skip(first);
        told.extend(shown.map(|(at, parcel)| one_of_many(at + 1, parcel, language, detail)));
        if first > 0 {
            told.push(match language {
                Language::Zh => format!("另有 {first} 个较早的包裹。"),
                Language::En => format!("There are {first} older ones."),
            });
        }
        told
    }
}

/// The only parcel.
fn alone(parcel: &Parcel<'_>, language: Language, detail: Detail) -> String {
    let state = state(parcel, language);
    let facts = facts(parcel, language, detail);
    let day = day(parcel, language);
    match language {
        Language::Zh => {
            let facts = facts.map_or_else(String::new, |facts| format!("{facts}。"));
            format!("包裹{state}{day}。{facts}")
        }
        Language::En => {
            let facts = facts.map_or_else(String::new, |facts| format!(" {facts}."));
            format!("The parcel {state}{day}.{facts}")
        }
    }
}

/// A parcel of several, by its place among them.
fn one_of_many(place: usize, parcel: &Parcel<'_>, language: Language, detail: Detail) -> String {
    let state = state(parcel, language);
    let facts = facts(parcel, language, detail);
    let day = day(parcel, language);
    match language {
        Language::Zh => {
            let facts = facts.map_or_else(String::new, |facts| format!("（{facts}）"));
            format!("包裹 {place} {state}{day}{facts}。")
        }
        Language::En => {
            let facts = facts.map_or_else(String::new, |facts| format!(" ({facts})"));
            format!("Parcel {place} {state}{day}{facts}.")
        }
    }
}

/// What the carrier said last, as the rest of a sentence about the parcel.
fn state(parcel: &Parcel<'_>, language: Language) -> String {
    let code = parcel.state();
    if let Some(both) = carried(code) {
        return both.of(language).to_owned();
    }
    let words = Words::of(Subject::Parcel, code);
    match language {
        Language::Zh => format!("的最新状态：{}", words.zh),
        Language::En => format!("has a new status: {}", words.en),
    }
}

/// The day it arrived, or is expected, or was handed over.
fn day(parcel: &Parcel<'_>, language: Language) -> String {
    let told = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let (zh, en, at) = if parcel.is_delivered() {
        let Some(at) = parcel.delivered_at() else {
            return String::new();
        };
        ("（{}）", " on {}", at)
    } else if let Some(at) = parcel.estimated_delivery_at() {
        ("，预计 {} 前后到达", " and is expected around {}", at)
    } else {
        ("（{} 发货）", " (shipped on {})", parcel.created_at())
    };
    let pattern = match language {
        Language::Zh => zh,
        Language::En => en,
    };
    pattern.replace("{}", &told(at))
}

/// Carrier, number and link, as far as they are known and may be told.
fn facts(parcel: &Parcel<'_>, language: Language, detail: Detail) -> Option<String> {
    if detail == Detail::State {
        return None;
    }
    let Some(number) = parcel.number() else {
        return Some(match language {
            Language::Zh => "暂无运单号".to_owned(),
            Language::En => "There is no tracking number yet".to_owned(),
        });
    };
    let (labels, between) = match language {
        Language::Zh => (["承运商：", "运单号：", "查询链接："], "，"),
        Language::En => (["Carrier: ", "tracking number: ", "follow it at "], ", "),
    };
    let values = [parcel.company(), Some(number), parcel.url()];
    let parts = labels.into_iter().zip(values);
    let known: Vec<_> = parts
        .filter_map(|(label, value)| Some(format!("{label}{}", value?)))
        .collect();
    let mut facts = known.join(between);
    if language == Language::En && parcel.company().is_none() {
        facts.replace_range(0..1, "T");
    }
    if language == Language::Zh && parcel.url().is_some() {
        // A chat takes the full stop for a part of the link.
        facts.push(' ');
    }
    Some(facts)
}

fn returned(code: &str, language: Language) -> String {
    let words = Words::of(Subject::Return, code);
    match language {
        Language::Zh => format!("退货状态：{}。", words.zh),
        Language::En => format!("Return: {}.", words.en.to_lowercase()),
    }
}

#[cfg(test)]
mod tests;

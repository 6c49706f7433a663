//! What Shopify's states are called to a customer, in Chinese and English.

use serde::Serialize;

/// A state: Shopify's own word, and the same for a person.
///
/// Nothing here says "delivered" unless `code` is Shopify's `delivered`, which only a carrier's report sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Shopify's word, or one of `not_shipped`, `partial`, `shipped`, `cancelled`, which are ours for what it has no word for.
    pub code: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// `(code, zh, en)`. The codes are Shopify's shipment statuses in REST spelling, then the order's fulfilment statuses.
const TABLE: &[(&str, &str, &str)] = &[
    ("label_printed", "面单已打印", "Label printed"),
    ("label_purchased", "面单已购买", "Label purchased"),
    ("label_voided", "面单已作废", "Label voided"),
    ("confirmed", "承运商已确认", "Confirmed by the carrier"),
    (
        "carrier_picked_up",
        "承运商已揽收",
        "Picked up by the carrier",
    ),
    ("in_transit", "运输中", "In transit"),
    ("out_for_delivery", "派送中", "Out for delivery"),
    ("attempted_delivery", "已尝试派送", "Delivery attempted"),
    ("ready_for_pickup", "可自提", "Ready for pickup"),
    ("picked_up", "已自提", "Picked up"),
    ("delivered", "已送达", "Delivered"),
    ("not_delivered", "未送达", "Not delivered"),
    ("delayed", "已延误", "Delayed"),
    ("failure", "派送失败", "Delivery failed"),
    ("not_shipped", "未发货", "Not shipped yet"),
    ("partial", "部分发货", "Partially shipped"),
    ("fulfilled", "已发货", "Shipped"),
    ("shipped", "已发货", "Shipped"),
    ("restocked", "已退回库存", "Restocked"),
    ("cancelled", "已取消", "Cancelled"),
    ("not_required", "无需配送", "No shipping needed"),
];

impl Words {
    /// The words for `code`. A state we do not know yet is shown as Shopify spells it, in both languages.
    pub fn of(code: &str) -> Self {
        let known = TABLE.iter().find(|(known, _, _)| *known == code);
        let spelled = || code.replace('_', " ");
        Self {
            code: code.to_owned(),
            zh: known.map_or_else(spelled, |(_, zh, _)| (*zh).to_owned()),
            en: known.map_or_else(spelled, |(_, _, en)| (*en).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_carriers_delivered_is_delivered() {
        let delivered: Vec<_> = TABLE
            .iter()
            .filter(|(_, zh, en)| zh.contains("送达") && *en == "Delivered")
            .collect();
        assert_eq!(delivered.len(), 1);
        assert_eq!(Words::of("fulfilled").en, "Shipped");
    }

    #[test]
    fn a_state_of_the_future_is_shown_as_it_is() {
        let words = Words::of("handed_to_drone");
        assert_eq!(
            (words.zh.as_str(), words.en.as_str()),
            ("handed to drone", "handed to drone")
        );
    }

    #[test]
    fn no_code_stands_twice() {
        for (at, (code, zh, en)) in TABLE.iter().enumerate() {
            assert!(!zh.is_empty() && !en.is_empty());
            assert!(
                !TABLE.iter().skip(at + 1).any(|(other, _, _)| other == code),
                "{code}"
            );
        }
    }
}

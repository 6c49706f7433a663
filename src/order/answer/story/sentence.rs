//! The sentences by state.

use super::Both;

/// How the story begins; `{number}` is the order's.
pub(super) fn standing(code: &str) -> Both {
    match code {
        "cancelled" => Both {
            zh: "您的订单 {number} 已取消。",
            en: "Your order {number} has been cancelled.",
        },
        "cancelled_after_shipping" => Both {
            zh: "您的订单 {number} 在发货后已取消。",
            en: "Your order {number} was cancelled after it had been shipped.",
        },
        "partly_shipped" | "partial" => Both {
            zh: "您的订单 {number} 已部分发货。",
            en: "Part of your order {number} has been shipped.",
        },
        "shipped" | "fulfilled" => Both {
            zh: "您的订单 {number} 已发货。",
            en: "Your order {number} has been shipped.",
        },
        "restocked" => Both {
            zh: "您的订单 {number} 的商品已退回库存，不会再发货。",
            en: "The items of your order {number} have gone back into stock and will not be shipped.",
        },
        "on_hold" => Both {
            zh: "您的订单 {number} 暂缓发货，如有疑问请联系客服。",
            en: "Your order {number} is on hold and has not been shipped yet. Please contact us if you have any questions.",
        },
        "scheduled" => Both {
            zh: "您的订单 {number} 已排期，将在之后发货。",
            en: "Your order {number} is scheduled and will be shipped later.",
        },
        "in_progress" | "pending_fulfillment" => Both {
            zh: "您的订单 {number} 正在备货，尚未发货。",
            en: "Your order {number} is being prepared and has not been shipped yet.",
        },
        "fulfillment_not_required" => Both {
            zh: "您的订单 {number} 无需配送。",
            en: "Your order {number} needs no shipping.",
        },
        _not_shipped => Both {
            zh: "您的订单 {number} 尚未发货。",
            en: "Your order {number} has not been shipped yet.",
        },
    }
}

/// What became of a parcel, to follow "The parcel". None for a state of the future.
pub(super) fn carried(code: &str) -> Option<Both> {
    Some(match code {
        "shipped" | "fulfilled" | "marked_as_fulfilled" => Both {
            zh: "已发出",
            en: "has been sent",
        },
        "submitted" | "label_purchased" | "label_printed" => Both {
            zh: "正在准备交给承运商",
            en: "is being made ready for the carrier",
        },
        "label_voided" => Both {
            zh: "的面单已作废，正在重新处理",
            en: "has had its label voided and is being processed again",
        },
        "confirmed" => Both {
            zh: "已由承运商确认",
            en: "has been confirmed by the carrier",
        },
        "carrier_picked_up" => Both {
            zh: "已由承运商揽收",
            en: "has been picked up by the carrier",
        },
        "in_transit" => Both {
            zh: "正在运输途中",
            en: "is on its way",
        },
        "delayed" => Both {
            zh: "正在运输途中，但有延误",
            en: "is on its way but delayed",
        },
        "out_for_delivery" => Both {
            zh: "正在派送",
            en: "is out for delivery",
        },
        "attempted_delivery" => Both {
            zh: "已尝试派送但未成功，承运商会再次派送或通知您自提",
            en: "could not be handed over at the first attempt; the carrier will try again or tell you where to collect it",
        },
        "ready_for_pickup" => Both {
            zh: "已到自提点，可以取件",
            en: "is ready for you to collect",
        },
        "picked_up" => Both {
            zh: "已被取件",
            en: "has been collected",
        },
        "delivered" => Both {
            zh: "已送达",
            en: "has been delivered",
        },
        "not_delivered" | "failure" => Both {
            zh: "派送未成功，请联系客服",
            en: "could not be handed over; please contact us",
        },
        _of_the_future => return None,
    })
}

/// What became of the money, where a customer would ask.
pub(super) fn settled(code: &str) -> Option<Both> {
    Some(match code {
        "refunded" => Both {
            zh: "款项已全额退还。",
            en: "The payment has been refunded in full.",
        },
        "partially_refunded" => Both {
            zh: "已退还部分款项。",
            en: "Part of the payment has been refunded.",
        },
        "voided" => Both {
            zh: "付款已取消。",
            en: "The payment has been voided.",
        },
        _nothing_to_tell => return None,
    })
}

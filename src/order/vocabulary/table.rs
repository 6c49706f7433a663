//! The table of words.

use super::Subject;
use Subject::{Fulfillment, Parcel, Payment, Return, Shipping};

/// One state and its words.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) subject: Subject,
    pub(super) code: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

const fn row(subject: Subject, code: &'static str, zh: &'static str, en: &'static str) -> Row {
    Row {
        subject,
        code,
        zh,
        en,
    }
}

/// Every state, in the order in which it is passed through.
pub(super) const TABLE: &[Row] = &[
    row(Shipping, "fulfilled", "已发货", "Shipped"),
    row(Shipping, "partial", "部分发货", "Partly shipped"),
    row(
        Shipping,
        "partially_fulfilled",
        "部分发货",
        "Partly shipped",
    ),
    row(Shipping, "unfulfilled", "未发货", "Not shipped yet"),
    row(Shipping, "not_shipped", "未发货", "Not shipped yet"),
    row(
        Shipping,
        "fulfillment_not_required",
        "无需配送",
        "No shipping needed",
    ),
    row(Shipping, "open", "未发货", "Not shipped yet"),
    row(Shipping, "in_progress", "备货中", "Being prepared"),
    row(
        Shipping,
        "pending_fulfillment",
        "等待仓库处理",
        "Waiting for the warehouse",
    ),
    row(Shipping, "on_hold", "暂缓发货", "On hold"),
    row(Shipping, "scheduled", "已排期发货", "Scheduled"),
    row(
        Shipping,
        "request_declined",
        "仓库未受理",
        "Declined by the warehouse",
    ),
    row(Shipping, "restocked", "已退回库存", "Restocked"),
    row(Shipping, "cancelled", "已取消", "Cancelled"),
    row(Payment, "pending", "待付款", "Payment pending"),
    row(Payment, "authorized", "已授权", "Authorised"),
    row(Payment, "partially_paid", "部分付款", "Partly paid"),
    row(Payment, "paid", "已付款", "Paid"),
    row(Payment, "partially_refunded", "部分退款", "Partly refunded"),
    row(Payment, "refunded", "已退款", "Refunded"),
    row(Payment, "voided", "付款已取消", "Payment voided"),
    row(Payment, "expired", "付款已过期", "Payment expired"),
    row(Return, "no_return", "无退货", "No return"),
    row(Return, "return_requested", "已申请退货", "Return requested"),
    row(Return, "in_progress", "退货处理中", "Return in progress"),
    row(
        Return,
        "inspection_complete",
        "退货已验收",
        "Return inspected",
    ),
    row(Return, "returned", "已退货", "Returned"),
    row(Return, "return_failed", "退货未完成", "Return failed"),
    row(Fulfillment, "success", "已发货", "Shipped"),
    row(Fulfillment, "open", "处理中", "In progress"),
    row(Fulfillment, "pending", "等待处理", "Pending"),
    row(Fulfillment, "cancelled", "已取消", "Cancelled"),
    row(Fulfillment, "error", "发货出错", "Shipping failed"),
    row(Fulfillment, "failure", "发货失败", "Shipping failed"),
    row(Parcel, "not_shipped", "未发货", "Not shipped yet"),
    row(Parcel, "partial", "部分发货", "Partly shipped"),
    row(Parcel, "shipped", "已发货", "Shipped"),
    row(Parcel, "submitted", "已提交仓库", "Sent to the warehouse"),
    row(Parcel, "fulfilled", "已发货", "Shipped"),
    row(Parcel, "marked_as_fulfilled", "已发货", "Shipped"),
    row(Parcel, "label_purchased", "面单已购买", "Label purchased"),
    row(Parcel, "label_printed", "面单已打印", "Label printed"),
    row(Parcel, "label_voided", "面单已作废", "Label voided"),
    row(
        Parcel,
        "confirmed",
        "承运商已确认",
        "Confirmed by the carrier",
    ),
    row(
        Parcel,
        "carrier_picked_up",
        "承运商已揽收",
        "Picked up by the carrier",
    ),
    row(Parcel, "in_transit", "运输中", "In transit"),
    row(Parcel, "delayed", "已延误", "Delayed"),
    row(Parcel, "out_for_delivery", "派送中", "Out for delivery"),
    row(
        Parcel,
        "attempted_delivery",
        "已尝试派送",
        "Delivery attempted",
    ),
    row(Parcel, "ready_for_pickup", "可自提", "Ready for pickup"),
    row(Parcel, "picked_up", "已自提", "Collected"),
    row(Parcel, "delivered", "已送达", "Delivered"),
    row(Parcel, "not_delivered", "未送达", "Not delivered"),
    row(Parcel, "failure", "派送失败", "Delivery failed"),
    row(Parcel, "canceled", "已取消", "Cancelled"),
    row(Parcel, "cancelled", "已取消", "Cancelled"),
    row(Parcel, "removed", "已移除", "Removed from the order"),
    row(Parcel, "not_required", "无需配送", "No shipping needed"),
];

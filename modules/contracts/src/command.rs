//! Commands: what a module is asked to do.

use serde::{Deserialize, Serialize};

use crate::{CustomerId, Event, Money, OrderId, OrderLine, Refusal, Region};

/// A command to one module. It carries everything that its handler needs.
///
/// A compensation is a command like any other, named with the verb that the business uses for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(missing_docs, reason = "the fields are the published language's own words")]
pub enum Command {
    /// Catalog: sell at the prices shown, and claim units of a time sale.
    #[serde(rename = "catalog.honour-prices.v1")]
    HonourPrices { order_id: OrderId, lines: Vec<OrderLine> },
    /// Catalog: give back the units claimed of a time sale. Undoes `HonourPrices`.
    #[serde(rename = "catalog.release-prices.v1")]
    ReleasePrices { order_id: OrderId },
    /// Inventory: set the units aside.
    #[serde(rename = "inventory.reserve-stock.v1")]
    ReserveStock { order_id: OrderId, lines: Vec<OrderLine> },
    /// Inventory: put the units back. Undoes `ReserveStock`.
    #[serde(rename = "inventory.release-stock.v1")]
    ReleaseStock { order_id: OrderId },
    /// Inventory: mark the reserved units as sold. Confirms `ReserveStock`; cannot refuse.
    #[serde(rename = "inventory.commit-reservation.v1")]
    CommitReservation { order_id: OrderId },
    /// Payments: hold the money in the customer's wallet without taking it yet.
    #[serde(rename = "payments.authorize-payment.v1")]
    AuthorizePayment { order_id: OrderId, customer_id: CustomerId, amount: Money },
    /// Payments: release the money that is held. Undoes `AuthorizePayment`.
    #[serde(rename = "payments.void-payment.v1")]
    VoidPayment { order_id: OrderId },
    /// Payments: take the money that is held for the order, or take it from the wallet if none is held.
    #[serde(rename = "payments.capture-payment.v1")]
    CapturePayment { order_id: OrderId, customer_id: CustomerId, amount: Money },
    /// Payments: give the money back. Undoes `CapturePayment`.
    #[serde(rename = "payments.refund-payment.v1")]
    RefundPayment { order_id: OrderId },
    /// Shipping: say whether the shipment could be accepted. Changes nothing, so nothing undoes it.
    #[serde(rename = "shipping.quote-shipment.v1")]
    QuoteShipment { order_id: OrderId, region: Region },
    /// Shipping: accept the shipment. The pivot: nothing after it can refuse, so nothing undoes it; see
    /// rule 25 (pivot).
    #[serde(rename = "shipping.schedule-shipment.v1")]
    ScheduleShipment { order_id: OrderId, region: Region },
    /// Orders: confirm the order. Cannot refuse.
    #[serde(rename = "orders.confirm-order.v1")]
    ConfirmOrder { order_id: OrderId },
    /// Orders: cancel the order, with the reason. Undoes placing it.
    #[serde(rename = "orders.cancel-order.v1")]
    CancelOrder { order_id: OrderId, refusal: Refusal },
}

impl Command {
    /// The order that the command is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Command::HonourPrices { order_id, .. }
            | Command::ReleasePrices { order_id }
            | Command::ReserveStock { order_id, .. }
            | Command::ReleaseStock { order_id }
            | Command::CommitReservation { order_id }
            | Command::AuthorizePayment { order_id, .. }
            | Command::VoidPayment { order_id }
            | Command::CapturePayment { order_id, .. }
            | Command::RefundPayment { order_id }
            | Command::QuoteShipment { order_id, .. }
            | Command::ScheduleShipment { order_id, .. }
            | Command::ConfirmOrder { order_id }
            | Command::CancelOrder { order_id, .. } => *order_id,
        }
    }

    /// The routing key: the module, then the command in kebab case.
    pub fn routing_key(&self) -> &'static str {
        match self {
            Command::HonourPrices { .. } => "catalog.honour-prices",
            Command::ReleasePrices { .. } => "catalog.release-prices",
            Command::ReserveStock { .. } => "inventory.reserve-stock",
            Command::ReleaseStock { .. } => "inventory.release-stock",
            Command::CommitReservation { .. } => "inventory.commit-reservation",
            Command::AuthorizePayment { .. } => "payments.authorize-payment",
            Command::VoidPayment { .. } => "payments.void-payment",
            Command::CapturePayment { .. } => "payments.capture-payment",
            Command::RefundPayment { .. } => "payments.refund-payment",
            Command::QuoteShipment { .. } => "shipping.quote-shipment",
            Command::ScheduleShipment { .. } => "shipping.schedule-shipment",
            Command::ConfirmOrder { .. } => "orders.confirm-order",
            Command::CancelOrder { .. } => "orders.cancel-order",
        }
    }

    /// Whether it undoes what another command did.
    pub fn is_compensation(&self) -> bool {
        matches!(
            self,
            Command::ReleasePrices { .. }
                | Command::ReleaseStock { .. }
                | Command::VoidPayment { .. }
                | Command::RefundPayment { .. }
                | Command::CancelOrder { .. }
        )
    }

    /// The event that refuses this command, or `None` if it cannot be refused: compensations and everything after the
    /// pivot; see rules 24 (compensation) and 25 (pivot).
    pub fn refused(&self, refusal: Refusal) -> Option<Event> {
        let order_id = self.order_id();
        match self {
            Command::HonourPrices { .. } => Some(Event::PricesRefused { order_id, refusal }),
            Command::ReserveStock { .. } => Some(Event::StockRefused { order_id, refusal }),
            Command::AuthorizePayment { .. } | Command::CapturePayment { .. } => {
                Some(Event::PaymentRefused { order_id, refusal })
            }
            Command::QuoteShipment { .. } | Command::ScheduleShipment { .. } => {
                Some(Event::ShipmentRefused { order_id, refusal })
            }
            Command::ReleasePrices { .. }
            | Command::ReleaseStock { .. }
            | Command::CommitReservation { .. }
            | Command::VoidPayment { .. }
            | Command::RefundPayment { .. }
            | Command::ConfirmOrder { .. }
            | Command::CancelOrder { .. } => None,
        }
    }
}

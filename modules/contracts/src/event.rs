//! Events: what a module did, or refused to do.

use serde::{Deserialize, Serialize};

use crate::{OrderId, PlacedOrder, Refusal};

/// A fact, in the past tense. Each kind of event occurs at most once per order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(missing_docs, reason = "the fields are the published language's own words")]
pub enum Event {
    /// Orders: the order was accepted and is pending.
    #[serde(rename = "orders.order-placed.v1")]
    OrderPlaced(PlacedOrder),
    /// Orders: the order is confirmed. Terminal.
    #[serde(rename = "orders.order-confirmed.v1")]
    OrderConfirmed { order_id: OrderId },
    /// Orders: the order is cancelled. Terminal.
    #[serde(rename = "orders.order-cancelled.v1")]
    OrderCancelled { order_id: OrderId, refusal: Refusal },
    /// Catalog: the prices shown are valid.
    #[serde(rename = "catalog.prices-honoured.v1")]
    PricesHonoured { order_id: OrderId },
    /// Catalog: the prices shown are not valid, or the sale has too few units.
    #[serde(rename = "catalog.prices-refused.v1")]
    PricesRefused { order_id: OrderId, refusal: Refusal },
    /// Catalog: the units claimed of a sale are free again.
    #[serde(rename = "catalog.prices-released.v1")]
    PricesReleased { order_id: OrderId },
    /// Inventory: the units are set aside.
    #[serde(rename = "inventory.stock-reserved.v1")]
    StockReserved { order_id: OrderId },
    /// Inventory: there are too few units.
    #[serde(rename = "inventory.stock-refused.v1")]
    StockRefused { order_id: OrderId, refusal: Refusal },
    /// Inventory: the units are back in stock.
    #[serde(rename = "inventory.stock-released.v1")]
    StockReleased { order_id: OrderId },
    /// Inventory: the reserved units are sold.
    #[serde(rename = "inventory.reservation-committed.v1")]
    ReservationCommitted { order_id: OrderId },
    /// Payments: the money is held, not taken yet.
    #[serde(rename = "payments.payment-authorized.v1")]
    PaymentAuthorized { order_id: OrderId },
    /// Payments: the money that was held is free again.
    #[serde(rename = "payments.payment-voided.v1")]
    PaymentVoided { order_id: OrderId },
    /// Payments: the money was taken.
    #[serde(rename = "payments.payment-captured.v1")]
    PaymentCaptured { order_id: OrderId },
    /// Payments: the money could not be held or taken.
    #[serde(rename = "payments.payment-refused.v1")]
    PaymentRefused { order_id: OrderId, refusal: Refusal },
    /// Payments: the money was given back.
    #[serde(rename = "payments.payment-refunded.v1")]
    PaymentRefunded { order_id: OrderId },
    /// Shipping: the shipment could be accepted.
    #[serde(rename = "shipping.shipment-quoted.v1")]
    ShipmentQuoted { order_id: OrderId },
    /// Shipping: the shipment is accepted.
    #[serde(rename = "shipping.shipment-scheduled.v1")]
    ShipmentScheduled { order_id: OrderId },
    /// Shipping: the region is not served.
    #[serde(rename = "shipping.shipment-refused.v1")]
    ShipmentRefused { order_id: OrderId, refusal: Refusal },
}

impl Event {
    /// The order that the event is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Event::OrderPlaced(order) => order.order_id,
            Event::OrderConfirmed { order_id }
            | Event::OrderCancelled { order_id, .. }
            | Event::PricesHonoured { order_id }
            | Event::PricesRefused { order_id, .. }
            | Event::PricesReleased { order_id }
            | Event::StockReserved { order_id }
            | Event::StockRefused { order_id, .. }
            | Event::StockReleased { order_id }
            | Event::ReservationCommitted { order_id }
            | Event::PaymentAuthorized { order_id }
            | Event::PaymentVoided { order_id }
            | Event::PaymentCaptured { order_id }
            | Event::PaymentRefused { order_id, .. }
            | Event::PaymentRefunded { order_id }
            | Event::ShipmentQuoted { order_id }
            | Event::ShipmentScheduled { order_id }
            | Event::ShipmentRefused { order_id, .. } => *order_id,
        }
    }

    /// The routing key: the sending module, then the event in kebab case.
    pub fn routing_key(&self) -> &'static str {
        match self {
            Event::OrderPlaced(_) => "orders.order-placed",
            Event::OrderConfirmed { .. } => "orders.order-confirmed",
            Event::OrderCancelled { .. } => "orders.order-cancelled",
            Event::PricesHonoured { .. } => "catalog.prices-honoured",
            Event::PricesRefused { .. } => "catalog.prices-refused",
            Event::PricesReleased { .. } => "catalog.prices-released",
            Event::StockReserved { .. } => "inventory.stock-reserved",
            Event::StockRefused { .. } => "inventory.stock-refused",
            Event::StockReleased { .. } => "inventory.stock-released",
            Event::ReservationCommitted { .. } => "inventory.reservation-committed",
            Event::PaymentAuthorized { .. } => "payments.payment-authorized",
            Event::PaymentVoided { .. } => "payments.payment-voided",
            Event::PaymentCaptured { .. } => "payments.payment-captured",
            Event::PaymentRefused { .. } => "payments.payment-refused",
            Event::PaymentRefunded { .. } => "payments.payment-refunded",
            Event::ShipmentQuoted { .. } => "shipping.shipment-quoted",
            Event::ShipmentScheduled { .. } => "shipping.shipment-scheduled",
            Event::ShipmentRefused { .. } => "shipping.shipment-refused",
        }
    }

    /// Whether any module reacts to it in a choreography. The others report that something is undone or finished.
    pub fn is_acted_on(&self) -> bool {
        !matches!(
            self,
            Event::PricesReleased { .. }
                | Event::StockReleased { .. }
                | Event::PaymentRefunded { .. }
                | Event::OrderConfirmed { .. }
                | Event::OrderCancelled { .. }
        )
    }

    /// The refusal that this event reports, if any.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Event::PricesRefused { refusal, .. }
            | Event::StockRefused { refusal, .. }
            | Event::PaymentRefused { refusal, .. }
            | Event::ShipmentRefused { refusal, .. }
            | Event::OrderCancelled { refusal, .. } => Some(refusal),
            _ => None,
        }
    }
}

//! What a module did, or refused to do.

use serde::{Deserialize, Serialize};

use crate::{OrderId, PlacedOrder, Refusal};

/// A fact, in the past tense. An order has each kind of event at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(missing_docs, reason = "the fields are the published language's own words")]
pub enum Event {
    /// Orders: an order was taken and is pending.
    #[serde(rename = "orders.order-placed.v1")]
    OrderPlaced(PlacedOrder),
    /// Orders: it holds. Terminal.
    #[serde(rename = "orders.order-confirmed.v1")]
    OrderConfirmed { order_id: OrderId },
    /// Orders: it is off. Terminal.
    #[serde(rename = "orders.order-cancelled.v1")]
    OrderCancelled { order_id: OrderId, refusal: Refusal },
    /// Catalog: the prices shown hold.
    #[serde(rename = "catalog.prices-honoured.v1")]
    PricesHonoured { order_id: OrderId },
    /// Catalog: they do not.
    #[serde(rename = "catalog.prices-refused.v1")]
    PricesRefused { order_id: OrderId, refusal: Refusal },
    /// Catalog: what was claimed of a sale is free again.
    #[serde(rename = "catalog.prices-released.v1")]
    PricesReleased { order_id: OrderId },
    /// Inventory: the pieces are set aside.
    #[serde(rename = "inventory.stock-reserved.v1")]
    StockReserved { order_id: OrderId },
    /// Inventory: there are too few.
    #[serde(rename = "inventory.stock-refused.v1")]
    StockRefused { order_id: OrderId, refusal: Refusal },
    /// Inventory: the pieces are back.
    #[serde(rename = "inventory.stock-released.v1")]
    StockReleased { order_id: OrderId },
    /// Inventory: the pieces that were set aside are sold.
    #[serde(rename = "inventory.reservation-committed.v1")]
    ReservationCommitted { order_id: OrderId },
    /// Payments: the money is held, and not yet taken.
    #[serde(rename = "payments.payment-authorized.v1")]
    PaymentAuthorized { order_id: OrderId },
    /// Payments: the money that was held is free again.
    #[serde(rename = "payments.payment-voided.v1")]
    PaymentVoided { order_id: OrderId },
    /// Payments: the money is taken.
    #[serde(rename = "payments.payment-captured.v1")]
    PaymentCaptured { order_id: OrderId },
    /// Payments: it cannot be.
    #[serde(rename = "payments.payment-refused.v1")]
    PaymentRefused { order_id: OrderId, refusal: Refusal },
    /// Payments: the money is back.
    #[serde(rename = "payments.payment-refunded.v1")]
    PaymentRefunded { order_id: OrderId },
    /// Shipping: the parcel could be taken on.
    #[serde(rename = "shipping.shipment-quoted.v1")]
    ShipmentQuoted { order_id: OrderId },
    /// Shipping: the parcel is taken on.
    #[serde(rename = "shipping.shipment-scheduled.v1")]
    ShipmentScheduled { order_id: OrderId },
    /// Shipping: it is not.
    #[serde(rename = "shipping.shipment-refused.v1")]
    ShipmentRefused { order_id: OrderId, refusal: Refusal },
}

impl Event {
    /// The order that this is about.
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

    /// The routing key: the module that speaks, and the event in kebab case.
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

    /// Whether any module acts on it in a choreography. The others say that something is undone or over.
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

    /// The refusal that this event reports, where it reports one.
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

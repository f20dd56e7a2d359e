//! The steps that meet in pairs, and the states in which they meet.

use chassis::Protocol;
use contracts::{
    Command, CustomerId, Event, Money, OrderId, OrderLine, OrderRequest, PlacedOrder, Refusal, RefusalCode,
    Region, Sku,
};
use orders::NewOrder;

use super::work::Work;

/// An order that no other case uses, with its own product and customer.
pub struct Case {
    pub order: OrderId,
    pub sku: Sku,
    pub customer: CustomerId,
}

pub type Step = fn(&Case) -> Work;

impl Case {
    fn lines(&self) -> Vec<OrderLine> {
        let quantity = 3.try_into().expect("three is a quantity");
        vec![OrderLine { sku: self.sku.clone(), quantity, unit_price: Money(7) }]
    }

    fn request(&self) -> OrderRequest {
        let customer_id = self.customer.clone();
        OrderRequest { customer_id, region: region(), lines: self.lines() }
    }

    fn placed(&self) -> PlacedOrder {
        PlacedOrder::new(self.order, self.request()).expect("it is an order")
    }

    /// The customer's request. Each time it is sent it gets a new id and has the same key.
    fn new_order(&self) -> NewOrder {
        NewOrder::new(self.customer.as_str(), self.request()).expect("it is an order")
    }

    /// The first time, with the id that the other steps know.
    fn place(&self, protocol: Option<Protocol>) -> Work {
        Work::Place(protocol, NewOrder { placed: self.placed(), ..self.new_order() })
    }

    /// The same request once more.
    fn repeat(&self, protocol: Option<Protocol>) -> Work {
        Work::Place(protocol, self.new_order())
    }

    fn hear(&self, protocol: Protocol, event: Event) -> Work {
        Work::Hear(protocol, self.placed(), event)
    }
}

fn region() -> Region {
    Region::try_from("seoul".to_owned()).expect("seoul is a region")
}

fn refusal(code: RefusalCode) -> Refusal {
    Refusal { code, detail: "for a test".into() }
}

const HONOUR: Step = |case| Work::Do(Command::HonourPrices { order_id: case.order, lines: case.lines() });
const UNHONOUR: Step = |case| Work::Do(Command::ReleasePrices { order_id: case.order });
const RESERVE: Step = |case| Work::Do(Command::ReserveStock { order_id: case.order, lines: case.lines() });
const COMMIT: Step = |case| Work::Do(Command::CommitReservation { order_id: case.order });
const RELEASE: Step = |case| Work::Do(Command::ReleaseStock { order_id: case.order });
const AUTHORIZE: Step = |case| {
    let (order_id, customer_id) = (case.order, case.customer.clone());
    Work::Do(Command::AuthorizePayment { order_id, customer_id, amount: Money(21) })
};
const CAPTURE: Step = |case| {
    let (order_id, customer_id) = (case.order, case.customer.clone());
    Work::Do(Command::CapturePayment { order_id, customer_id, amount: Money(21) })
};
const VOID: Step = |case| Work::Do(Command::VoidPayment { order_id: case.order });
const REFUND: Step = |case| Work::Do(Command::RefundPayment { order_id: case.order });
const SCHEDULE: Step = |case| Work::Do(Command::ScheduleShipment { order_id: case.order, region: region() });
const CONFIRM: Step = |case| Work::Do(Command::ConfirmOrder { order_id: case.order });
const CANCEL: Step = |case| {
    let refusal = refusal(RefusalCode::OutOfStock);
    Work::Do(Command::CancelOrder { order_id: case.order, refusal })
};
const PLACE: Step = |case| case.place(None);
const REPEAT: Step = |case| case.repeat(None);
const ASK: Step = |_| Work::Ask;

/// The steps of the orders service that differ only in their protocol.
macro_rules! of_protocol {
    ($protocol:ident) => {
        use super::{Case, Event, Protocol, RefusalCode, Step, refusal};
        pub const PLACE: Step = |case| case.place(Some(Protocol::$protocol));
        pub const REPEAT: Step = |case| case.repeat(Some(Protocol::$protocol));
        pub const QUOTED: Step = |case| hear(case, Event::ShipmentQuoted { order_id: case.order });
        pub const SCHEDULED: Step = |case| hear(case, Event::ShipmentScheduled { order_id: case.order });
        pub const HONOURED: Step = |case| hear(case, Event::PricesHonoured { order_id: case.order });
        pub const RESERVED: Step = |case| hear(case, Event::StockReserved { order_id: case.order });
        pub const CAPTURED: Step = |case| hear(case, Event::PaymentCaptured { order_id: case.order });
        pub const AUTHORIZED: Step = |case| hear(case, Event::PaymentAuthorized { order_id: case.order });
        pub const COMMITTED: Step = |case| hear(case, Event::ReservationCommitted { order_id: case.order });
        pub const PRICES_RELEASED: Step = |case| hear(case, Event::PricesReleased { order_id: case.order });
        pub const NO_PRICE: Step = |case| {
            let refusal = refusal(RefusalCode::PriceChanged);
            hear(case, Event::PricesRefused { order_id: case.order, refusal })
        };
        pub const NO_PAYMENT: Step = |case| {
            let refusal = refusal(RefusalCode::InsufficientFunds);
            hear(case, Event::PaymentRefused { order_id: case.order, refusal })
        };
        pub const NO_SHIPMENT: Step = |case| {
            let refusal = refusal(RefusalCode::RegionNotServed);
            hear(case, Event::ShipmentRefused { order_id: case.order, refusal })
        };
        fn hear(case: &Case, event: Event) -> super::Work {
            case.hear(Protocol::$protocol, event)
        }
    };
}

#[allow(dead_code, reason = "each protocol has its own events")]
mod saga {
    of_protocol!(Orchestrated);
}

#[allow(dead_code, reason = "each protocol has its own events")]
mod tcc {
    of_protocol!(Tcc);
}

#[allow(dead_code, reason = "each protocol has its own events")]
mod choreography {
    of_protocol!(Choreographed);
}

/// Steps of which any two may meet, and those that may have been done before.
pub type Group = (&'static [Step], &'static [&'static [Step]]);

/// The commands of each module, then what the orders service does under each protocol.
pub const GROUPS: [Group; 8] = [
    (&[HONOUR, UNHONOUR], &[&[], &[HONOUR], &[UNHONOUR]]),
    (&[RESERVE, COMMIT, RELEASE], &[&[], &[RESERVE], &[RESERVE, COMMIT], &[RELEASE]]),
    (&[AUTHORIZE, CAPTURE, VOID, REFUND], &[&[], &[AUTHORIZE], &[CAPTURE], &[VOID], &[REFUND]]),
    (&[SCHEDULE], &[&[], &[SCHEDULE]]),
    (&[REPEAT, CONFIRM, CANCEL], &[&[], &[PLACE], &[PLACE, CONFIRM], &[PLACE, CANCEL]]),
    (
        &[
            saga::REPEAT,
            saga::HONOURED,
            saga::NO_PRICE,
            saga::PRICES_RELEASED,
            saga::SCHEDULED,
            saga::NO_SHIPMENT,
            ASK,
        ],
        &[
            &[],
            &[saga::PLACE],
            &[saga::PLACE, saga::HONOURED, saga::RESERVED, saga::CAPTURED],
            &[saga::PLACE, saga::HONOURED, saga::RESERVED, saga::CAPTURED, saga::SCHEDULED],
            &[saga::PLACE, saga::NO_PRICE],
            &[saga::PLACE, saga::NO_PRICE, saga::PRICES_RELEASED],
        ],
    ),
    (
        &[
            tcc::REPEAT,
            tcc::AUTHORIZED,
            tcc::NO_PAYMENT,
            tcc::QUOTED,
            tcc::NO_SHIPMENT,
            tcc::COMMITTED,
            tcc::SCHEDULED,
            ASK,
        ],
        &[
            &[tcc::PLACE],
            &[tcc::PLACE, tcc::HONOURED, tcc::RESERVED],
            &[tcc::PLACE, tcc::HONOURED, tcc::RESERVED, tcc::AUTHORIZED, tcc::QUOTED],
            &[tcc::PLACE, tcc::HONOURED, tcc::RESERVED, tcc::AUTHORIZED, tcc::QUOTED, tcc::CAPTURED],
            &[tcc::PLACE, tcc::NO_PRICE],
        ],
    ),
    (
        &[choreography::REPEAT, choreography::SCHEDULED, choreography::NO_PAYMENT, choreography::NO_SHIPMENT],
        &[
            &[],
            &[choreography::PLACE],
            &[choreography::PLACE, choreography::SCHEDULED],
            &[choreography::PLACE, choreography::NO_PAYMENT],
        ],
    ),
];

//! What the writers write: commands, events and requests about the same few rows, in random order.

use anyhow::Result;
use catalog::{Product, Sale};
use contracts::{
    Command, Event, Money, OrderId, OrderLine, OrderRequest, PlacedOrder, Refusal, RefusalCode, Region,
};
use inventory::{Pieces, Receipt};
use orders::NewOrder;
use payments::Deposit;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use uuid::Uuid;

use super::writers::{Shop, Writer};

/// Messages in a batch.
pub const BATCH: usize = 8;

pub fn shuffled<T: Clone>(all: &[T]) -> Vec<T> {
    let mut all = all.to_vec();
    all.shuffle(&mut rand::rng());
    all
}

fn region() -> Region {
    Region::try_from("seoul".to_owned()).expect("seoul is a region")
}

pub fn one_of<T: Clone>(all: &[T]) -> T {
    all.choose(&mut rand::rng()).expect("there are some").clone()
}

impl Shop {
    /// Two products, sorted by sku like the lines of every order.
    fn lines(&self) -> Vec<OrderLine> {
        let mut skus = shuffled(&self.skus)[..2].to_vec();
        skus.sort();
        let quantity = 1.try_into().expect("one is a quantity");
        skus.into_iter().map(|sku| OrderLine { sku, quantity, unit_price: Money(7) }).collect()
    }

    /// Commands for several orders, some for the same one.
    pub fn commands(&self, writer: Writer) -> Vec<Command> {
        let several = |commands: &dyn Fn() -> Vec<Command>| (0..BATCH).flat_map(|_| commands()).collect();
        match writer {
            Writer::Sales => several(&|| {
                let (order_id, lines) = (one_of(&self.tcc), self.lines());
                vec![Command::ReserveStock { order_id, lines }, Command::CommitReservation { order_id }]
            }),
            Writer::Keeps => several(&|| {
                let sells = rand::rng().random_bool(0.5);
                let order_id = one_of(if sells { &self.tcc } else { &self.voided });
                let reserve = Command::ReserveStock { order_id, lines: self.lines() };
                let sell = Command::CommitReservation { order_id };
                vec![reserve, if sells { sell } else { Command::ReleaseStock { order_id } }]
            }),
            Writer::Holds => several(&|| {
                let takes = rand::rng().random_bool(0.5);
                let order_id = one_of(if takes { &self.tcc } else { &self.voided });
                let (customer_id, amount) = (one_of(&self.customers), Money(7));
                let hold = Command::AuthorizePayment { order_id, customer_id: customer_id.clone(), amount };
                let take = Command::CapturePayment { order_id, customer_id, amount };
                vec![hold, if takes { take } else { Command::VoidPayment { order_id } }]
            }),
            _ => several(&|| vec![self.command(writer, one_of(&self.orders))]),
        }
    }

    pub fn command(&self, writer: Writer, order_id: OrderId) -> Command {
        let (lines, customer_id, amount) = (self.lines(), one_of(&self.customers), Money(7));
        let undo = rand::rng().random_bool(0.4);
        match writer {
            Writer::Catalog if undo => Command::ReleasePrices { order_id },
            Writer::Catalog => Command::HonourPrices { order_id, lines },
            Writer::Inventory if undo => Command::ReleaseStock { order_id },
            Writer::Inventory => Command::ReserveStock { order_id, lines },
            Writer::Payments if undo => Command::RefundPayment { order_id },
            Writer::Payments => Command::CapturePayment { order_id, customer_id, amount },
            _ => Command::ScheduleShipment { order_id, region: region() },
        }
    }

    pub fn request(&self) -> OrderRequest {
        let customer_id = one_of(&self.customers);
        OrderRequest { customer_id, region: region(), lines: self.lines() }
    }

    pub fn new_order(&self, order_id: OrderId) -> Result<NewOrder> {
        let new = NewOrder::new(&order_id.to_string(), self.request())?;
        Ok(NewOrder { placed: PlacedOrder { order_id, ..new.placed }, ..new })
    }

    /// Replies to several tries, or one reply to anything. Each may be the one that decides an order, or
    /// be late.
    pub fn replies(&self) -> Vec<Event> {
        let (count, kinds) = if rand::rng().random_bool(0.5) { (BATCH, 5) } else { (1, 9) };
        let reply = |_| {
            let order_id = one_of(&self.tcc);
            let refusal = Refusal { code: RefusalCode::InsufficientFunds, detail: "for a test".into() };
            match rand::rng().random_range(0..kinds) {
                0 => Event::PricesHonoured { order_id },
                1 => Event::StockReserved { order_id },
                2 => Event::PaymentAuthorized { order_id },
                3 => Event::ShipmentQuoted { order_id },
                4 => Event::PaymentRefused { order_id, refusal },
                5 => Event::PaymentVoided { order_id },
                6 => Event::StockReleased { order_id },
                7 => Event::PricesReleased { order_id },
                _ => Event::PaymentCaptured { order_id },
            }
        };
        (0..count).map(reply).collect()
    }

    /// Events to which a module reacts with its step, or by undoing it.
    pub fn events(&self, writer: Writer) -> Vec<(Event, Option<PlacedOrder>)> {
        let refusal = || Refusal { code: RefusalCode::RegionNotServed, detail: "for a test".into() };
        let event = |_| {
            let order_id = one_of(&self.choreographed);
            let order = self.new_order(order_id).expect("an order of this shop is valid").placed;
            let undo = rand::rng().random_bool(0.4) && writer != Writer::ShippingReacts;
            let event = match writer {
                _ if undo => Event::ShipmentRefused { order_id, refusal: refusal() },
                Writer::CatalogReacts => Event::OrderPlaced(order.clone()),
                Writer::InventoryReacts => Event::PricesHonoured { order_id },
                Writer::PaymentsReacts => Event::StockReserved { order_id },
                _ => Event::PaymentCaptured { order_id },
            };
            (event, Some(order))
        };
        (0..BATCH).map(event).collect()
    }

    pub fn products(&self) -> Vec<Product> {
        let product = |sku| Product {
            sku,
            name: "A thing".into(),
            price: Money(10),
            sale: Some(Sale { price: Money(7), quota: 100_000, claimed: 0 }),
        };
        shuffled(&self.skus).into_iter().map(product).collect()
    }

    pub fn receipt(&self) -> Receipt {
        let quantity = 1000.try_into().expect("a thousand is a quantity");
        let lines = shuffled(&self.skus).into_iter().map(|sku| Pieces { sku, quantity }).collect();
        Receipt { receipt_id: Uuid::new_v4(), lines }
    }

    pub fn deposits(&self) -> Vec<Deposit> {
        let deposit = |customer_id| Deposit { deposit_id: Uuid::new_v4(), customer_id, amount: Money(1000) };
        shuffled(&self.customers).into_iter().map(deposit).collect()
    }
}

//! What it costs to write a message and to read it. It takes a few microseconds, which is less than it would take to
//! record a span of it. So it is measured here, on the same machine with a message like those of the shop, and taken out
//! of the parts in which it is done: a message is written within a transaction, and read before its delivery has a span.

use std::hint::black_box;
use std::time::Instant;

use contracts::{Command, Envelope, OrderId, TraceContext};
use serde_json::json;

use super::{Part, Parts};

/// How often it is measured.
const ROUNDS: u32 = 2_000;

/// What one message costs, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerMessage {
    /// To write it.
    pub write_us: f64,
    /// To read it.
    pub read_us: f64,
}

impl PerMessage {
    /// Nothing.
    pub const FREE: PerMessage = PerMessage { write_us: 0.0, read_us: 0.0 };

    /// Measures it.
    pub fn measure() -> PerMessage {
        let line = json!([{ "sku": "product-0001", "quantity": 1, "unit_price": 40_599 }]);
        let order_id = OrderId::new();
        let lines = serde_json::from_value(line).expect("a line is a line");
        let command = Command::ReserveStock { order_id, lines };
        let envelope = Envelope::new("orders", TraceContext::root(), 0, command);
        let text = serde_json::to_string(&envelope).expect("an envelope is plain data");
        let write_us = each(|| serde_json::to_vec(black_box(&envelope)).is_ok());
        let read_us = each(|| serde_json::from_str::<Envelope<Command>>(black_box(&text)).is_ok());
        PerMessage { write_us, read_us }
    }

    /// Takes it out of the parts in which it is contained, for so many messages.
    pub(super) fn take_from(self, parts: &mut Parts, messages: usize) {
        for (from, us) in [(Part::Database, self.write_us), (Part::Queue, self.read_us)] {
            let there = parts.entry(from).or_default();
            let taken = (us * messages as f64).min(*there);
            *there -= taken;
            *parts.entry(Part::Serialization).or_default() += taken;
        }
    }
}

/// The mean of many rounds, in microseconds.
fn each(work: impl Fn() -> bool) -> f64 {
    let began = Instant::now();
    for _ in 0..ROUNDS {
        black_box(work());
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

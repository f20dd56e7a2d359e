//! The cost of serializing and deserializing a message. It is a few microseconds, less than recording a span would
//! take. So it is measured here, on the same machine and with a message like the shop's, and subtracted from the parts
//! that contain it: a message is serialized within a transaction, and deserialized before the span of its delivery
//! starts.

use std::hint::black_box;
use std::time::Instant;

use contracts::{Command, Envelope, OrderId, TraceContext};
use serde_json::json;

use super::{Part, Parts};

/// Rounds per measurement.
const ROUNDS: u32 = 2_000;

/// The cost of one message, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerMessage {
    /// Serializing it, in microseconds.
    pub write_us: f64,
    /// Deserializing it, in microseconds.
    pub read_us: f64,
}

impl PerMessage {
    /// A cost of zero.
    pub const FREE: PerMessage = PerMessage { write_us: 0.0, read_us: 0.0 };

    /// Measures the cost on this machine, with a typical command. Takes a few milliseconds.
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

    /// Moves this cost, for this many messages, out of the parts that contain it.
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

//! The message envelope: CloudEvents 1.0 in its JSON format, with the W3C trace context.
//!
//! Sources: CloudEvents 1.0.2 (attributes, JSON format, *distributed tracing* extension), W3C Trace Context.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Command, Event, Invalid, OrderId, PlacedOrder, excerpt};

/// How much of a foreign attribute an error quotes, in bytes. Longer than any valid attribute.
const QUOTED: usize = 64;

/// A command or an event in transit. `M` is [`Command`] or [`Event`]; it provides the attributes `type` and `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// The CloudEvents version: always `1.0`.
    pub specversion: String,
    /// Derived from the order, the type and the attempt: see [`Envelope::new`].
    pub id: Uuid,
    /// The sending service, e.g. `/inventory`.
    pub source: String,
    /// The id of the order that the message is about.
    pub subject: OrderId,
    /// When it was created, by the sender's clock. For people only; no decision depends on it; see rule 22 (stored
    /// intent).
    pub time: DateTime<Utc>,
    /// How many times the same thing was asked before: 0 the first time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// The trace that this message belongs to, and the span that sent it.
    pub traceparent: TraceContext,
    /// The order, passed along from service to service in a choreography, where there is no service to ask for it
    /// (*event-carried state transfer*). An extension attribute must be a simple value, so this is JSON in a string.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "carried")]
    pub order: Option<PlacedOrder>,
    /// The command or the event.
    #[serde(flatten)]
    pub message: M,
}

mod carried {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    use crate::PlacedOrder;

    pub fn serialize<S: Serializer>(order: &Option<PlacedOrder>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(order).map_err(ser::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PlacedOrder>, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What an envelope can carry: a command or an event.
pub trait Message {
    /// The order that the message is about.
    fn order_id(&self) -> OrderId;
    /// The AMQP routing key.
    fn routing_key(&self) -> &'static str;
}

impl Message for Command {
    fn order_id(&self) -> OrderId {
        self.order_id()
    }
    fn routing_key(&self) -> &'static str {
        self.routing_key()
    }
}

impl Message for Event {
    fn order_id(&self) -> OrderId {
        self.order_id()
    }
    fn routing_key(&self) -> &'static str {
        self.routing_key()
    }
}

impl<M: Message> Envelope<M> {
    /// Wraps a message. The id is derived from the content, so the same fact sent again has the same id on any path and
    /// after any crash, and the inbox recognises it: rules 12 (inbox) and 13 (redelivered flag). *Asking* again is a
    /// new attempt with its own id, while the reply to it has the same id as the first reply.
    pub fn new(source: &str, trace: TraceContext, attempt: u32, message: M) -> Self {
        let subject = message.order_id();
        Self {
            specversion: "1.0".into(),
            id: message_id(subject, message.routing_key(), attempt),
            source: format!("/{source}"),
            subject,
            time: crate::clock::now(),
            attempt,
            traceparent: trace,
            order: None,
            message,
        }
    }

    /// The same envelope, carrying the order along.
    pub fn carrying(self, order: PlacedOrder) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Checks the envelope against its content. An id that is not derived from the content is a forgery.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.specversion != "1.0" {
            return Err(Invalid(format!(
                "CloudEvents {} is not supported, only 1.0",
                excerpt(&self.specversion, QUOTED)
            )));
        }
        if self.subject != self.message.order_id() {
            return Err(Invalid("the subject is not the order id in the data".into()));
        }
        if self.order.as_ref().is_some_and(|order| order.order_id != self.subject) {
            return Err(Invalid("the carried order is not the order that the message is about".into()));
        }
        if self.id != message_id(self.subject, self.message.routing_key(), self.attempt) {
            return Err(Invalid("the id does not match the content: forged".into()));
        }
        Ok(())
    }
}

/// The only valid id for a message about this order with this routing key and attempt.
pub fn message_id(order: OrderId, routing_key: &str, attempt: u32) -> Uuid {
    Uuid::new_v5(&order.0, format!("{routing_key}/{attempt}").as_bytes())
}

/// A position in a trace: the ids of the trace and of a span. The W3C header `traceparent` writes it
/// `00-<trace>-<span>-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    trace: u128,
    span: u64,
}

impl TraceContext {
    /// Starts a new trace.
    pub fn root() -> Self {
        let random = Uuid::new_v4();
        Self { trace: random.as_u128(), span: Uuid::new_v4().as_u64_pair().0 }
    }

    /// A new span in the same trace.
    pub fn child(self) -> Self {
        Self { trace: self.trace, span: new_span() }
    }

    /// The trace id as 32 hexadecimal digits. It connects the log lines of all processes.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The trace id and the span id, as numbers.
    pub fn ids(self) -> (u128, u64) {
        (self.trace, self.span)
    }

    /// Parses a `traceparent` header. Rejects everything that the W3C recommendation calls invalid.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid(format!("{:?} is not a W3C traceparent", excerpt(text, QUOTED)));
        let fields: Vec<&str> = text.split('-').collect();
        let [version, trace, span, flags] = fields[..] else {
            return Err(invalid());
        };
        let hex = |s: &str, len: usize| s.len() == len && s.bytes().all(|b| b.is_ascii_hexdigit());
        if !(hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2)) || version == "ff" {
            return Err(invalid());
        }
        let parsed = Self {
            trace: u128::from_str_radix(trace, 16).map_err(|_| invalid())?,
            span: u64::from_str_radix(span, 16).map_err(|_| invalid())?,
        };
        if parsed.trace == 0 || parsed.span == 0 { Err(invalid()) } else { Ok(parsed) }
    }
}

/// A span id that is unique across processes. Each process starts at a random number and counts up; the counter is
/// mixed as in SplitMix64 (Steele, Lea, Flood 2014). A random number per span would cost a system call each.
fn new_span() -> u64 {
    static START: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().1);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut mixed = START.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Zero is not a valid id.
    (mixed ^ (mixed >> 31)).max(1)
}

impl TryFrom<String> for TraceContext {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<TraceContext> for String {
    fn from(trace: TraceContext) -> String {
        trace.to_string()
    }
}

impl std::fmt::Display for TraceContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Refusal, RefusalCode};

    fn reserved() -> Envelope<Event> {
        let event = Event::StockReserved { order_id: OrderId::new() };
        Envelope::new("inventory", TraceContext::root(), 0, event)
    }

    #[test]
    fn it_is_a_cloud_event_on_the_wire() {
        let sent = reserved();
        let json = serde_json::to_value(&sent).unwrap();
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(json["type"], "inventory.stock-reserved.v1");
        assert_eq!(json["source"], "/inventory");
        assert_eq!(json["subject"], json["data"]["order_id"]);
        let received: Envelope<Event> = serde_json::from_value(json).unwrap();
        assert_eq!(received, sent);
        received.check().unwrap();
    }

    #[test]
    fn the_same_fact_has_the_same_id_and_another_attempt_another() {
        let first = reserved();
        let again = Envelope::new("inventory", TraceContext::root(), 0, first.message.clone());
        let asked_again = Envelope::new("inventory", TraceContext::root(), 1, first.message.clone());
        assert_eq!(first.id, again.id);
        assert_ne!(first.id, asked_again.id);
    }

    #[test]
    fn a_carried_order_is_a_simple_value_on_the_wire() {
        let request = serde_json::json!({ "customer_id": "c", "region": "seoul",
            "lines": [{ "sku": "a", "quantity": 2, "unit_price": 5 }] });
        let request = serde_json::from_value(request).unwrap();
        let Event::StockReserved { order_id } = reserved().message else { unreachable!() };
        let order = PlacedOrder::new(order_id, request).unwrap();
        let sent = Envelope::new("orders", TraceContext::root(), 0, Event::OrderPlaced(order.clone()));
        assert!(serde_json::to_value(&sent).unwrap().get("order").is_none());
        let sent = sent.carrying(order.clone());
        let json = serde_json::to_value(&sent).unwrap();
        assert!(json["order"].is_string(), "{json}");
        let received: Envelope<Event> = serde_json::from_value(json).unwrap();
        assert_eq!(received, sent);
        received.check().unwrap();
        assert!(reserved().carrying(order).check().is_err(), "another order's");
    }

    #[test]
    fn forged_envelopes_are_seen() {
        let forged_id = Envelope { id: Uuid::new_v4(), ..reserved() };
        let other_order = Envelope { subject: OrderId::new(), ..reserved() };
        let other_version = Envelope { specversion: "0.3".into(), ..reserved() };
        for envelope in [forged_id, other_order, other_version] {
            assert!(envelope.check().is_err(), "{envelope:?}");
        }
    }

    #[test]
    fn every_routing_key_is_the_type_without_its_version() {
        let order_id = OrderId::new();
        let refusal = Refusal { code: RefusalCode::OutOfStock, detail: "none left".into() };
        let commands = [
            Command::ReleaseStock { order_id },
            Command::ConfirmOrder { order_id },
            Command::CancelOrder { order_id, refusal: refusal.clone() },
        ];
        let events = [Event::StockReleased { order_id }, Event::ShipmentRefused { order_id, refusal }];
        let types = commands.iter().map(|c| (c.routing_key(), serde_json::to_value(c).unwrap()));
        let more = events.iter().map(|e| (e.routing_key(), serde_json::to_value(e).unwrap()));
        for (key, json) in types.chain(more) {
            assert_eq!(json["type"], format!("{key}.v1"));
        }
    }

    #[test]
    fn traces_are_parsed_strictly() {
        let trace = TraceContext::root();
        assert_eq!(TraceContext::parse(&trace.to_string()), Ok(trace));
        assert_eq!(trace.child().trace_id(), trace.trace_id());
        let children: std::collections::HashSet<_> = (0..1000).map(|_| trace.child().ids().1).collect();
        assert_eq!(children.len(), 1000, "no two spans have one id");
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for bad in ["", "00-xyz", zero, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"] {
            assert!(TraceContext::parse(bad).is_err(), "{bad}");
        }
    }
}

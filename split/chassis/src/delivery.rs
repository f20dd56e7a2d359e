//! Splits deliveries into messages.

use contracts::{Envelope, Message};
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use platform::telemetry::{Fixed, Kind, Span, Telemetry};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One message of a delivery.
pub struct Received<M> {
    /// The original bytes, for a retry or a dead letter.
    pub raw: Vec<u8>,
    /// The parsed message, or why it cannot be read.
    pub envelope: Result<Envelope<M>, String>,
    /// How many times it failed before.
    pub attempts: i64,
    /// The span from delivery to ack, a child of the span that published the message.
    pub span: Span,
    /// The broker's `redelivered` flag. Unreliable: it is not set when a publisher sends a message again,
    /// rule 13 (redelivered flag).
    pub redelivered: bool,
    /// Whether the message may have killed a process. It is then handled alone and recorded as such: rule 50 (delivery
    /// limit).
    pub suspicious: bool,
}

/// Counters from a delivery's headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// How many times it failed before. Capped, since a foreign header can contain any number.
    pub attempts: i64,
    /// How many times it returned to the queue because a consumer died while it was in flight.
    pub returns: i64,
    /// Whether the broker removed it from its queue because it had returned too often.
    pub over_limit: bool,
}

impl Counts {
    /// Reads the counters from a delivery.
    pub fn of(delivery: &Delivery) -> Counts {
        let text = match header(delivery, FIRST_DEATH) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            _ => String::new(),
        };
        let taken_out = number(delivery, TAKEN_OUT).is_some_and(|times| times > 0);
        Counts {
            attempts: number(delivery, ATTEMPTS).unwrap_or(0).clamp(0, MAX_ATTEMPTS),
            returns: number(delivery, RETURNS).unwrap_or(0),
            // RabbitMQ 3.10 and 4 spell the reason differently.
            over_limit: taken_out || text.replace('-', "_") == "delivery_limit",
        }
    }

    fn is_suspicious(self) -> bool {
        self.over_limit || self.returns >= SUSPICIOUS
    }
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a AMQPValue> {
    delivery.properties.headers().as_ref()?.inner().get(name)
}

fn number(delivery: &Delivery, name: &str) -> Option<i64> {
    match header(delivery, name)? {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::LongInt(number) => Some((*number).into()),
        AMQPValue::LongUInt(number) => Some((*number).into()),
        _ => None,
    }
}

/// How many times a message is tried before it becomes a dead letter.
pub const MAX_ATTEMPTS: i64 = 5;

/// Our own header that counts failures. RabbitMQ 3 does not count them by default: rule 16 (attempts).
pub const ATTEMPTS: &str = "x-attempts";

/// Our own header for a message that the broker removed from the queue because it had returned too often.
pub const TAKEN_OUT: &str = "x-taken-out";

/// The broker's header in which a quorum queue counts how many times a message returned to it.
const RETURNS: &str = "x-delivery-count";

/// The broker's header with the reason why it first dead-lettered a message.
const FIRST_DEATH: &str = "x-first-death-reason";

/// How many times a message may return before it is suspicious. One crash returns everything that was in flight.
const SUSPICIOUS: i64 = 2;

/// Our own header with the publishing time in microseconds since 1970, by the publisher's clock. AMQP's own property
/// has a resolution of seconds.
pub const PUBLISHED: &str = "x-published-us";

/// The attributes that all delivery spans share.
const PROCESS: Fixed = &[("messaging.system", "rabbitmq"), ("messaging.operation.name", "process")];

/// The messages of a delivery. An unreadable one does not affect the others.
pub fn unpack<M: DeserializeOwned + Message>(delivery: &Delivery, telemetry: &Telemetry) -> Vec<Received<M>> {
    let counts = Counts::of(delivery);
    let mut items = unpack_body(&delivery.data, counts, delivery.redelivered, telemetry);
    // The difference of two clocks: useless if one of them is wrong, but never negative.
    if let Some(published) = number(delivery, PUBLISHED) {
        let waited = contracts::clock::now().timestamp_micros().saturating_sub(published).max(0);
        items.iter_mut().for_each(|item| item.span.set("queue.wait_us", waited));
    }
    items
}

fn unpack_body<M: DeserializeOwned + Message>(
    body: &[u8],
    counts: Counts,
    redelivered: bool,
    telemetry: &Telemetry,
) -> Vec<Received<M>> {
    let item = |raw: &[u8]| {
        let envelope = read(raw);
        let mut span = begin(telemetry, &envelope);
        let attempts = counts.attempts;
        if attempts > 0 {
            span.set("cleave.attempts", attempts);
        }
        let suspicious = counts.is_suspicious();
        Received { raw: raw.to_owned(), envelope, attempts, span, redelivered, suspicious }
    };
    // Detected by the first character instead of the content type, which a forged message may lack.
    if body.first() == Some(&b'[')
        && let Ok(parts) = serde_json::from_slice::<Vec<&RawValue>>(body)
    {
        return parts.into_iter().map(|part| item(part.get().as_bytes())).collect();
    }
    vec![item(body)]
}

/// Begins the span of a message. An unreadable message has no trace, so it gets a new one.
fn begin<M: Message>(telemetry: &Telemetry, envelope: &Result<Envelope<M>, String>) -> Span {
    let Ok(envelope) = envelope else {
        let mut span = telemetry.span(None, Kind::Consumer, "process").with(PROCESS);
        span.failed("unreadable");
        return span;
    };
    let key = envelope.message.routing_key();
    let mut span = telemetry.span(Some(envelope.traceparent), Kind::Consumer, ("process", key)).with(PROCESS);
    span.of(envelope.subject);
    span.set("messaging.destination.name", key);
    span.set("messaging.message.id", envelope.id);
    span
}

fn read<M: DeserializeOwned + Message>(raw: &[u8]) -> Result<Envelope<M>, String> {
    let text = std::str::from_utf8(raw).map_err(|error| format!("not UTF-8: {error}"))?;
    let envelope: Envelope<M> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    envelope.check().map_err(|error| error.to_string())?;
    Ok(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{Command, Event, OrderId, Refusal, RefusalCode, TraceContext};

    fn release() -> String {
        let command = Command::ReleaseStock { order_id: OrderId::new() };
        serde_json::to_string(&Envelope::new("orders", TraceContext::root(), 0, command)).unwrap()
    }

    fn reasons(body: &[u8]) -> Vec<Option<String>> {
        unpack_body::<Command>(body, Counts::default(), false, &Telemetry::off())
            .into_iter()
            .map(|item| item.envelope.err())
            .collect()
    }

    #[test]
    fn one_message_or_many() {
        assert_eq!(reasons(release().as_bytes()), [None]);
        assert_eq!(reasons(format!("[{},{}]", release(), release()).as_bytes()), [None, None]);
    }

    #[test]
    fn a_bad_message_does_not_spoil_its_neighbours() {
        let bad = release().replace("release-stock.v1", "release-stock.v9");
        let reasons = reasons(format!("[{},{bad},{}]", release(), release()).as_bytes());
        assert!(reasons[0].is_none() && reasons[2].is_none());
        assert!(reasons[1].as_ref().unwrap().contains("v9"), "{reasons:?}");
    }

    #[test]
    fn what_no_column_can_hold_is_found_out_before_it_is_tried() {
        let refusal = Refusal { code: RefusalCode::OutOfStock, detail: "none \0 left".into() };
        let refused = Event::StockRefused { order_id: OrderId::new(), refusal };
        let envelope = Envelope::new("inventory", TraceContext::root(), 0, refused);
        let body = serde_json::to_vec(&envelope).unwrap();
        let reason = unpack_body::<Event>(&body, Counts::default(), false, &Telemetry::off())
            .remove(0)
            .envelope
            .unwrap_err();
        assert!(reason.contains("U+0000"), "{reason}");
    }

    #[test]
    fn what_cannot_be_read_has_a_reason() {
        let no_id = release().replace("\"id\"", "\"di\"");
        for poison in [&b"\xff\xfe"[..], b"", b"[", b"{}", b"null", no_id.as_bytes()] {
            assert!(reasons(poison)[0].is_some(), "{poison:?}");
        }
    }
}

//! What came in, taken apart.

use contracts::{Envelope, Message};
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One message of a delivery.
pub struct Item<M> {
    /// As it came, for whoever has to look at it later.
    pub raw: Vec<u8>,
    /// What it says, or why that cannot be told.
    pub envelope: Result<Envelope<M>, String>,
    /// How often it failed before.
    pub attempts: i64,
    /// What the broker says. Not to be relied on: a publisher that sends again does not set it (rule 13).
    pub redelivered: bool,
}

/// The header that counts failures. Ours: RabbitMQ 3 does not count without being told (rule 16).
pub const ATTEMPTS: &str = "x-attempts";

/// The messages of a delivery. One that cannot be read does not spoil its neighbours.
pub fn unpack<M: DeserializeOwned + Message>(delivery: &Delivery) -> Vec<Item<M>> {
    let headers = delivery.properties.headers().as_ref();
    let attempts = match headers.and_then(|headers| headers.inner().get(ATTEMPTS)) {
        Some(AMQPValue::LongLongInt(attempts)) => *attempts,
        _ => 0,
    };
    unpack_body(&delivery.data, attempts, delivery.redelivered)
}

fn unpack_body<M: DeserializeOwned + Message>(body: &[u8], attempts: i64, redelivered: bool) -> Vec<Item<M>> {
    let item = |raw: &[u8]| Item { raw: raw.to_owned(), envelope: read(raw), attempts, redelivered };
    // Told apart by the first character and not by the content type, which whoever forges a message may leave out.
    if body.first() == Some(&b'[')
        && let Ok(parts) = serde_json::from_slice::<Vec<&RawValue>>(body)
    {
        return parts.into_iter().map(|part| item(part.get().as_bytes())).collect();
    }
    vec![item(body)]
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
    use contracts::{Command, OrderId, TraceContext};

    fn release() -> String {
        let command = Command::ReleaseStock { order_id: OrderId::new() };
        serde_json::to_string(&Envelope::new("orders", TraceContext::root(), 0, command)).unwrap()
    }

    fn reasons(body: &[u8]) -> Vec<Option<String>> {
        unpack_body::<Command>(body, 0, false).into_iter().map(|item| item.envelope.err()).collect()
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
    fn what_cannot_be_read_has_a_reason() {
        let no_id = release().replace("\"id\"", "\"di\"");
        for poison in [&b"\xff\xfe"[..], b"", b"[", b"{}", b"null", no_id.as_bytes()] {
            assert!(reasons(poison)[0].is_some(), "{poison:?}");
        }
    }
}

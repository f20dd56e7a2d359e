//! A *toxic* is one disturbance of a link. Names, fields and meaning are Toxiproxy's
//! (<https://github.com/Shopify/toxiproxy#toxics>), so its documentation applies here too.
//!
//! This implementation is stricter in two points. If a toxic blocks data, the bytes wait and are forwarded when it is
//! removed, because TCP never loses bytes from the middle of a stream. And attributes that are unknown, negative or
//! meaningless are refused.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Unit, read_all};
use crate::words;

/// The types of toxics, with their attributes.
pub const TYPES: &[(&str, &[Attribute])] = &[
    ("latency", &[Attribute::milliseconds("latency"), Attribute::milliseconds("jitter")]),
    ("bandwidth", &[Attribute::needed("rate", Unit::KilobytesPerSecond, 1, 10_000_000)]),
    ("slow_close", &[Attribute::milliseconds("delay")]),
    ("timeout", &[Attribute::milliseconds("timeout")]),
    ("reset_peer", &[Attribute::milliseconds("timeout")]),
    (
        "slicer",
        &[
            Attribute::needed("average_size", Unit::Bytes, 1, 1_000_000),
            Attribute::or("size_variation", Unit::Bytes, 0, 1_000_000, 0),
            Attribute::or("delay", Unit::Microseconds, 0, 60_000_000, 0),
        ],
    ),
    ("limit_data", &[Attribute::needed("bytes", Unit::Bytes, 0, 1_000_000_000_000)]),
];

/// One disturbance of a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Json", into = "Json")]
pub struct Toxic {
    /// The name by which it is removed. Toxiproxy's default is type and stream: `latency_downstream`.
    pub name: String,
    /// The direction to which it applies.
    pub stream: Stream,
    /// The share of connections to which it applies, 0 to 1.
    pub toxicity: f64,
    /// What it does.
    pub effect: Effect,
}

/// A direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the client to the server: requests.
    Upstream,
    /// From the server to the client: responses.
    Downstream,
}

/// The effect of a toxic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Delays every piece of data by `latency` plus or minus up to `jitter`.
    Latency {
        /// The mean delay.
        latency: Duration,
        /// The largest deviation from the mean.
        jitter: Duration,
    },
    /// Lets at most `rate` kilobytes per second pass.
    Bandwidth {
        /// Kilobytes (1,000 bytes) per second.
        rate: u64,
    },
    /// Delays the end of the stream.
    SlowClose {
        /// Time between the last byte and the end of the stream.
        delay: Duration,
    },
    /// Lets nothing pass. Closes the connection after `timeout`, or never if that is zero.
    Timeout {
        /// Time until the connection closes.
        timeout: Duration,
    },
    /// Lets nothing pass, and resets the connection (RST) `timeout` after data arrived.
    ResetPeer {
        /// Time from the first bytes to the reset.
        timeout: Duration,
    },
    /// Cuts data into small pieces.
    Slicer {
        /// Mean size of a piece in bytes.
        average_size: u64,
        /// Largest deviation from the mean size, in bytes.
        size_variation: u64,
        /// Pause between two pieces.
        delay: Duration,
    },
    /// Closes the connection after this many bytes.
    LimitData {
        /// The number of bytes.
        bytes: u64,
    },
}

/// A toxic in Toxiproxy's JSON format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    name: Option<String>,
    r#type: String,
    #[serde(default = "downstream")]
    stream: Stream,
    #[serde(default = "always")]
    toxicity: f64,
    #[serde(default)]
    attributes: Map<String, Value>,
}

fn downstream() -> Stream {
    Stream::Downstream
}

fn always() -> f64 {
    1.0
}

impl Effect {
    /// The effect of this type of toxic with these attributes. The error lists what is allowed.
    pub fn new(kind: &str, attributes: &Map<String, Value>) -> Result<Effect> {
        let Some((_, allowed)) = TYPES.iter().find(|(name, _)| *name == kind) else {
            let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            bail!(words::no_such_toxic(kind, names.join(", ")));
        };
        let attributes = read_all(kind, allowed, attributes)?;
        let number = |name: &str| attributes[name].as_u64().unwrap_or_default();
        let ms = |name: &str| Duration::from_millis(number(name));
        Ok(match kind {
            "latency" => Effect::Latency { latency: ms("latency"), jitter: ms("jitter") },
            "bandwidth" => Effect::Bandwidth { rate: number("rate") },
            "slow_close" => Effect::SlowClose { delay: ms("delay") },
            "timeout" => Effect::Timeout { timeout: ms("timeout") },
            "reset_peer" => Effect::ResetPeer { timeout: ms("timeout") },
            "slicer" => Effect::Slicer {
                average_size: number("average_size"),
                size_variation: number("size_variation"),
                delay: Duration::from_micros(number("delay")),
            },
            _ => Effect::LimitData { bytes: number("bytes") },
        })
    }

    /// The toxic's type.
    pub fn kind(self) -> &'static str {
        match self {
            Effect::Latency { .. } => "latency",
            Effect::Bandwidth { .. } => "bandwidth",
            Effect::SlowClose { .. } => "slow_close",
            Effect::Timeout { .. } => "timeout",
            Effect::ResetPeer { .. } => "reset_peer",
            Effect::Slicer { .. } => "slicer",
            Effect::LimitData { .. } => "limit_data",
        }
    }

    fn attributes(self) -> Value {
        let ms = |duration: Duration| duration.as_millis() as u64;
        match self {
            Effect::Latency { latency, jitter } => json!({"latency": ms(latency), "jitter": ms(jitter)}),
            Effect::Bandwidth { rate } => json!({ "rate": rate }),
            Effect::SlowClose { delay } => json!({"delay": ms(delay)}),
            Effect::Timeout { timeout } | Effect::ResetPeer { timeout } => json!({"timeout": ms(timeout)}),
            Effect::Slicer { average_size, size_variation, delay } => json!({
                "average_size": average_size,
                "size_variation": size_variation,
                "delay": delay.as_micros() as u64,
            }),
            Effect::LimitData { bytes } => json!({ "bytes": bytes }),
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stream::Upstream => "upstream",
            Stream::Downstream => "downstream",
        })
    }
}

impl TryFrom<Json> for Toxic {
    type Error = anyhow::Error;

    fn try_from(json: Json) -> Result<Toxic> {
        ensure!((0.0..=1.0).contains(&json.toxicity), words::toxicity_out_of_range(json.toxicity));
        let effect = Effect::new(&json.r#type, &json.attributes)?;
        let name = json.name.unwrap_or_else(|| format!("{}_{}", json.r#type, json.stream));
        Ok(Toxic { name, stream: json.stream, toxicity: json.toxicity, effect })
    }
}

impl From<Toxic> for Json {
    fn from(toxic: Toxic) -> Json {
        let Value::Object(attributes) = toxic.effect.attributes() else { unreachable!("always an object") };
        Json {
            name: Some(toxic.name),
            r#type: toxic.effect.kind().to_owned(),
            stream: toxic.stream,
            toxicity: toxic.toxicity,
            attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    fn read(json: Value) -> std::result::Result<Toxic, String> {
        language::with(Language::English, || serde_json::from_value(json).map_err(|error| error.to_string()))
    }

    /// The examples follow Toxiproxy's README, field by field.
    #[test]
    fn every_type_is_read_and_written_as_toxiproxy_does() {
        for (kind, attributes) in [
            ("latency", json!({"latency": 1000, "jitter": 50})),
            ("bandwidth", json!({"rate": 100})),
            ("slow_close", json!({"delay": 500})),
            ("timeout", json!({"timeout": 0})),
            ("reset_peer", json!({"timeout": 2000})),
            ("slicer", json!({"average_size": 64, "size_variation": 32, "delay": 10})),
            ("limit_data", json!({"bytes": 4096})),
        ] {
            let json = json!({"name": "one", "type": kind, "stream": "upstream", "toxicity": 0.5,
                "attributes": attributes});
            let toxic = read(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(toxic).unwrap(), json);
        }
        assert_eq!(TYPES.len(), 7);
    }

    #[test]
    fn what_is_not_said_is_as_in_toxiproxy() {
        let toxic = read(json!({"type": "latency", "attributes": {"latency": "1.5s"}})).unwrap();
        assert_eq!((toxic.name.as_str(), toxic.toxicity), ("latency_downstream", 1.0));
        let latency = Duration::from_millis(1500);
        assert_eq!(toxic.effect, Effect::Latency { latency, jitter: Duration::ZERO });
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        let latency = |attributes: Value| read(json!({"type": "latency", "attributes": attributes}));
        for (wrong, says) in [
            (read(json!({"type": "lag"})), "use one of: latency, bandwidth, slow_close, timeout, reset_peer"),
            (latency(json!({"latncy": 1})), "it has latency, jitter"),
            (latency(json!({"latency": -1})), "between 0 and 3600000 ms, not -1"),
            (latency(json!({"latency": "-1s"})), "between 0 and 3600000 ms, not -1000"),
            (latency(json!({"latency": "soon"})), "such as \"200ms\""),
            (latency(json!({"latency": 0.5})), "a whole number of milliseconds"),
            (read(json!({"type": "bandwidth"})), "needs a value for rate"),
            (read(json!({"type": "bandwidth", "attributes": {"rate": 0}})), "between 1 and 10000000 KB/s"),
            (read(json!({"type": "timeout", "toxicity": 1.5})), "between 0 and 1, not 1.5"),
            (read(json!({"type": "timeout", "stream": "sideways"})), "`upstream` or `downstream`"),
            (read(json!({"type": "timeout", "toxicty": 1})), "unknown field `toxicty`"),
        ] {
            let error = wrong.unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}

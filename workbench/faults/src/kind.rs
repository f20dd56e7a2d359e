//! The catalogue of faults.

use anyhow::{Result, bail};

use super::attribute::{Attribute, Unit};
use super::toxic;

/// The target of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A link, through a proxy in it.
    Link,
    /// A process of the shop.
    Process,
    /// The database server.
    Database,
    /// The broker.
    Broker,
    /// The messages that a service receives.
    Messages,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in commands and scenarios.
    pub name: &'static str,
    /// Its target.
    pub on: On,
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// What it does and how it heals, in one sentence.
    pub does: &'static str,
}

impl On {
    /// The name of the target for people.
    pub fn name(self) -> &'static str {
        match self {
            On::Link => "link",
            On::Process => "process",
            On::Database => "database",
            On::Broker => "broker",
            On::Messages => "messages",
        }
    }
}

/// All kinds. docs/faults.md lists the same ones; a test compares the two.
pub static KINDS: &[Kind] = &[
    link(toxic::TYPES[0], "every piece of data arrives later, by `latency` plus or minus up to `jitter`"),
    link(toxic::TYPES[1], "at most `rate` kilobytes pass per second"),
    link(toxic::TYPES[2], "connections close later"),
    link(toxic::TYPES[3], "no data passes; the connection closes after `timeout`, or never if it is 0"),
    link(toxic::TYPES[4], "a connection is reset (RST) `timeout` after data arrived"),
    link(toxic::TYPES[5], "data is passed on in small pieces, with pauses"),
    link(toxic::TYPES[6], "a connection closes when `bytes` bytes have passed"),
    link(("down", &[]), "connections close, and new ones are refused"),
    process("kill", &[], "ends at once (SIGKILL); the supervisor restarts it"),
    process(
        "pause",
        &[],
        "stops (SIGSTOP) while holding its locks and connections, and continues at the end (SIGCONT)",
    ),
    process(
        "clock_skew",
        &[Attribute::needed("skew", Unit::Milliseconds, -3_600_000, 3_600_000)],
        "its clock is ahead by `skew`, or behind if `skew` is negative",
    ),
    process(
        "crash_point",
        &[Attribute::word("point"), Attribute::or("pass", Unit::Count, 1, 1_000_000, 1)],
        "aborts when it reaches a point in the code for the `pass`-th time",
    ),
    server(
        "kill_database",
        On::Database,
        &[],
        "PostgreSQL ends as in a power cut, and restarts when the fault ends",
    ),
    server("restart_database", On::Database, &[], "PostgreSQL ends as in a power cut, and restarts at once"),
    server(
        "connection_limit",
        On::Database,
        &[Attribute::or("left", Unit::Count, 0, 1000, 0)],
        "sessions are ended, and Cleave takes all connections except `left`",
    ),
    server(
        "disk_full",
        On::Database,
        &[],
        "the small file system that PostgreSQL was given with `--disk` is full",
    ),
    server(
        "kill_broker",
        On::Broker,
        &[],
        "RabbitMQ ends as in a power cut, and restarts when the fault ends",
    ),
    server("restart_broker", On::Broker, &[], "RabbitMQ ends as in a power cut, and restarts at once"),
    server("broker_memory_alarm", On::Broker, &[], "RabbitMQ has no memory left, so publishing is blocked"),
    server("broker_disk_alarm", On::Broker, &[], "RabbitMQ has no disk left, so publishing is blocked"),
    messages("duplicate", &[KEY], "every message arrives twice"),
    messages(
        "delay",
        &[KEY, Attribute::needed("delay", Unit::Milliseconds, 1, 60_000)],
        "every message arrives later",
    ),
    messages(
        "reorder",
        &[
            KEY,
            Attribute::or("window", Unit::Count, 2, 1000, 8),
            Attribute::or("wait", Unit::Milliseconds, 1, 60_000, 200),
        ],
        "up to `window` messages are collected for at most `wait`, and arrive in reverse",
    ),
    messages(
        "drop_before_confirm",
        &[KEY],
        "the broker refuses every message (nack); the sender must send it again",
    ),
    messages("poison", &[Attribute::or("count", Unit::Count, 1, 1000, 1)], "unreadable messages arrive"),
];

/// A routing key. The default is the service's first key, with which an order reaches it.
const KEY: Attribute = Attribute::word_or_nothing("key");

const fn link((name, attributes): (&'static str, &'static [Attribute]), does: &'static str) -> Kind {
    Kind { name, on: On::Link, attributes, does }
}

const fn process(name: &'static str, attributes: &'static [Attribute], does: &'static str) -> Kind {
    Kind { name, on: On::Process, attributes, does }
}

const fn server(name: &'static str, on: On, attributes: &'static [Attribute], does: &'static str) -> Kind {
    Kind { name, on, attributes, does }
}

const fn messages(name: &'static str, attributes: &'static [Attribute], does: &'static str) -> Kind {
    Kind { name, on: On::Messages, attributes, does }
}

impl Kind {
    /// Finds a kind by name. The error lists all kinds.
    pub fn find(name: &str) -> Result<&'static Kind> {
        match KINDS.iter().find(|kind| kind.name == name) {
            Some(kind) => Ok(kind),
            None => {
                let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                bail!("there is no fault {name:?}; there are {}", all.join(", "))
            }
        }
    }

    /// Whether it is one of Toxiproxy's toxics.
    pub(super) fn is_toxic(&self) -> bool {
        toxic::TYPES.iter().any(|(name, _)| *name == self.name)
    }

    /// The target in the monolith, or why there is none, in one sentence.
    pub fn in_monolith(&self) -> &'static str {
        match self.on {
            On::Link => "the links that the monolith has too: to clients and to its database",
            On::Process => "the process `monolith`, so everything at once",
            On::Database => "its database server, which holds all data",
            On::Broker | On::Messages => self.missing_in_monolith().unwrap_or_default(),
        }
    }

    /// Why the monolith has no such target; `None` if it has one.
    pub fn missing_in_monolith(&self) -> Option<&'static str> {
        match self.on {
            On::Broker => Some("the monolith has no broker: its modules call each other"),
            On::Messages => Some("the monolith sends no messages: its modules call each other"),
            On::Link | On::Process | On::Database => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_kind_and_toxics_are_in_their_places() {
        for (n, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..n].iter().all(|earlier| earlier.name != kind.name), "{}", kind.name);
            assert!(std::ptr::eq(Kind::find(kind.name).unwrap(), kind));
        }
        assert_eq!(KINDS.iter().filter(|kind| kind.is_toxic()).count(), toxic::TYPES.len());
        assert!(Kind::find("lag").unwrap_err().to_string().contains("latency, bandwidth"));
    }
}

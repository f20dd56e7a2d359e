//! The catalogue of faults.

use anyhow::{Result, bail};

use super::attribute::{Attribute, Unit};
use super::toxic;

/// What a fault is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A link, by a proxy in it.
    Link,
    /// A process of the shop.
    Process,
    /// The database server.
    Database,
    /// The broker.
    Broker,
    /// The messages to a service.
    Messages,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name, as it stands in commands and scenarios.
    pub name: &'static str,
    /// What it is done to.
    pub on: On,
    /// What it can be told.
    pub attributes: &'static [Attribute],
    /// What it does, and how it heals, in a sentence.
    pub does: &'static str,
}

impl On {
    /// For people.
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

/// Every kind. docs/faults.md shows the same; a test compares them.
pub static KINDS: &[Kind] = &[
    link(toxic::TYPES[0], "every piece of data comes later, by `latency` plus or minus up to `jitter`"),
    link(toxic::TYPES[1], "no more than `rate` kilobytes pass in a second"),
    link(toxic::TYPES[2], "the end of a connection comes later"),
    link(toxic::TYPES[3], "nothing passes; the connection is closed after `timeout`, or never if that is 0"),
    link(toxic::TYPES[4], "a connection is reset (RST) `timeout` after data came"),
    link(toxic::TYPES[5], "data goes on in small pieces, with pauses"),
    link(toxic::TYPES[6], "a connection is closed when so many bytes have passed"),
    link(("down", &[]), "connections are closed and new ones refused"),
    process("kill", &[], "it ends at once (SIGKILL); its supervisor starts it again"),
    process("pause", &[], "it stands still (SIGSTOP) and holds what it holds, until it goes on (SIGCONT)"),
    process(
        "clock_skew",
        &[Attribute::needed("skew", Unit::Milliseconds, -3_600_000, 3_600_000)],
        "its clock is ahead by `skew`, or behind if that is negative",
    ),
    process(
        "crash_point",
        &[Attribute::word("point"), Attribute::or("pass", Unit::Count, 1, 1_000_000, 1)],
        "it aborts when it passes a place in the code for the `pass`-th time",
    ),
    server(
        "kill_database",
        On::Database,
        &[],
        "PostgreSQL ends as in a power cut, and starts again at the end",
    ),
    server(
        "restart_database",
        On::Database,
        &[],
        "PostgreSQL ends as in a power cut, and starts again at once",
    ),
    server(
        "connection_limit",
        On::Database,
        &[Attribute::or("left", Unit::Count, 0, 1000, 0)],
        "sessions are ended, and all connections but `left` are taken by somebody else",
    ),
    server(
        "disk_full",
        On::Database,
        &[],
        "nothing is left of the small file system that PostgreSQL was given with `--disk`",
    ),
    server("kill_broker", On::Broker, &[], "RabbitMQ ends as in a power cut, and starts again at the end"),
    server("restart_broker", On::Broker, &[], "RabbitMQ ends as in a power cut, and starts again at once"),
    server("broker_memory_alarm", On::Broker, &[], "RabbitMQ has no memory left: publishers are blocked"),
    server("broker_disk_alarm", On::Broker, &[], "RabbitMQ has no disk left: publishers are blocked"),
    messages("duplicate", &[KEY], "each comes twice"),
    messages("delay", &[KEY, Attribute::needed("delay", Unit::Milliseconds, 1, 60_000)], "each comes later"),
    messages(
        "reorder",
        &[
            KEY,
            Attribute::or("window", Unit::Count, 2, 1000, 8),
            Attribute::or("wait", Unit::Milliseconds, 1, 60_000, 200),
        ],
        "up to `window` of them, gathered for at most `wait`, come in reverse",
    ),
    messages(
        "drop_before_confirm",
        &[KEY],
        "the broker refuses each (nack); its sender has to send it again",
    ),
    messages("poison", &[Attribute::or("count", Unit::Count, 1, 1000, 1)], "unreadable messages come"),
];

/// A routing key. Without one, the message on which an order comes to the service is meant.
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
    /// The kind of this name, or an error that names them all.
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

    /// What it is done to in the monolith, or why it cannot be: one sentence.
    pub fn in_monolith(&self) -> &'static str {
        match self.on {
            On::Link => "the link that the monolith has too: to clients, and to its database",
            On::Process => "the process `monolith`, and so everything at once",
            On::Database => "its database server, which holds everything",
            On::Broker | On::Messages => self.missing_in_monolith().unwrap_or_default(),
        }
    }

    /// Why the monolith has nothing that this could be done to; `None` if it has.
    pub fn missing_in_monolith(&self) -> Option<&'static str> {
        match self.on {
            On::Broker => Some("the monolith has no broker: its modules call each other"),
            On::Messages => Some("no messages travel in the monolith: its modules call each other"),
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

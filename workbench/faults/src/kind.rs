//! The catalogue of faults.

use anyhow::{Result, bail};

use super::attribute::{Attribute, Unit};
use super::toxic;
use crate::words;

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
    /// The sort of target that it takes.
    pub on: On,
    /// The attributes that it takes; any other is refused.
    pub attributes: &'static [Attribute],
    does: Does,
}

/// Returns a text in the current language.
type Does = fn() -> String;

impl On {
    /// The name of the target, the same in every language.
    pub fn name(self) -> &'static str {
        match self {
            On::Link => "link",
            On::Process => "process",
            On::Database => "database",
            On::Broker => "broker",
            On::Messages => "messages",
        }
    }

    /// What can be such a target, in the current language.
    pub(super) fn described(self) -> String {
        match self {
            On::Link => words::a_link(),
            On::Process => words::a_process(),
            On::Database => words::the_database(),
            On::Broker => words::the_broker(),
            On::Messages => words::a_service(),
        }
    }
}

/// All kinds. docs/faults.md lists the same ones; a test compares the two.
pub static KINDS: &[Kind] = &[
    link(toxic::TYPES[0], words::does_latency),
    link(toxic::TYPES[1], words::does_bandwidth),
    link(toxic::TYPES[2], words::does_slow_close),
    link(toxic::TYPES[3], words::does_timeout),
    link(toxic::TYPES[4], words::does_reset_peer),
    link(toxic::TYPES[5], words::does_slicer),
    link(toxic::TYPES[6], words::does_limit_data),
    link(("down", &[]), words::does_down),
    process("kill", &[], words::does_kill),
    process("pause", &[], words::does_pause),
    process(
        "clock_skew",
        &[Attribute::needed("skew", Unit::Milliseconds, -3_600_000, 3_600_000)],
        words::does_clock_skew,
    ),
    process(
        "crash_point",
        &[Attribute::word("point"), Attribute::or("pass", Unit::Count, 1, 1_000_000, 1)],
        words::does_crash_point,
    ),
    server("kill_database", On::Database, &[], words::does_kill_database),
    server("restart_database", On::Database, &[], words::does_restart_database),
    server(
        "connection_limit",
        On::Database,
        &[Attribute::or("left", Unit::Count, 0, 1000, 0)],
        words::does_connection_limit,
    ),
    server("disk_full", On::Database, &[], words::does_disk_full),
    server("kill_broker", On::Broker, &[], words::does_kill_broker),
    server("restart_broker", On::Broker, &[], words::does_restart_broker),
    server("broker_memory_alarm", On::Broker, &[], words::does_broker_memory_alarm),
    server("broker_disk_alarm", On::Broker, &[], words::does_broker_disk_alarm),
    messages("duplicate", &[KEY], words::does_duplicate),
    messages("delay", &[KEY, Attribute::needed("delay", Unit::Milliseconds, 1, 60_000)], words::does_delay),
    messages(
        "reorder",
        &[
            KEY,
            Attribute::or("window", Unit::Count, 2, 1000, 8),
            Attribute::or("wait", Unit::Milliseconds, 1, 60_000, 200),
        ],
        words::does_reorder,
    ),
    messages("drop_before_confirm", &[KEY], words::does_drop_before_confirm),
    messages("poison", &[Attribute::or("count", Unit::Count, 1, 1000, 1)], words::does_poison),
];

/// A routing key. The default is the service's first key, with which an order reaches it.
const KEY: Attribute = Attribute::word_or_nothing("key");

const fn link((name, attributes): (&'static str, &'static [Attribute]), does: Does) -> Kind {
    Kind { name, on: On::Link, attributes, does }
}

const fn process(name: &'static str, attributes: &'static [Attribute], does: Does) -> Kind {
    Kind { name, on: On::Process, attributes, does }
}

const fn server(name: &'static str, on: On, attributes: &'static [Attribute], does: Does) -> Kind {
    Kind { name, on, attributes, does }
}

const fn messages(name: &'static str, attributes: &'static [Attribute], does: Does) -> Kind {
    Kind { name, on: On::Messages, attributes, does }
}

impl Kind {
    /// Finds a kind by name. The error lists all kinds.
    pub fn find(name: &str) -> Result<&'static Kind> {
        match KINDS.iter().find(|kind| kind.name == name) {
            Some(kind) => Ok(kind),
            None => {
                let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                bail!(words::no_such_fault(name, all.join(", ")))
            }
        }
    }

    /// Whether it is one of Toxiproxy's toxics.
    pub(super) fn is_toxic(&self) -> bool {
        toxic::TYPES.iter().any(|(name, _)| *name == self.name)
    }

    /// What it does and how it heals, in one sentence.
    pub fn does(&self) -> String {
        (self.does)()
    }

    /// The target in the monolith, or why there is none, in one sentence.
    pub fn in_monolith(&self) -> String {
        match self.on {
            On::Link => words::on_links_of_monolith(),
            On::Process => words::on_monolith(),
            On::Database => words::on_database_of_monolith(),
            On::Broker | On::Messages => self.missing_in_monolith().unwrap_or_default(),
        }
    }

    /// Why the monolith has no such target; `None` if it has one.
    pub fn missing_in_monolith(&self) -> Option<String> {
        match self.on {
            On::Broker => Some(words::no_broker_in_monolith()),
            On::Messages => Some(words::no_messages_in_monolith()),
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

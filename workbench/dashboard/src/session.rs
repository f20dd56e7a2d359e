//! What the page can show and change: it loads this once, when it is opened.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::controls::RATE_MOST;
use super::sample::SCHEMA;
use faults::{Attribute, KINDS, Kind, Link, On, Unit};
use load::mix::Intended;
use shop::supervisor;
use terminal::language::{self, Language};
use topology::{Driver, Mode, SERVICES};

/// The response of `GET /api/session`.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// The format of samples, [`super::sample::SCHEMA`].
    pub schema: &'static str,
    /// Whether this is a replay: then `GET /api/recording` returns all of it, and there are no controls.
    pub recorded: bool,
    /// Whether there are controls: not in a replay, and not if other machines can reach the page.
    pub controls: bool,
    /// When this session, or the recorded one, began.
    pub started_at: DateTime<Utc>,
    /// Every driver, and whether it is broken on purpose.
    pub drivers: Vec<DriverChoice>,
    /// The services of the split mode, in the order of the checkout's modules.
    pub services: [&'static str; 5],
    /// Intended outcomes, as in a mix.
    pub outcomes: Vec<&'static str>,
    /// The highest rate in orders per second.
    pub rate_most: f64,
    /// The most instances of a service.
    pub instances_most: usize,
    /// The catalogue of faults.
    pub faults: Vec<FaultChoice>,
}

/// A driver of a shop.
#[derive(Debug, Clone, Serialize)]
pub struct DriverChoice {
    /// The driver, such as `split:tcc`.
    pub driver: Driver,
    /// Its architecture.
    pub mode: Mode,
    /// Whether it breaks the rules of correctness on purpose.
    pub broken_on_purpose: bool,
}

/// A kind of fault.
#[derive(Debug, Clone, Serialize)]
pub struct FaultChoice {
    /// The kind, such as `latency`.
    pub kind: &'static str,
    /// `link`, `process`, `database`, `broker` or `messages`.
    pub on: &'static str,
    /// What it does and how it heals, in a sentence.
    pub does: String,
    /// The possible targets; empty for a server, which the kind names.
    pub targets: Vec<String>,
    /// Its attributes.
    pub attributes: Vec<AttributeChoice>,
    /// Why the monolith has no counterpart; null if it has.
    pub not_in_monolith: Option<String>,
}

/// An attribute of a fault.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeChoice {
    /// Its name.
    pub name: &'static str,
    /// The unit, such as `ms`; empty for a count, null for a name.
    pub unit: Option<&'static str>,
    /// The minimum.
    pub least: i64,
    /// The maximum.
    pub most: i64,
    /// The default; null if a value is required.
    pub default: Option<i64>,
}

impl Session {
    /// The session of a live page or a replay.
    pub fn new(started_at: DateTime<Utc>, recorded: bool, controls: bool) -> Session {
        let driver = |driver: Driver| DriverChoice {
            driver,
            mode: driver.mode(),
            broken_on_purpose: driver.is_broken_on_purpose(),
        };
        Session {
            schema: SCHEMA,
            recorded,
            controls,
            started_at,
            drivers: Driver::ALL.into_iter().chain(Driver::hybrids()).map(driver).collect(),
            services: SERVICES,
            outcomes: Intended::SHARES.map(|(intended, _)| intended.as_str()).to_vec(),
            rate_most: RATE_MOST,
            instances_most: supervisor::MOST,
            faults: KINDS.iter().map(fault).collect(),
        }
    }
}

fn fault(kind: &'static Kind) -> FaultChoice {
    let processes = || SERVICES.iter().chain(&["gateway", "registry"]).map(|name| (*name).to_owned());
    FaultChoice {
        kind: kind.name,
        on: kind.on.name(),
        does: in_english(|| kind.does()),
        targets: match kind.on {
            On::Link => Link::all(Driver::Orchestrated).iter().map(Link::to_string).collect(),
            On::Process => processes().collect(),
            On::Messages => SERVICES.map(str::to_owned).to_vec(),
            On::Database | On::Broker => Vec::new(),
        },
        attributes: kind.attributes.iter().map(attribute).collect(),
        not_in_monolith: in_english(|| kind.missing_in_monolith()),
    }
}

/// Records are English. The page has these texts in both languages.
fn in_english<T>(text: impl FnOnce() -> T) -> T {
    language::with(Language::English, text)
}

fn attribute(attribute: &Attribute) -> AttributeChoice {
    AttributeChoice {
        name: attribute.name,
        unit: (attribute.unit != Unit::Word).then(|| attribute.unit.symbol()),
        least: attribute.least,
        most: attribute.most,
        default: attribute.default,
    }
}

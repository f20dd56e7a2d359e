//! What there is to see and to touch: what the page asks for once, when it is opened.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::driver::Driver;
use crate::faults::attribute::Unit;
use crate::faults::{KINDS, Link, On};
use crate::load::mix::Intended;
use crate::run::Mode;
use crate::shop::SERVICES;

/// The answer of `GET /api/session`.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// The format of samples, [`super::sample::SCHEMA`].
    pub schema: &'static str,
    /// Whether this is a replay: then `GET /api/recording` has all of it, and there are no controls.
    pub recorded: bool,
    /// Whether anything can be touched here: not in a replay, and not where others than this machine can look.
    pub controls: bool,
    /// When this session, or the recorded one, began.
    pub started_at: DateTime<Utc>,
    /// Every driver, and whether it is broken on purpose.
    pub drivers: Vec<DriverChoice>,
    /// The services of the split mode, in the order of the checkout's modules.
    pub services: [&'static str; 5],
    /// Intended outcomes, as in a mix.
    pub outcomes: Vec<&'static str>,
    /// The most orders per second that can be asked for.
    pub rate_most: f64,
    /// The most instances of a service.
    pub instances_most: usize,
    /// The catalogue of faults.
    pub faults: Vec<FaultChoice>,
}

/// A driver that a shop can have.
#[derive(Debug, Clone, Serialize)]
pub struct DriverChoice {
    /// As `split:tcc`.
    pub driver: Driver,
    /// Its architecture.
    pub mode: Mode,
    /// Whether it breaks the rules of correctness on purpose.
    pub broken_on_purpose: bool,
}

/// A kind of fault.
#[derive(Debug, Clone, Serialize)]
pub struct FaultChoice {
    /// As `latency`.
    pub kind: &'static str,
    /// `link`, `process`, `database`, `broker` or `messages`.
    pub on: &'static str,
    /// What it does and how it heals, in a sentence.
    pub does: &'static str,
    /// What it can be done to; empty for a server, which the kind names.
    pub targets: Vec<String>,
    /// What it can be told.
    pub attributes: Vec<AttributeChoice>,
    /// Why the monolith has no counterpart; null if it has.
    pub not_in_monolith: Option<&'static str>,
}

/// Something that a fault can be told.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeChoice {
    /// Its name.
    pub name: &'static str,
    /// As `ms`; empty for what is counted, null for a name.
    pub unit: Option<&'static str>,
    /// The least that is allowed.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// What is taken where nothing is said; null where it must be said.
    pub default: Option<i64>,
}

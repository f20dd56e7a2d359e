//! A requested fault, from a scenario or from the command line.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attribute::{read_all, read_duration};
use super::kind::{Kind, On};
use super::link::Link;
use super::toxic::Stream;
use crate::{POINTS, Point, words};
use topology::{Driver, MONOLITH, Mode, SERVICES};

/// The default duration of a fault.
const FOR: Duration = Duration::from_secs(10);
/// Processes other than services and monolith.
const OTHERS: [&str; 2] = ["gateway", "registry"];

/// A requested fault, already validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Json", into = "Json")]
pub struct FaultSpec {
    /// What it does, with the attributes that it takes.
    pub kind: &'static Kind,
    /// What it hits. It fits the kind.
    pub target: Target,
    /// For toxics: the direction to which it applies.
    pub stream: Stream,
    /// For toxics: the share of connections to which it applies, 0 to 1.
    pub toxicity: f64,
    /// Its attributes in their units, defaults included.
    pub attributes: Map<String, Value>,
    /// The time after which it heals by itself.
    pub time_to_live: Duration,
}

/// The target of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A connection between two processes, through the proxies in it.
    Link(Link),
    /// A process: `inventory`, or one of several instances, `inventory-2`.
    Process(String),
    /// The database server.
    Database,
    /// The broker.
    Broker,
    /// The messages that this service receives.
    Messages(&'static str),
}

/// The form in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    toxicity: Option<f64>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#for: Option<String>,
}

impl FaultSpec {
    /// A fault of this kind on this target, with default attributes. Faults of a server need no target, because the
    /// kind names it. Fails if an attribute is required.
    pub fn new(kind: &str, target: Option<&str>) -> Result<FaultSpec> {
        FaultSpec::told(kind, target, Map::new())
    }

    /// A fault with these attributes.
    pub fn told(kind: &str, target: Option<&str>, attributes: Map<String, Value>) -> Result<FaultSpec> {
        let (kind, target) = (kind.to_owned(), target.map(str::to_owned));
        Json { kind, target, stream: None, toxicity: None, attributes, r#for: None }.try_into()
    }

    /// The same fault in a shop with that driver, or its counterpart, or an error that says why there is none.
    pub fn in_shop(&self, driver: Driver) -> Result<FaultSpec> {
        if let (Mode::Monolith, Some(why)) = (driver.mode(), self.kind.missing_in_monolith()) {
            bail!(why);
        }
        let target = match &self.target {
            Target::Link(link) => Target::Link(link.counterpart(driver)?),
            Target::Process(name) => Target::Process(process_in(driver, name)?),
            Target::Messages("orders") => Target::Messages(driver.service_of("orders")),
            Target::Messages(service) if driver.service_of(service) != *service => {
                bail!(words::no_messages_to(service))
            }
            other => other.clone(),
        };
        Ok(FaultSpec { target, ..self.clone() })
    }

    /// Fails if, with this driver, the process never reaches the crash point.
    pub(super) fn check_crash_point(&self, driver: Driver) -> Result<()> {
        let (Some(point), Target::Process(name)) = (self.word("point"), &self.target) else { return Ok(()) };
        let passing: Vec<&str> = crash_point(point)?.processes(driver);
        if passing.is_empty() {
            bail!(words::point_reached_by_none(point, driver));
        }
        if !passing.contains(&instance(name).0) {
            bail!(words::point_not_reached(name, point, driver, passing.join(", ")));
        }
        Ok(())
    }

    /// An attribute with a number.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.attributes.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    /// An attribute with a name.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }
}

fn crash_point(name: &str) -> Result<&'static Point> {
    POINTS.iter().find(|point| point.name == name).with_context(|| {
        let all: Vec<&str> = POINTS.iter().map(|point| point.name).collect();
        words::no_such_point(name, all.join(", "))
    })
}

/// The process of that shop that does this one's work. A monolith does the work of all services that have not left it.
fn process_in(driver: Driver, name: &str) -> Result<String> {
    let (base, number) = instance(name);
    let Some(module) = SERVICES.into_iter().find(|module| *module == base) else {
        return match base == MONOLITH && driver.mode() == Mode::Split {
            true => Err(anyhow!(words::not_in_split(name))),
            false => Ok(name.to_owned()),
        };
    };
    let number = number.map(|number| format!("-{number}")).unwrap_or_default();
    Ok(format!("{}{number}", driver.service_of(module)))
}

/// Splits an instance's name: `inventory-2` is the second instance of `inventory`.
fn instance(name: &str) -> (&str, Option<u32>) {
    let numbered = name.rsplit_once('-').and_then(|(base, number)| Some((base, number.parse().ok()?)));
    numbered.map_or((name, None), |(base, number)| (base, Some(number)))
}

impl Target {
    fn new(kind: &Kind, name: Option<&str>) -> Result<Target> {
        let named = name.with_context(|| words::needs_target(kind.name, kind.on.described()));
        match kind.on {
            On::Link => Ok(Target::Link(named?.parse()?)),
            On::Process => {
                let name = named?;
                let (base, number) = instance(name);
                let all: Vec<&str> = SERVICES.into_iter().chain([MONOLITH]).chain(OTHERS).collect();
                if !all.contains(&base) || number == Some(0) {
                    bail!(words::no_such_process(name, all.join(", ")));
                }
                Ok(Target::Process(name.to_owned()))
            }
            On::Messages => {
                let name = named?;
                let found = SERVICES.into_iter().find(|service| *service == name);
                let service = found.with_context(|| words::no_such_service(name, SERVICES.join(", ")))?;
                Ok(Target::Messages(service))
            }
            On::Database | On::Broker => {
                if let Some(other) = name.filter(|name| *name != kind.on.name()) {
                    bail!(words::other_target(kind.name, kind.on.described(), other));
                }
                Ok(if kind.on == On::Database { Target::Database } else { Target::Broker })
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Link(link) => link.fmt(f),
            Target::Process(name) => f.pad(name),
            Target::Database => f.pad("database"),
            Target::Broker => f.pad("broker"),
            Target::Messages(service) => f.pad(service),
        }
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::fault_on(self.kind.name, &self.target))
    }
}

impl TryFrom<Json> for FaultSpec {
    type Error = anyhow::Error;

    fn try_from(json: Json) -> Result<FaultSpec> {
        let kind = Kind::find(&json.kind)?;
        let attributes = read_all(kind.name, kind.attributes, &json.attributes)?;
        let target = Target::new(kind, json.target.as_deref())?;
        attributes.get("point").and_then(Value::as_str).map(crash_point).transpose()?;
        if !kind.is_toxic() && (json.stream.is_some() || json.toxicity.is_some()) {
            bail!(words::toxics_only(kind.name));
        }
        let toxicity = json.toxicity.unwrap_or(1.0);
        ensure!((0.0..=1.0).contains(&toxicity), words::toxicity_out_of_range(toxicity));
        let time_to_live = json.r#for.map_or(Ok(FOR), |text| read_duration(&text))?;
        ensure!(!time_to_live.is_zero(), words::time_is_zero());
        let stream = json.stream.unwrap_or(Stream::Downstream);
        Ok(FaultSpec { kind, target, stream, toxicity, attributes, time_to_live })
    }
}

impl From<FaultSpec> for Json {
    fn from(spec: FaultSpec) -> Json {
        let toxic = spec.kind.is_toxic();
        Json {
            kind: spec.kind.name.to_owned(),
            target: Some(spec.target.to_string()),
            stream: toxic.then_some(spec.stream),
            toxicity: toxic.then_some(spec.toxicity),
            attributes: spec.attributes,
            r#for: Some(format!("{}ms", spec.time_to_live.as_millis())),
        }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests;

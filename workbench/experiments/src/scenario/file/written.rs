//! The scenario as it is written, in TOML, and what is refused.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::super::load::{Part, Rates};
use super::{Action, FlashSale, Scenario, Steady, Step};
use crate::words;
use faults::FaultSpec;
use terminal::language::seconds as in_words;
use terminal::text::Text;
use topology::SERVICES;

/// The longest scenario.
const LONGEST: Duration = Duration::from_secs(600);
/// More requests per second than this program can reliably send.
const MOST: f64 = 2_000.0;
/// More of one service than a laptop should hold.
const INSTANCES: std::ops::RangeInclusive<usize> = 1..=8;
/// More products than a flash sale of a thousand has.
const ON_SALE: std::ops::RangeInclusive<usize> = 1..=100;

/// The file, word by word. `name_ko` and `about_ko` are the same in Korean, and may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    name_ko: Option<String>,
    about: String,
    about_ko: Option<String>,
    length_s: f64,
    #[serde(default)]
    load: Rates,
    #[serde(default)]
    steady: Steady,
    #[serde(default)]
    step: Vec<WrittenStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    at_s: f64,
    fault: Option<FaultSpec>,
    scale: Option<Scale>,
    deploy: Option<String>,
    again_for_s: Option<f64>,
    load: Option<Rates>,
    flash_sale: Option<FlashSale>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    service: String,
    instances: usize,
}

impl Scenario {
    /// Reads a file. The error names the step that is wrong.
    pub fn read(path: &Path) -> Result<Scenario> {
        let text = fs::read_to_string(path).with_context(|| words::cannot_read_scenario(path.display()))?;
        Scenario::parse(&text).with_context(|| words::scenario_invalid(path.display()))
    }

    /// Reads the text of a file, and refuses what cannot be run.
    pub fn parse(text: &str) -> Result<Scenario> {
        let written: Written = toml::from_str(text)?;
        let length = seconds("length_s", written.length_s)?;
        ensure!(!length.is_zero() && length <= LONGEST, words::length_out_of_range(in_words(LONGEST)));
        check_rates(&written.load)?;
        let Steady { served, over_s } = written.steady;
        ensure!((0.0..=1.0).contains(&served), words::share_out_of_range());
        let over = seconds("steady.over_s", over_s)?;
        ensure!(over * 2 <= length, words::steady_too_long());

        let mut steps = Vec::new();
        let mut parts =
            Parts { length, rates: written.load, parts: Vec::new(), from: Duration::ZERO, on_sale: 0 };
        let mut sale_ends: Option<Duration> = None;
        let mut last = Duration::ZERO;
        for (n, step) in written.step.into_iter().enumerate() {
            let place = |error: anyhow::Error| error.context(words::step_of_file(n + 1, step.at_s));
            let at = seconds("at_s", step.at_s).map_err(place)?;
            ensure!(at >= last, words::step_too_early(n + 1));
            ensure!(at < length, words::step_too_late(n + 1, in_words(length)));
            last = at;
            if let Some(end) = sale_ends.filter(|end| *end <= at) {
                parts.change(end, |parts| parts.on_sale = 0);
                sale_ends = None;
            }
            match step.action().map_err(place)? {
                Change::Load(rates) => {
                    check_rates(&rates).map_err(place)?;
                    parts.change(at, |parts| parts.rates = rates);
                }
                Change::Action(Action::FlashSale(sale)) => {
                    ensure!(sale_ends.is_none(), words::second_sale(n + 1));
                    let end = at + sale.checked(at, length).map_err(place)?;
                    parts.change(at, |parts| parts.on_sale = sale.products);
                    sale_ends = Some(end);
                    steps.push(Step { at, action: Action::FlashSale(sale) });
                }
                Change::Action(action) => {
                    if let Action::Deploy { again_for, .. } = &action {
                        ensure!(at + *again_for < length, words::step_goes_on(n + 1));
                    }
                    steps.push(Step { at, action });
                }
            }
        }
        if let Some(end) = sale_ends {
            parts.change(end, |parts| parts.on_sale = 0);
        }
        refuse_overlaps(&steps, length)?;
        Ok(Scenario {
            name: in_both(written.name, written.name_ko),
            about: in_both(written.about, written.about_ko),
            length,
            steady: written.steady,
            parts: parts.end(),
            steps,
        })
    }
}

/// The text in English, and in Korean if the file has it.
fn in_both(english: String, korean: Option<String>) -> Text {
    let korean = korean.unwrap_or_else(|| english.clone());
    Text::new(|| english, || korean)
}

/// What a step brings.
enum Change {
    Action(Action),
    Load(Rates),
}

impl WrittenStep {
    fn action(&self) -> Result<Change> {
        let known = "fault, scale, deploy, load, flash_sale";
        let mut found: Vec<Change> = Vec::new();
        found.extend(self.fault.clone().map(|fault| Change::Action(Action::Fault(fault))));
        if let Some(Scale { service, instances }) = &self.scale {
            ensure!(INSTANCES.contains(instances), words::instances_out_of_range(INSTANCES.end()));
            let service = known_service(service)?;
            found.push(Change::Action(Action::Scale { service, instances: *instances }));
        }
        if let Some(service) = &self.deploy {
            let again_for = seconds("again_for_s", self.again_for_s.unwrap_or_default())?;
            found.push(Change::Action(Action::Deploy { service: known_service(service)?, again_for }));
        }
        ensure!(self.again_for_s.is_none() || self.deploy.is_some(), words::only_with_deploy());
        found.extend(self.load.map(Change::Load));
        found.extend(self.flash_sale.map(|sale| Change::Action(Action::FlashSale(sale))));
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => bail!(words::step_is_empty(known)),
            _ => bail!(words::step_has_several(known)),
        }
    }
}

impl FlashSale {
    fn checked(&self, at: Duration, length: Duration) -> Result<Duration> {
        ensure!(ON_SALE.contains(&self.products), words::sale_products(ON_SALE.end()));
        ensure!(self.quota > 0, words::sale_quota());
        let lasts = seconds("flash_sale.for_s", self.for_s)?;
        ensure!(!lasts.is_zero() && at + lasts <= length, words::sale_end());
        Ok(lasts)
    }
}

/// The load while it is being put together.
struct Parts {
    length: Duration,
    rates: Rates,
    on_sale: usize,
    from: Duration,
    parts: Vec<Part>,
}

impl Parts {
    fn change(&mut self, at: Duration, change: impl FnOnce(&mut Parts)) {
        self.close(at);
        change(self);
    }

    fn close(&mut self, to: Duration) {
        if to > self.from {
            self.parts.push(Part { from: self.from, to, rates: self.rates, on_sale: self.on_sale });
            self.from = to;
        }
    }

    fn end(mut self) -> Vec<Part> {
        self.close(self.length);
        self.parts
    }
}

fn known_service(name: &str) -> Result<String> {
    let known = SERVICES.join(", ");
    ensure!(SERVICES.contains(&name), words::no_such_service(name, known));
    Ok(name.to_owned())
}

fn check_rates(rates: &Rates) -> Result<()> {
    for rate in [rates.browse, rates.order, rates.pay, rates.track] {
        ensure!((0.0..=MOST).contains(&rate), words::rate_out_of_range(MOST, rate));
    }
    Ok(())
}

fn seconds(what: &str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value).with_context(|| words::not_seconds(what, value))
}

/// Two faults of one kind on one target at the same time would be one fault with two ends.
fn refuse_overlaps(steps: &[Step], length: Duration) -> Result<()> {
    let faults: Vec<(Duration, Duration, &FaultSpec)> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Fault(fault) => Some((step.at, step.at + fault.time_to_live, fault)),
            _ => None,
        })
        .collect();
    for (n, (from, to, fault)) in faults.iter().enumerate() {
        ensure!(*to <= length, words::fault_ends_late(fault, in_words(*from)));
        for (other_from, other_to, other) in &faults[..n] {
            let apart = from >= other_to || to <= other_from;
            ensure!(
                apart || !fault.clashes_with(other),
                words::faults_overlap(fault, in_words(*from), in_words(*other_from))
            );
        }
    }
    Ok(())
}

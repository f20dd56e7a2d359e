//! `cleave flaws`: the rules of correctness as switches, and an experiment for each that shows what the rule is for.
//!
//! An experiment runs on a shop that keeps all rules and then on one that leaves one out. It is the same disturbance
//! both times, and does not know which shop it has. The flaw is *caught* if the audit finds everything held in the
//! first shop and the named invariant violated in the second.

mod catalogue;
mod client;
mod experiment;
mod scene;
mod words;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use catalogue::{FLAWS, Flaw};
pub use words::{list, shown};

use crate::driver::Driver;
use crate::guard::Guard;
use crate::infra::{self, Infrastructure};
use crate::run::{Audit, Mode, Verdict};
use crate::{binaries, compare};
use scene::Scene;

/// The format of the JSON.
pub const SCHEMA: &str = "cleave.flaws/1";

/// How long a sound shop may take to finish.
const DRAIN: Duration = Duration::from_secs(30);
/// A broken shop may never finish. It gets this, and three times what the sound one took.
const PATIENCE: Duration = Duration::from_secs(1);

/// The flaws, as they are written for programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// The flaws that were asked for.
    pub flaws: Vec<Entry>,
}

/// One flaw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, as `--flaws` knows it.
    pub name: String,
    /// The number of the rule that it leaves out.
    pub rule: u8,
    /// What is left out, in a sentence.
    pub says: String,
    /// The invariant that must break.
    pub breaks: String,
    /// The driver on which the experiment shows it.
    pub driver: Driver,
    /// What the experiment does, and what comes of it.
    pub seen: String,
    /// The command that shows it.
    pub command: String,
    /// What the experiment showed; only where it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// What an experiment showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    /// Whether everything held without the flaw, and the named invariant did not with it.
    pub caught: bool,
    /// The shop that keeps all rules.
    pub sound: Observed,
    /// The shop that leaves one out.
    pub flawed: Observed,
    /// How long all of it took.
    pub seconds: f64,
}

/// What was seen of one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Observed {
    /// What it had not finished when nobody waited any longer.
    pub unfinished: Option<String>,
    /// The invariants, I1 to I9.
    pub audit: Vec<Audit>,
}

impl Observed {
    /// What the audit says of one invariant.
    pub fn verdict(&self, invariant: &str) -> Verdict {
        let found = self.audit.iter().find(|audit| audit.invariant == invariant);
        found.map_or(Verdict::NoEvidence, |audit| audit.verdict)
    }

    fn is_sound(&self) -> bool {
        self.unfinished.is_none()
            && Verdict::of_all(self.audit.iter().map(|audit| audit.verdict)) == Verdict::Held
    }
}

impl Document {
    /// All flaws, none of them tried.
    pub fn of_all() -> Document {
        let flaws = FLAWS.iter().map(|flaw| Entry::new(flaw, None)).collect();
        Document { schema: SCHEMA.to_owned(), flaws }
    }

    /// Whether each flaw was tried and caught.
    pub fn all_caught(&self) -> bool {
        !self.flaws.is_empty() && self.flaws.iter().all(Entry::is_caught)
    }
}

impl Entry {
    /// Whether it was tried and caught.
    pub fn is_caught(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.caught)
    }

    fn new(flaw: &Flaw, shown: Option<Shown>) -> Entry {
        Entry {
            name: flaw.name.to_owned(),
            rule: flaw.rule,
            says: flaw.says.to_owned(),
            breaks: flaw.breaks.to_owned(),
            driver: flaw.driver,
            seen: flaw.seen.to_owned(),
            command: flaw.command(),
            shown,
        }
    }
}

/// The flaw of this name, or an error that names them all.
pub fn find(name: &str) -> Result<&'static Flaw> {
    match FLAWS.iter().find(|flaw| flaw.name == name) {
        Some(flaw) => Ok(flaw),
        None => {
            let all: Vec<&str> = FLAWS.iter().map(|flaw| flaw.name).collect();
            bail!("there is no flaw {name:?}; there are {}", all.join(", "))
        }
    }
}

/// Where experiments are made.
#[derive(Debug, Clone, Copy)]
pub struct Lab<'a> {
    /// Cleans up should this process be killed.
    pub guard: &'a Guard,
    /// The servers; services need a broker.
    pub infra: &'a Infrastructure,
    /// The folder of the shop's programs.
    pub programs: &'a Path,
    /// The folder for their logs.
    pub logs: &'a Path,
}

/// Runs the experiments of these flaws, and writes what each showed to standard output as soon as it is known, unless
/// `silent`. The processes write their logs to a new folder below `folder`.
pub async fn show(
    guard: &Guard,
    folder: &Path,
    names: &[String],
    infra: &infra::Options,
    silent: bool,
) -> Result<Document> {
    let flaws = names.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
    let drivers: Vec<Driver> = flaws.iter().map(|flaw| flaw.driver).collect();
    eprintln!("Building what is needed");
    let programs = binaries::ensure_built(&compare::programs(&drivers)).await?;
    let needs_broker = drivers.iter().any(|driver| driver.mode() == Mode::Split);
    let infra = Infrastructure::find(guard, &infra::Options { needs_broker, ..infra.clone() }).await?;
    let logs = folder.join(chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string());
    let lab = Lab { guard, infra: &infra, programs: &programs, logs: &logs };
    let mut document = Document { schema: SCHEMA.to_owned(), flaws: Vec::new() };
    for flaw in flaws {
        eprintln!("{}: without the flaw, and with it", flaw.name);
        let entry = lab.try_out(flaw).await.context(flaw.name)?;
        if !silent {
            println!("{}", shown(&entry));
        }
        document.flaws.push(entry);
    }
    infra.stop().await?;
    Ok(document)
}

impl Lab<'_> {
    /// Runs the experiment of a flaw, on a shop without it and on one with it.
    pub async fn try_out(&self, flaw: &Flaw) -> Result<Entry> {
        let began = Instant::now();
        let (sound, took) = self.observe(flaw, &[], DRAIN).await.context("without the flaw")?;
        let patience = PATIENCE + took * 3;
        let (flawed, _) = self.observe(flaw, &[flaw.name], patience).await.context("with the flaw")?;
        let shown = Shown {
            caught: sound.is_sound() && flawed.verdict(flaw.breaks) == Verdict::Violated,
            sound,
            flawed,
            seconds: (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        };
        Ok(Entry::new(flaw, Some(shown)))
    }

    /// One run. Answers how long the shop took to finish, too.
    async fn observe(
        &self,
        flaw: &Flaw,
        switched_on: &[&str],
        patience: Duration,
    ) -> Result<(Observed, Duration)> {
        let mut scene = Scene::start(self, flaw.driver, switched_on).await?;
        flaw.experiment.run(&mut scene).await.with_context(|| format!("{:?}", flaw.experiment))?;
        let (took, unfinished) = scene.settle(patience).await;
        let audit = scene.audit().await?;
        scene.end().await?;
        Ok((Observed { unfinished, audit }, took))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order() {
        assert!(FLAWS.len() >= 15);
        assert!(FLAWS.windows(2).all(|pair| pair[0].rule <= pair[1].rule));
        for flaw in FLAWS {
            assert!(
                find(flaw.name).is_ok_and(|found| std::ptr::eq(found, flaw)),
                "{} is there twice",
                flaw.name
            );
            assert!(Driver::CORRECT.contains(&flaw.driver), "{}", flaw.name);
        }
        assert!(find("nothing").unwrap_err().to_string().contains("no-outbox"));
    }

    #[test]
    fn a_flaw_is_caught_only_if_the_shop_without_it_is_sound() {
        let observed = |verdict| Observed {
            unfinished: None,
            audit: vec![Audit {
                invariant: "I1".into(),
                title: String::new(),
                verdict,
                checked: 1,
                evidence: String::new(),
            }],
        };
        assert!(observed(Verdict::Held).is_sound());
        assert!(!observed(Verdict::NoEvidence).is_sound());
        assert!(!Observed { unfinished: Some("3 orders".into()), ..observed(Verdict::Held) }.is_sound());
        assert_eq!(observed(Verdict::Violated).verdict("I1"), Verdict::Violated);
        assert_eq!(observed(Verdict::Violated).verdict("I2"), Verdict::NoEvidence);
        assert!(!Document::of_all().all_caught(), "none was tried");
    }
}

//! `cleave flaws`: the rules of correctness as switches, and an experiment for each that shows what the rule is for.
//!
//! An experiment runs on a shop that follows all rules, and then on one that leaves one out. The disturbance is the
//! same both times, and does not know which shop it acts on. The flaw is *caught* if every invariant holds in the first
//! shop and the named invariant is violated in the second.

mod catalogue;
mod client;
mod experiment;
mod record;
mod scene;
mod texts;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::Mutex;

pub use catalogue::{FLAWS, Flaw};
pub use record::{Document, Entry, Observed, SCHEMA, Shown};
pub use words::{list, shown};

use audit::Verdict;
use scene::Scene;
use servers::Infrastructure;
use servers::binaries;
use servers::guard::Guard;
use topology::Driver;

/// How long a sound shop may take to finish.
const DRAIN: Duration = Duration::from_secs(30);
/// How often a flaw is tried before it counts as not caught.
const ROUNDS: u32 = 4;
/// A broken shop may never finish. It gets this time plus three times that of the sound one.
const PATIENCE: Duration = Duration::from_secs(1);

/// The flaw with this name, or an error that lists them all.
pub fn find(name: &str) -> Result<&'static Flaw> {
    match FLAWS.iter().find(|flaw| flaw.name == name) {
        Some(flaw) => Ok(flaw),
        None => {
            let all: Vec<&str> = FLAWS.iter().map(|flaw| flaw.name).collect();
            bail!(crate::words::no_such_flaw(name, all.join(", ")))
        }
    }
}

/// Runs experiments.
#[derive(Debug, Clone, Copy)]
pub struct Lab<'a> {
    /// Cleans up if this process is killed.
    pub guard: &'a Guard,
    /// The servers; services need a broker.
    pub infra: &'a Infrastructure,
    /// The folder of the shop's programs.
    pub programs: &'a Path,
    /// The folder for their logs.
    pub logs: &'a Path,
    /// The shops that follow all rules.
    pub sound: &'a SoundShops,
}

/// Shops that follow all rules, one per driver, started when they are first needed. A sound shop stays sound, so one
/// serves many experiments.
#[derive(Debug)]
pub struct SoundShops(BTreeMap<Driver, Mutex<Option<Scene>>>);

impl Default for SoundShops {
    fn default() -> SoundShops {
        SoundShops(Driver::CORRECT.into_iter().map(|driver| (driver, Mutex::default())).collect())
    }
}

/// Runs the experiments of these flaws, and prints each result to standard output as soon as it is known, unless
/// `silent`. The processes write their logs to a new folder below `folder`.
pub async fn show(
    guard: &Guard,
    folder: &Path,
    names: &[String],
    infra: &servers::ServerOptions,
    silent: bool,
) -> Result<Document> {
    let flaws = names.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
    let drivers: Vec<Driver> = flaws.iter().map(|flaw| flaw.driver).collect();
    let programs = binaries::ensure_built(&topology::programs(&drivers)).await?;
    let needs_broker = drivers.iter().any(|driver| driver.has_messages());
    let infra =
        Infrastructure::find(guard, &servers::ServerOptions { needs_broker, ..infra.clone() }).await?;
    let logs = folder.join(chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string());
    let sound = SoundShops::default();
    let lab = Lab { guard, infra: &infra, programs: &programs, logs: &logs, sound: &sound };
    let mut document = Document { schema: SCHEMA.to_owned(), flaws: Vec::new() };
    for flaw in flaws {
        terminal::note!("{}", crate::words::without_and_with(flaw.name));
        let entry = lab.try_out(flaw).await.context(flaw.name)?;
        if !silent {
            terminal::say!("{}", shown(&entry));
        }
        document.flaws.push(entry);
    }
    // Stopped before the servers.
    drop(sound);
    infra.stop().await?;
    Ok(document)
}

impl Lab<'_> {
    /// Runs the experiment of a flaw on a shop without it and on one with it. If nothing broke, runs both again: some
    /// flaws lose a race only now and then.
    pub async fn try_out(&self, flaw: &Flaw) -> Result<Entry> {
        let began = Instant::now();
        let mut rounds = 0;
        loop {
            rounds += 1;
            let (sound, took) = self.without(flaw).await.with_context(crate::words::without_flaw)?;
            let flawed =
                self.with(flaw, PATIENCE + took * 3).await.with_context(crate::words::with_the_flaw)?;
            let caught = sound.is_sound() && flawed.verdict(flaw.breaks) == Verdict::Violated;
            if caught || !sound.is_sound() || rounds == ROUNDS {
                let seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
                return Ok(Entry::new(flaw, Some(Shown { caught, sound, flawed, seconds })));
            }
        }
    }

    /// Runs it without the flaw. Also returns how long the shop took to finish.
    async fn without(&self, flaw: &Flaw) -> Result<(Observed, Duration)> {
        let shop = self.sound.0.get(&flaw.driver).with_context(|| format!("{} is broken", flaw.driver))?;
        let mut shop = shop.lock().await;
        let mut scene = match shop.take() {
            Some(scene) => scene,
            None => Scene::start(self, flaw.driver, &[]).await?,
        };
        let (observed, took) = observe(flaw, &mut scene, DRAIN).await?;
        // A violation should not be found again in later experiments.
        if observed.is_sound() && flaw.experiment.leaves_the_shop_as_it_was() {
            *shop = Some(scene);
        } else {
            scene.end().await?;
        }
        Ok((observed, took))
    }

    /// Runs it with the flaw, in a separate shop.
    async fn with(&self, flaw: &Flaw, patience: Duration) -> Result<Observed> {
        let mut scene = Scene::start(self, flaw.driver, &[flaw.name]).await?;
        let (observed, _) = observe(flaw, &mut scene, patience).await?;
        scene.end().await?;
        Ok(observed)
    }
}

/// Runs the experiment on a shop, lets it finish, and audits it. Also returns how long it took to finish.
async fn observe(flaw: &Flaw, scene: &mut Scene, patience: Duration) -> Result<(Observed, Duration)> {
    flaw.experiment
        .run(scene)
        .await
        .with_context(|| crate::words::during(format!("{:?}", flaw.experiment)))?;
    let (took, unfinished) = scene.settle(patience).await;
    Ok((Observed { unfinished, audit: scene.audit().await? }, took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order() {
        assert!(FLAWS.len() >= 15);
        assert!(FLAWS.windows(2).all(|pair| pair[0].rule <= pair[1].rule));
        for (n, flaw) in FLAWS.iter().enumerate() {
            assert!(
                FLAWS[..n].iter().all(|earlier| earlier.name != flaw.name),
                "{} is there twice",
                flaw.name
            );
            assert!(Driver::CORRECT.contains(&flaw.driver), "{}", flaw.name);
        }
        assert!(find("nothing").unwrap_err().to_string().contains("no-outbox"));
    }
}

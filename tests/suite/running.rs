//! Turns cases into trials: in parallel or alone, each with its time.

use std::sync::Arc;

use experiments::flaws::FLAWS;
use libtest_mimic::{Completion, Failed, Trial};
use tests::{DRIVERS, Driver, Seat, Stage};
use tokio::runtime::Runtime;

use crate::times::Times;
use crate::{
    InWorld, OnStage, alone, alone_in_full, flaws, in_every_world, in_full, in_worlds_of_one_mode, on_stage,
    plain, with_each_driver, with_each_driver_that_sends,
};

/// What all cases run on.
pub struct Suite {
    pub runtime: Runtime,
    pub stage: Arc<Stage>,
    pub times: Times,
}

impl Suite {
    /// Runs a case in parallel with others.
    fn run<T>(&self, name: &str, case: impl Future<Output = T>) -> T {
        let _others = self.runtime.block_on(self.stage.with_others());
        self.times.of(name, || self.runtime.block_on(case))
    }

    /// Runs a case while no other runs.
    fn run_alone<T>(&self, name: &str, case: impl Future<Output = T>) -> T {
        let _alone = self.runtime.block_on(self.stage.to_itself());
        self.times.of(name, || self.runtime.block_on(case))
    }
}

/// Cases that run alone come last, so that the others are waited for only once.
pub fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let plain = plain().into_iter().map(|(name, case)| {
        let suite = suite.clone();
        Trial::test(name, move || suite.times.of(name, case).map_err(failed))
    });

    let sending = DRIVERS.into_iter().filter(|driver: &Driver| driver.has_messages());
    let shared = DRIVERS.into_iter().flat_map(|driver| cases_of(driver, suite));

    let own = each(with_each_driver(), DRIVERS);
    let own = own.chain(each(with_each_driver_that_sends(), sending));
    let own = own.map(|(driver, name, case)| {
        let (suite, name) = (suite.clone(), format!("{driver}::{name}"));
        Trial::test(name.clone(), move || suite.run(&name, case(suite.stage.clone(), driver)).map_err(failed))
    });

    let experiments = Arc::new(flaws::Experiments::new().expect("a temporary folder can be created"));
    let flawed = FLAWS.iter().map(|flaw| {
        let (suite, experiments, name) =
            (suite.clone(), experiments.clone(), format!("flaws::{}", flaw.name));
        Trial::test(name.clone(), move || {
            suite.run(&name, experiments.catch(&suite.stage, flaw)).map_err(failed)
        })
    });
    let beside = on_stage().into_iter().map(|case| on_the_stage(suite, case, false));
    let alone = alone().into_iter().map(|case| on_the_stage(suite, case, true));
    let in_full = alone_in_full().into_iter();
    let in_full = in_full.map(|case| on_the_stage(suite, case, true).with_ignored_flag(true));
    plain.chain(shared).chain(own).chain(flawed).chain(beside).chain(alone).chain(in_full).collect()
}

fn on_the_stage(suite: &Arc<Suite>, (name, case): (&'static str, OnStage), alone: bool) -> Trial {
    let suite = suite.clone();
    Trial::ignorable_test(name, move || {
        let case = case(suite.stage.clone());
        let outcome = if alone { suite.run_alone(name, case) } else { suite.run(name, case) };
        match outcome {
            Ok(None) => Ok(Completion::Completed),
            Ok(Some(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(failed(error)),
        }
    })
}

/// The cases that share this driver's world, which exists from the first of them to the last.
fn cases_of(driver: Driver, suite: &Arc<Suite>) -> Vec<Trial> {
    let seat = Arc::new(Seat::new(driver));
    let trial = |(name, case): (&'static str, InWorld)| {
        let (suite, seat, name) = (suite.clone(), seat.clone(), format!("{driver}::{name}"));
        Trial::test(name.clone(), move || {
            let outcome = suite.run(&name, async { case(seat.world(&suite.stage).await?).await });
            let Some(seat) = Arc::into_inner(seat) else { return outcome.map_err(failed) };
            let closed = suite.run(&format!("{driver}: the audit at the end"), seat.close(&suite.stage));
            outcome.and(closed).map_err(failed)
        })
    };
    let of_one_mode = in_worlds_of_one_mode().into_iter();
    let of_one_mode =
        of_one_mode.filter(|(mode, ..)| *mode == driver.mode()).map(|(_, name, case)| (name, case));
    // First, because an ignored case gives up its seat at its turn, and must not be the last one.
    let in_full = in_full().into_iter().map(|case| trial(case).with_ignored_flag(true));
    in_full.chain(in_every_world().into_iter().chain(of_one_mode).map(trial)).collect()
}

/// Every case with every driver.
fn each<Case: Copy>(
    cases: Vec<(&'static str, Case)>,
    drivers: impl IntoIterator<Item = Driver> + Clone,
) -> impl Iterator<Item = (Driver, &'static str, Case)> {
    cases
        .into_iter()
        .flat_map(move |(name, case)| drivers.clone().into_iter().map(move |driver| (driver, name, case)))
}

/// With all causes; `Display` would show only the outermost.
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}

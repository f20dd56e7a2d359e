//! A service behind the gateway, with everything that protects it and its callers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::{Mutex, MutexGuard};
use platform::registry::{Instance, Snapshot};
use platform::settings::Settings;
use serde_json::{Value, json};

use crate::balance::Balance;
use crate::breaker::{Breaker, Evidence, Pass, State};
use crate::budget::RetryBudget;
use crate::bulkhead::{Bulkhead, Permit};
use crate::limits::Limits;

/// How many state changes of the breaker are kept.
const TURNS: usize = 100;

/// A service that the gateway depends on.
#[derive(Debug)]
pub struct Dependency {
    /// The name in the registry.
    pub service: &'static str,
    bulkhead: Bulkhead,
    guarded: Mutex<Guarded>,
}

#[derive(Debug)]
struct Guarded {
    limits: Limits,
    breaker: Breaker,
    budget: RetryBudget,
    balance: Balance,
    turns: VecDeque<Turn>,
}

/// A state change of the breaker.
#[derive(Debug)]
struct Turn {
    at: DateTime<Utc>,
    to: State,
    why: String,
}

/// Why a request cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// The breaker is open.
    Open,
    /// There is no instance that was not tried yet.
    Nobody,
}

/// Permission to send a request, and the instance to send it to.
#[derive(Debug)]
pub struct Attempt {
    pub to: Arc<Instance>,
    pass: Pass,
}

/// What an attempt says about the dependency's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It responded; a refusal counts too.
    Healthy,
    /// It responded with a server error.
    Failing,
    /// The port is closed.
    Gone,
    /// The connection broke.
    Lost,
    /// It did not respond in time.
    Silent,
}

impl Dependency {
    /// A service with no known instances yet.
    pub fn new(service: &'static str) -> Dependency {
        let guarded = Guarded {
            limits: Limits::from(&Settings::default()),
            breaker: Breaker::new(Instant::now()),
            budget: RetryBudget::new(),
            balance: Balance::default(),
            turns: VecDeque::from([Turn { at: Utc::now(), to: State::Closed, why: "at the start".into() }]),
        };
        Dependency { service, bulkhead: Bulkhead::default(), guarded: Mutex::new(guarded) }
    }

    /// Applies the registry's state. Returns whether the service has, or ever had, an instance.
    pub fn heard(&self, word: &Snapshot) -> bool {
        let mut guarded = self.guarded();
        guarded.limits = Limits::from(&word.settings);
        let with = |silent| move |instance: &Instance| (instance.clone(), silent);
        let instances = word.instances.iter().map(with(false)).chain(word.silent.iter().map(with(true)));
        guarded.balance.heard(instances.filter(|(instance, _)| instance.service == self.service));
        guarded.balance.instances(Instant::now()).next().is_some()
    }

    pub fn limits(&self) -> Limits {
        self.guarded().limits
    }

    /// Takes a slot for a request, if there is one. The request earns its share of a retry.
    pub fn enter(&self) -> Option<Permit> {
        let mut guarded = self.guarded();
        let percent = guarded.limits.retry_percent;
        guarded.budget.earn(percent);
        self.bulkhead.enter(guarded.limits.concurrency)
    }

    /// Whether there is an instance that was not tried yet.
    pub fn has_another(&self, tried: &[Arc<Instance>]) -> bool {
        self.guarded().balance.has_another(tried)
    }

    /// Takes one retry from the budget.
    pub fn may_retry(&self) -> bool {
        let mut guarded = self.guarded();
        let percent = guarded.limits.retry_percent;
        guarded.budget.spend(percent)
    }

    /// Asks to send a request to an instance that was not tried yet.
    pub fn attempt(&self, tried: &[Arc<Instance>]) -> Result<Attempt, No> {
        let now = Instant::now();
        let mut guarded = self.guarded();
        let to = guarded.balance.pick(tried, now).ok_or(No::Nobody)?;
        let open = guarded.limits.open;
        let pass = self.turning(&mut guarded, "probe", |breaker| breaker.ask(now, open));
        Ok(Attempt { to, pass: pass.ok_or(No::Open)? })
    }

    /// Records how an attempt ended; `what` describes it for people.
    pub fn note(&self, attempt: &Attempt, sign: Sign, what: &str) {
        let now = Instant::now();
        let mut guarded = self.guarded();
        let Limits { failures, open, .. } = guarded.limits;
        let left_out = match sign {
            Sign::Healthy | Sign::Failing => {
                guarded.balance.answered(&attempt.to);
                false
            }
            Sign::Gone => guarded.balance.eject(&attempt.to, now, open),
            Sign::Lost | Sign::Silent => guarded.balance.unanswered(&attempt.to, now, open),
        };
        if left_out {
            tracing::warn!(
                service = self.service,
                instance = attempt.to.instance,
                what,
                "ejected: asked last for a while"
            );
        }
        let evidence = if sign == Sign::Silent { Evidence::Silence } else { Evidence::Told };
        self.turning(&mut guarded, what, |breaker| match sign {
            Sign::Healthy => breaker.succeeded(attempt.pass),
            _ => breaker.failed(attempt.pass, evidence, now, failures, open),
        });
    }

    /// Runs an operation on the breaker and records a change of its state.
    fn turning<T>(&self, guarded: &mut Guarded, why: &str, work: impl FnOnce(&mut Breaker) -> T) -> T {
        let from = guarded.breaker.state();
        let outcome = work(&mut guarded.breaker);
        let to = guarded.breaker.state();
        if from != to {
            tracing::warn!(service = self.service, ?from, ?to, why, "the circuit breaker changed its state");
            if guarded.turns.len() == TURNS {
                guarded.turns.pop_front();
            }
            guarded.turns.push_back(Turn { at: Utc::now(), to, why: why.to_owned() });
        }
        outcome
    }

    pub fn breaker(&self) -> State {
        self.guarded().breaker.state()
    }

    /// The report for `GET /health/dependencies`.
    pub fn report(&self) -> Value {
        let guarded = self.guarded();
        let instances = guarded.balance.instances(Instant::now()).map(|(instance, ejected)| {
            json!({ "instance": instance.instance, "address": instance.address, "ejected": ejected })
        });
        let turn = |turn: &Turn| json!({ "at": written(turn.at), "state": turn.to, "why": turn.why });
        json!({
            "service": self.service,
            "instances": instances.collect::<Vec<_>>(),
            "registered": guarded.balance.is_listed(),
            "breaker": {
                "state": guarded.breaker.state(),
                "since": guarded.turns.back().map(|turn| written(turn.at)),
                "turns": guarded.turns.iter().map(turn).collect::<Vec<_>>(),
            },
            "permits": { "in_use": self.bulkhead.taken(), "limit": guarded.limits.concurrency },
            "retries_left": guarded.budget.left(),
        })
    }

    fn guarded(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock()
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

//! Selects an instance for each request: round robin, skipping instances that failed recently (*outlier ejection*, from
//! Envoy). Instances that the registry reports as silent are used only if there is no other.
//!
//! No instance is given up here. To be ejected only means to be asked last: rule 55 (silence).

use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::registry::Instance;

/// The maximum ejection time, as a multiple of the first one.
const LONGEST: u32 = 5;

/// How many requests in a row must go unanswered before an instance is ejected. A single one may have hit an old
/// connection or a busy moment.
const SILENCES: u32 = 3;

/// The instances of one service.
#[derive(Debug, Default)]
pub struct Balance {
    candidates: Vec<Candidate>,
    /// Whether they are in the registry. If not, they are the last known ones.
    listed: bool,
    next: usize,
}

/// An instance and its recent results.
#[derive(Debug)]
struct Candidate {
    instance: Arc<Instance>,
    /// Whether the registry reports it as silent.
    silent: bool,
    /// Consecutive requests without a response.
    unanswered: u32,
    /// Consecutive ejections.
    ejections: u32,
    ejected_until: Option<Instant>,
}

impl Candidate {
    fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_until.is_some_and(|until| now < until)
    }
}

impl Balance {
    /// Sets the current instances, each with whether it is silent. Known instances keep their state. An empty list is
    /// ignored and the last instances stay: perhaps only their heartbeats failed, and trying a dead instance costs
    /// nothing.
    pub fn heard(&mut self, instances: impl Iterator<Item = (Instance, bool)>) {
        let mut earlier = std::mem::take(&mut self.candidates);
        self.candidates = instances
            .map(|(instance, silent)| {
                match earlier.iter().position(|candidate| *candidate.instance == instance) {
                    Some(known) => Candidate { silent, ..earlier.swap_remove(known) },
                    None => Candidate {
                        instance: Arc::new(instance),
                        silent,
                        unanswered: 0,
                        ejections: 0,
                        ejected_until: None,
                    },
                }
            })
            .collect();
        self.listed = !self.candidates.is_empty();
        if !self.listed {
            self.candidates = earlier;
        }
    }

    /// Whether there is an instance that was not tried yet.
    pub fn has_another(&self, tried: &[Arc<Instance>]) -> bool {
        self.candidates.iter().any(|candidate| !tried.contains(&candidate.instance))
    }

    /// The next instance: one that was not tried, preferably neither silent nor ejected. If all are, each is as good as
    /// any other.
    pub fn pick(&mut self, tried: &[Arc<Instance>], now: Instant) -> Option<Arc<Instance>> {
        let turn = |n: usize| (self.next + n) % self.candidates.len();
        let others = || {
            let all = (0..self.candidates.len()).map(turn);
            all.filter(|index| !tried.contains(&self.candidates[*index].instance))
        };
        let good =
            |index: &usize| !self.candidates[*index].is_ejected(now) && !self.candidates[*index].silent;
        let index = others()
            .find(good)
            .or_else(|| others().find(|index| !self.candidates[*index].is_ejected(now)))
            .or_else(|| others().next())?;
        self.next = index + 1;
        Some(self.candidates[index].instance.clone())
    }

    /// The instance responded, so its failures are cleared.
    pub fn answered(&mut self, instance: &Instance) {
        if let Some(candidate) = self.candidate(instance) {
            (candidate.unanswered, candidate.ejections, candidate.ejected_until) = (0, 0, None);
        }
    }

    /// The instance did not respond. Ejects it after several times in a row; returns whether it is newly ejected.
    pub fn unanswered(&mut self, instance: &Instance, now: Instant, first: Duration) -> bool {
        let Some(candidate) = self.candidate(instance) else { return false };
        candidate.unanswered = candidate.unanswered.saturating_add(1);
        candidate.unanswered >= SILENCES && self.eject(instance, now, first)
    }

    /// Ejects an instance, each time for longer. Returns whether it is newly ejected.
    pub fn eject(&mut self, instance: &Instance, now: Instant, first: Duration) -> bool {
        let Some(candidate) = self.candidate(instance) else { return false };
        // Several requests that were in progress at the same time count as one failure.
        if candidate.is_ejected(now) {
            return false;
        }
        candidate.ejections = (candidate.ejections + 1).min(LONGEST);
        candidate.ejected_until = Some(now + first * candidate.ejections);
        true
    }

    /// Whether the instances are currently in the registry.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// All instances, each with whether it is ejected.
    pub fn instances(&self, now: Instant) -> impl Iterator<Item = (&Instance, bool)> {
        self.candidates.iter().map(move |candidate| (&*candidate.instance, candidate.is_ejected(now)))
    }

    fn candidate(&mut self, instance: &Instance) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| *candidate.instance == *instance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_millis(100);

    fn instance(n: usize) -> Instance {
        let address = format!("http://127.0.0.1:{n}");
        Instance { service: "orders".into(), instance: format!("orders-{n}"), address }
    }

    fn balance(instances: usize) -> Balance {
        let mut balance = Balance::default();
        balance.heard((0..instances).map(|n| (instance(n), false)));
        balance
    }

    #[test]
    fn one_that_did_not_answer_is_left_out_each_time_for_longer() {
        let (mut balance, mut now) = (balance(2), Instant::now());
        for times in [1, 2, 3, 4, 5, 5] {
            assert!(balance.eject(&instance(0), now, FIRST));
            assert!(!balance.eject(&instance(0), now, FIRST), "a second request at the same moment");
            for _ in 0..5 {
                assert_eq!(*balance.pick(&[], now).unwrap(), instance(1));
            }
            now += FIRST * times;
            let two = [balance.pick(&[], now).unwrap(), balance.pick(&[], now).unwrap()];
            assert!(two.iter().any(|picked| **picked == instance(0)), "it is used again after {times}");
        }
        balance.answered(&instance(0));
        balance.eject(&instance(0), now, FIRST);
        assert!(
            balance.instances(now + FIRST).all(|(_, ejected)| !ejected),
            "a response clears the failures"
        );
    }

    #[test]
    fn one_request_without_a_response_ejects_no_instance() {
        let (mut balance, now) = (balance(2), Instant::now());
        for _ in 0..10 {
            for _ in 1..SILENCES {
                assert!(!balance.unanswered(&instance(0), now, FIRST));
            }
            balance.answered(&instance(0));
        }
        let out = (0..SILENCES).map(|_| balance.unanswered(&instance(0), now, FIRST));
        assert_eq!(out.filter(|out| *out).count(), 1);
        assert!(balance.instances(now).any(|(_, ejected)| ejected));
    }

    #[test]
    fn the_silent_are_asked_last_and_still_asked() {
        let (mut balance, now) = (balance(0), Instant::now());
        balance.heard([(instance(0), true), (instance(1), false)].into_iter());
        for _ in 0..5 {
            assert_eq!(*balance.pick(&[], now).unwrap(), instance(1));
        }
        balance.eject(&instance(1), now, FIRST);
        assert_eq!(
            *balance.pick(&[], now).unwrap(),
            instance(0),
            "silent instances come before ejected ones"
        );
        balance.heard([(instance(0), true), (instance(1), true)].into_iter());
        assert_eq!(*balance.pick(&[Arc::new(instance(1))], now).unwrap(), instance(0));
        balance.heard([(instance(0), false), (instance(1), true)].into_iter());
        assert_eq!(*balance.pick(&[], now).unwrap(), instance(0), "one heartbeat restores it");
    }

    #[test]
    fn an_instance_that_was_tried_is_not_tried_again() {
        let (mut balance, now) = (balance(2), Instant::now());
        let first = balance.pick(&[], now).unwrap();
        let second = balance.pick(std::slice::from_ref(&first), now).unwrap();
        assert_ne!(first, second);
        assert_eq!(balance.pick(&[first, second], now), None);
    }

    #[test]
    fn the_last_instances_are_kept_when_none_is_left() {
        let (mut balance, now) = (balance(2), Instant::now());
        balance.eject(&instance(1), now, FIRST);
        balance.heard([(instance(1), false), (instance(2), false)].into_iter());
        assert!(balance.instances(now).any(|(known, ejected)| *known == instance(1) && ejected));
        balance.heard(std::iter::empty());
        assert!(!balance.is_listed() && balance.pick(&[], now).is_some());
        balance.heard([(instance(3), false)].into_iter());
        assert!(balance.is_listed() && *balance.pick(&[], now).unwrap() == instance(3));
        assert_eq!(Balance::default().pick(&[], now), None);
    }

    proptest! {
        #[test]
        fn all_instances_have_as_many_turns(instances in 1..6usize, rounds in 1..20usize, out in 0..6usize) {
            let (mut balance, now) = (balance(instances), Instant::now());
            balance.eject(&instance(out), now, FIRST);
            let here = if out < instances && instances > 1 { instances - 1 } else { instances };
            let mut turns = std::collections::HashMap::new();
            for _ in 0..rounds * here {
                *turns.entry(balance.pick(&[], now).unwrap().address.clone()).or_insert(0) += 1;
            }
            prop_assert_eq!(turns.len(), here);
            prop_assert!(turns.values().all(|n| *n == rounds), "{:?}", turns);
        }
    }
}

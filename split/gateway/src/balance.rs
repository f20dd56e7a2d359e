//! Which instance a request goes to: in turn, without those that did not answer (*outlier ejection*, from Envoy), and
//! those of which the registry hears nothing only where there is no other.
//!
//! Nobody is given up here: to be left out means to be asked last (rule 55).

use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::registry::Instance;

/// The longest ejection, in times of the first.
const LONGEST: u32 = 5;

/// So many requests in a row that got no answer leave an instance out. A single one may have met an old connection, or a
/// busy moment.
const SILENCES: u32 = 3;

/// The instances of one service.
#[derive(Debug, Default)]
pub struct Balance {
    candidates: Vec<Candidate>,
    /// Whether they are in the registry; if not, they are the last that were.
    listed: bool,
    next: usize,
}

/// An instance, and how it has done of late.
#[derive(Debug)]
struct Candidate {
    instance: Arc<Instance>,
    /// The registry hears nothing of it.
    silent: bool,
    /// Requests in a row that got no answer.
    unanswered: u32,
    /// Ejections in a row.
    ejections: u32,
    ejected_until: Option<Instant>,
}

impl Candidate {
    fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_until.is_some_and(|until| now < until)
    }
}

impl Balance {
    /// These are there now, each with whether it is silent; what is known of those that stay is kept. Where nobody is
    /// left, the last are kept: perhaps it was their heartbeats that failed, and a request that meets nobody has lost
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

    /// Whether there is one that was not tried.
    pub fn has_another(&self, tried: &[Arc<Instance>]) -> bool {
        self.candidates.iter().any(|candidate| !tried.contains(&candidate.instance))
    }

    /// Whose turn it is. Not one of those that were `tried`; and if it can be, not one that is silent or ejected. Where
    /// all are, each is as good as any.
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

    /// It answered, so its failures are forgotten.
    pub fn answered(&mut self, instance: &Instance) {
        if let Some(candidate) = self.candidate(instance) {
            (candidate.unanswered, candidate.ejections, candidate.ejected_until) = (0, 0, None);
        }
    }

    /// It gave no answer. Several times in a row, and it is left out.
    pub fn unanswered(&mut self, instance: &Instance, now: Instant, first: Duration) -> bool {
        let Some(candidate) = self.candidate(instance) else { return false };
        candidate.unanswered = candidate.unanswered.saturating_add(1);
        candidate.unanswered >= SILENCES && self.eject(instance, now, first)
    }

    /// Nobody is there: it is left out for a while, each time for longer. Says whether that is new.
    pub fn eject(&mut self, instance: &Instance, now: Instant, first: Duration) -> bool {
        let Some(candidate) = self.candidate(instance) else { return false };
        // Requests that were under way together failed together.
        if candidate.is_ejected(now) {
            return false;
        }
        candidate.ejections = (candidate.ejections + 1).min(LONGEST);
        candidate.ejected_until = Some(now + first * candidate.ejections);
        true
    }

    /// Whether the instances are in the registry.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// All of them, and whether each is ejected.
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
            assert!(!balance.eject(&instance(0), now, FIRST), "a second request of the same moment");
            for _ in 0..5 {
                assert_eq!(*balance.pick(&[], now).unwrap(), instance(1));
            }
            now += FIRST * times;
            let two = [balance.pick(&[], now).unwrap(), balance.pick(&[], now).unwrap()];
            assert!(two.iter().any(|picked| **picked == instance(0)), "it is back after {times}");
        }
        balance.answered(&instance(0));
        balance.eject(&instance(0), now, FIRST);
        assert!(balance.instances(now + FIRST).all(|(_, ejected)| !ejected), "an answer makes good");
    }

    #[test]
    fn one_request_without_an_answer_leaves_nobody_out() {
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
        assert_eq!(*balance.pick(&[], now).unwrap(), instance(0), "the silent come before those who refuse");
        balance.heard([(instance(0), true), (instance(1), true)].into_iter());
        assert_eq!(*balance.pick(&[Arc::new(instance(1))], now).unwrap(), instance(0));
        balance.heard([(instance(0), false), (instance(1), true)].into_iter());
        assert_eq!(*balance.pick(&[], now).unwrap(), instance(0), "a word, and all is well again");
    }

    #[test]
    fn who_is_tried_is_not_tried_again() {
        let (mut balance, now) = (balance(2), Instant::now());
        let first = balance.pick(&[], now).unwrap();
        let second = balance.pick(std::slice::from_ref(&first), now).unwrap();
        assert_ne!(first, second);
        assert_eq!(balance.pick(&[first, second], now), None);
    }

    #[test]
    fn the_last_are_kept_when_nobody_is_left() {
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
        fn everybody_has_as_many_turns(instances in 1..6usize, rounds in 1..20usize, out in 0..6usize) {
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

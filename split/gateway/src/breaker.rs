//! The *circuit breaker* (Michael Nygard, "Release It!"): a dependency that fails repeatedly gets no requests for a
//! while. It has time to recover, and clients get an error at once instead of waiting in vain: rule 38 (breaker).

use std::time::{Duration, Instant};

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All requests pass.
    Closed,
    /// No request passes until the open time is over.
    Open,
    /// One request passes as a probe.
    HalfOpen,
}

/// What a failed attempt says about the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The dependency reported the failure itself, or its port is closed.
    Told,
    /// No response in time. The dependency may hang, or everything on this machine may be slow: rule 55 (silence).
    Silence,
}

/// How long a dependency must leave all requests unanswered before time-outs alone open the breaker. One that is only
/// slow answers some request within this time.
const QUIET: Duration = Duration::from_secs(2);

/// A breaker. It has no clock; the caller passes the time.
#[derive(Debug)]
pub struct Breaker {
    state: State,
    /// Consecutive failures while closed.
    failures: u64,
    /// How many of these the dependency reported itself.
    told: u64,
    /// The time of the first failure in the series.
    row_began: Option<Instant>,
    /// When the next probe may pass, while open or half open.
    next_try: Instant,
    /// The number of state changes, so that a pass from before a change no longer counts.
    turn: u64,
}

/// Permission to send one request. Its outcome must be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    turn: u64,
}

impl Breaker {
    pub fn new(now: Instant) -> Breaker {
        Breaker { state: State::Closed, failures: 0, told: 0, row_began: None, next_try: now, turn: 0 }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// Asks to send a request; `None` means no. Once the breaker has been open for long enough, the first caller sends
    /// the probe. If the probe does not return within the open time, the next caller may send another one.
    pub fn ask(&mut self, now: Instant, open: Duration) -> Option<Pass> {
        if self.state != State::Closed {
            if now < self.next_try {
                return None;
            }
            self.turn_to(State::HalfOpen);
            self.next_try = now + open;
        }
        Some(Pass { turn: self.turn })
    }

    /// The dependency responded. A refusal counts as a response; only a reported failure of the dependency does not.
    pub fn succeeded(&mut self, pass: Pass) {
        if pass.turn != self.turn {
            return;
        }
        self.begin_anew();
        if self.state == State::HalfOpen {
            self.turn_to(State::Closed);
        }
    }

    /// The dependency did not respond, or reported a failure. `threshold` consecutive reported failures open a closed
    /// breaker; time-outs do so only if no request was answered for a while. A single failure opens a half-open breaker
    /// again.
    pub fn failed(&mut self, pass: Pass, evidence: Evidence, now: Instant, threshold: u64, open: Duration) {
        if pass.turn != self.turn {
            return;
        }
        self.failures += 1;
        self.told += u64::from(evidence == Evidence::Told);
        let row_began = *self.row_began.get_or_insert(now);
        let is_quiet = self.failures >= threshold && now >= row_began + QUIET;
        if self.state == State::HalfOpen || self.told >= threshold || is_quiet {
            self.turn_to(State::Open);
            self.next_try = now + open;
        }
    }

    fn turn_to(&mut self, state: State) {
        self.state = state;
        self.begin_anew();
        self.turn += 1;
    }

    /// Clears the series of failures, after a response or a state change.
    fn begin_anew(&mut self) {
        (self.failures, self.told, self.row_began) = (0, 0, None);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLD: u64 = 3;
    const OPEN: Duration = Duration::from_millis(100);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(now);
        for _ in 0..THRESHOLD {
            let pass = breaker.ask(now, OPEN).unwrap();
            breaker.failed(pass, Evidence::Told, now, THRESHOLD, OPEN);
        }
        assert_eq!(breaker.state(), State::Open);
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..10 {
            for _ in 1..THRESHOLD {
                let pass = breaker.ask(now, OPEN).unwrap();
                breaker.failed(pass, Evidence::Told, now, THRESHOLD, OPEN);
            }
            let pass = breaker.ask(now, OPEN).unwrap();
            breaker.succeeded(pass);
        }
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_slow_service_is_not_gone() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(now);
        let silence = |breaker: &mut Breaker, now| {
            let pass = breaker.ask(now, OPEN).unwrap();
            breaker.failed(pass, Evidence::Silence, now, THRESHOLD, OPEN);
        };
        // A hundred time-outs at once, then a response. This can go on forever without opening the breaker.
        for _ in 0..100 {
            (0..100).for_each(|_| silence(&mut breaker, now));
            now += QUIET / 2;
            silence(&mut breaker, now);
            let pass = breaker.ask(now, OPEN).unwrap();
            breaker.succeeded(pass);
            now += QUIET;
        }
        assert_eq!(breaker.state(), State::Closed);
        // From now on no request is answered.
        (0..THRESHOLD).for_each(|_| silence(&mut breaker, now));
        assert_eq!(breaker.state(), State::Closed, "not yet");
        silence(&mut breaker, now + QUIET);
        assert_eq!(breaker.state(), State::Open);
    }

    #[test]
    fn one_tries_for_all_and_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + OPEN / 2, OPEN), None);
        let probe = breaker.ask(now + OPEN, OPEN).unwrap();
        assert_eq!((breaker.state(), breaker.ask(now + OPEN, OPEN)), (State::HalfOpen, None));
        breaker.succeeded(probe);
        assert_eq!(breaker.state(), State::Closed);
        assert!(breaker.ask(now + OPEN, OPEN).is_some());
    }

    #[test]
    fn a_try_that_fails_opens_it_again() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let probe = breaker.ask(now + OPEN, OPEN).unwrap();
        breaker.failed(probe, Evidence::Told, now + OPEN * 3 / 2, THRESHOLD, OPEN);
        assert_eq!((breaker.state(), breaker.ask(now + OPEN * 2, OPEN)), (State::Open, None));
        assert!(breaker.ask(now + OPEN * 5 / 2, OPEN).is_some());
    }

    #[test]
    fn a_try_that_does_not_come_back_is_not_waited_for() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let lost = breaker.ask(now + OPEN, OPEN).unwrap();
        let second = breaker.ask(now + OPEN * 2, OPEN).unwrap();
        breaker.failed(lost, Evidence::Told, now + OPEN * 2, THRESHOLD, OPEN);
        assert_eq!(breaker.state(), State::HalfOpen, "the lost probe no longer counts");
        breaker.succeeded(second);
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_request_from_before_a_change_does_not_count_after_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        let early = breaker.ask(now, OPEN).unwrap();
        for _ in 0..THRESHOLD {
            let pass = breaker.ask(now, OPEN).unwrap();
            breaker.failed(pass, Evidence::Told, now, THRESHOLD, OPEN);
        }
        breaker.succeeded(early);
        assert_eq!(breaker.state(), State::Open);
        let probe = breaker.ask(now + OPEN, OPEN).unwrap();
        breaker.failed(early, Evidence::Told, now + OPEN, THRESHOLD, OPEN);
        breaker.succeeded(probe);
        assert_eq!(breaker.state(), State::Closed);
    }

    proptest! {
        /// However requests overlap: while the breaker is not closed, at most one request passes per open time, and it
        /// opens only after enough failures.
        #[test]
        fn an_open_breaker_lets_one_through_at_a_time(
            steps in prop::collection::vec((0..3u8, 0..40u64, 0..8usize), 1..200)
        ) {
            let mut now = Instant::now();
            let mut breaker = Breaker::new(now);
            let (mut under_way, mut last_try, mut failures) = (Vec::new(), None::<Instant>, 0);
            for (what, milliseconds, which) in steps {
                now += Duration::from_millis(milliseconds);
                let before = breaker.state();
                if what == 0 {
                    if let Some(pass) = breaker.ask(now, OPEN) {
                        under_way.push(pass);
                        if before != State::Closed {
                            prop_assert!(last_try.is_none_or(|last| now - last >= OPEN));
                            last_try = Some(now);
                        }
                    }
                } else if !under_way.is_empty() {
                    let pass = under_way.swap_remove(which % under_way.len());
                    if what == 1 {
                        breaker.succeeded(pass);
                    } else {
                        failures += 1;
                        breaker.failed(pass, Evidence::Told, now, THRESHOLD, OPEN);
                    }
                }
                match (before, breaker.state()) {
                    (State::Closed, State::Open) => {
                        prop_assert!(failures >= THRESHOLD);
                        last_try = None;
                    }
                    (State::HalfOpen, State::Closed) => failures = 0,
                    (State::Closed, State::HalfOpen) | (State::Open, State::Closed) => {
                        prop_assert!(false, "no such state change")
                    }
                    _ => {}
                }
            }
        }
    }
}

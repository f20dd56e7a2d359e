//! What a disturbance did to each capability of the shop: from single requests to availability over time, and from there
//! to how long it took to be noticed and to be over.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use terminal::text::Text;
use topology::Capability;

/// How one request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Served.
    Served,
    /// Served from older data, and marked as such.
    Degraded,
    /// Not served: an error, or no answer in time.
    Failed,
    /// Not sent, because of a limit of this machine. Says nothing about the shop.
    Hindered,
}

/// One request of the load. Moments are counted from the start of the load.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// What was wanted.
    pub capability: Capability,
    /// When it was to be sent.
    pub intended: Duration,
    /// When its outcome was known.
    pub ended: Duration,
    /// Its outcome.
    pub outcome: RequestOutcome,
}

/// One second of one capability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Requests that were to be sent in it.
    pub sent: u64,
    /// Those of them that were served, degraded ones included.
    pub served: u64,
    /// Those of them that were served from older data.
    pub degraded: u64,
}

/// A stretch of time in which something was disturbed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultWindow {
    /// What was done, in words: `kill payments`.
    pub name: Text,
    /// When it began, in seconds from the start of the load.
    pub from_s: f64,
    /// When it was over.
    pub to_s: f64,
}

/// The availability of one capability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// Requests sent.
    pub sent: u64,
    /// Requests that were not served.
    pub failed: u64,
    /// Requests that were served from older data.
    pub degraded: u64,
    /// The share of the requests that was served; null if there were none.
    pub share: Option<f64>,
    /// Second by second.
    pub timeline: Vec<Second>,
}

/// What one fault did to one capability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The fault, as in the list of windows.
    pub fault: Text,
    /// The share of the requests that was served, from the beginning of the fault until it was over and everything had
    /// recovered; null if there were none.
    pub served: Option<f64>,
    /// Requests that failed in that time.
    pub failed: u64,
    /// Seconds from the beginning of the fault to the first request that failed; null if none did.
    pub until_first_failure_s: Option<f64>,
    /// Seconds from the beginning of the fault to the end of the last request that failed; null if none did.
    pub until_recovered_s: Option<f64>,
}

/// Availability, capability by capability, over a load of this length.
pub fn availability(requests: &[Request], length: Duration) -> BTreeMap<Capability, Availability> {
    let of = |capability: Capability| {
        let mut timeline = vec![Second::default(); length.as_secs_f64().ceil() as usize];
        for request in requests.iter().filter(|request| request.capability == capability) {
            // What was to be sent at the very end counts in the last second.
            let place = (request.intended.as_secs() as usize).min(timeline.len().saturating_sub(1));
            let Some(second) = timeline.get_mut(place) else { continue };
            second.sent += 1;
            second.served += u64::from(request.outcome != RequestOutcome::Failed);
            second.degraded += u64::from(request.outcome == RequestOutcome::Degraded);
        }
        let sum = |field: fn(&Second) -> u64| timeline.iter().map(field).sum::<u64>();
        let (sent, served) = (sum(|second| second.sent), sum(|second| second.served));
        Availability {
            sent,
            failed: sent - served,
            degraded: sum(|second| second.degraded),
            share: (sent > 0).then(|| served as f64 / sent as f64),
            timeline,
        }
    };
    Capability::ALL.into_iter().map(|capability| (capability, of(capability))).collect()
}

/// What a fault did to a capability. `until` is where the next disturbance begins, or the end of the load: what fails
/// after that is not this fault's.
pub fn impact(requests: &[Request], capability: Capability, window: &FaultWindow, until_s: f64) -> Impact {
    let concerned = |request: &&Request| {
        let intended = request.intended.as_secs_f64();
        request.capability == capability && (window.from_s..until_s).contains(&intended)
    };
    let concerned: Vec<&Request> = requests.iter().filter(concerned).collect();
    // A request that was waiting when the next disturbance began, and failed then, counts for that one.
    let failed = |request: &&&Request| {
        request.outcome == RequestOutcome::Failed && request.ended.as_secs_f64() <= until_s
    };
    let failed: Vec<&&Request> = concerned.iter().filter(failed).collect();
    let since = |moment: Duration| moment.as_secs_f64() - window.from_s;
    let first = failed.iter().map(|request| since(request.ended)).min_by(f64::total_cmp);
    let last = failed.iter().map(|request| since(request.ended)).max_by(f64::total_cmp);
    let end = last.map_or(window.to_s, |last| window.to_s.max(window.from_s + last));
    let meant: Vec<_> = concerned.iter().filter(|request| request.intended.as_secs_f64() <= end).collect();
    let served = meant.iter().filter(|request| request.outcome != RequestOutcome::Failed).count();
    Impact {
        fault: window.name.clone(),
        served: (!meant.is_empty()).then(|| served as f64 / meant.len() as f64),
        failed: failed.len() as u64,
        until_first_failure_s: first,
        until_recovered_s: last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(capability: Capability, at_ms: u64, took_ms: u64, outcome: RequestOutcome) -> Request {
        let intended = Duration::from_millis(at_ms);
        Request { capability, intended, ended: intended + Duration::from_millis(took_ms), outcome }
    }

    /// Ten requests a second for ten seconds; those due from 3 s to 5 s fail, each after 100 ms.
    fn outage() -> Vec<Request> {
        (0..100)
            .map(|n| {
                let failed = (30..50).contains(&n);
                let outcome = if failed { RequestOutcome::Failed } else { RequestOutcome::Served };
                request(Capability::Order, n * 100, 100, outcome)
            })
            .collect()
    }

    #[test]
    fn availability_is_counted_by_the_intended_moment() {
        let mut requests = outage();
        requests.push(request(Capability::Browse, 500, 10, RequestOutcome::Degraded));
        let all = availability(&requests, Duration::from_secs(10));
        let order = &all[&Capability::Order];
        assert_eq!((order.sent, order.failed), (100, 20));
        assert_eq!(order.timeline[3], Second { sent: 10, served: 0, degraded: 0 });
        assert_eq!(order.timeline[5].served, 10);
        assert_eq!(all[&Capability::Browse].degraded, 1);
        assert_eq!(all[&Capability::Browse].share, Some(1.0), "a degraded answer is an answer");
        assert_eq!((all[&Capability::Pay].sent, all[&Capability::Pay].share), (0, None));
    }

    #[test]
    fn the_impact_of_a_fault_ends_with_its_last_failure() {
        let window = FaultWindow { name: "kill orders".into(), from_s: 2.9, to_s: 4.0 };
        let hurt = impact(&outage(), Capability::Order, &window, 10.0);
        assert_eq!(hurt.failed, 20);
        assert!((hurt.until_first_failure_s.unwrap() - 0.2).abs() < 1e-9);
        assert!((hurt.until_recovered_s.unwrap() - 2.1).abs() < 1e-9);
        // 21 requests are due from 2.9 s to 5.0 s, and the one at 5.0 s: two of them are served.
        assert!((hurt.served.unwrap() - 2.0 / 22.0).abs() < 1e-9, "{hurt:?}");

        let unhurt = impact(&outage(), Capability::Browse, &window, 10.0);
        assert_eq!((unhurt.failed, unhurt.served, unhurt.until_recovered_s), (0, None, None));
    }

    #[test]
    fn what_comes_after_the_next_disturbance_is_not_this_ones() {
        let window = FaultWindow { name: "x".into(), from_s: 0.0, to_s: 1.0 };
        assert_eq!(impact(&outage(), Capability::Order, &window, 3.0).failed, 0);
    }
}

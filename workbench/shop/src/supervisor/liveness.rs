//! Restarts processes that run but no longer respond.
//!
//! Silence alone does not distinguish a process that hangs from one that gets no processor. Ending the second kind
//! makes things worse, because a start takes more processor time than continuing. So the kernel is asked how long the
//! process waited for a processor, and whether it is stopped: rule 55 (silence).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::Supervisor;
use super::effort::{self, Effort};
use servers::busy::{Busy, Gauge};
use terminal::language::{self, Language};

/// The interval between probes.
const EVERY: Duration = Duration::from_secs(1);
/// The time limit of a probe.
const LIMIT: Duration = Duration::from_secs(2);
/// A process is ended after this many failed probes in a row, unless a reason for its silence is known. With the two
/// values above this takes 15 s, much longer than any temporary pause.
const MISSES: u32 = 5;
/// A process that uses the processor without responding is ended after this many failed probes: it is in an endless
/// loop.
const CIRCLES: u32 = 20;
/// A process counts as starved if it waited for a processor for this share of the time.
const STARVED: f64 = 0.2;
/// A process counts as working if it used a processor for this share of the time.
const AT_WORK: f64 = 0.1;

/// A process that does not respond.
#[derive(Debug)]
struct Silence {
    misses: u32,
    since: Instant,
    /// Its usage at the start of the silence; `None` if the system does not report it.
    before: Option<Effort>,
    /// Whether the journal already has an entry about it.
    told: bool,
}

/// What to do about a silent process.
#[derive(Debug, PartialEq)]
enum Finding {
    /// Wait; it may still respond.
    Wait,
    /// It is alive but slow, for this reason.
    Slow(String),
    /// End it, for this reason.
    End(String),
}

/// Probes the liveness of every process at intervals.
pub(super) fn watch(supervisor: Supervisor) -> JoinHandle<()> {
    tokio::spawn(async move {
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build();
        let client = client.expect("the settings are valid");
        let mut silent: BTreeMap<String, Silence> = BTreeMap::new();
        let mut gauge = Gauge::default();
        loop {
            let asleep = Instant::now();
            tokio::time::sleep(EVERY).await;
            let busy = gauge.look(Some(asleep.elapsed().saturating_sub(EVERY)));
            let places: Vec<(String, u32, String)> = {
                let shop = supervisor.shop().await;
                let processes = shop.processes().into_iter();
                let place = |(name, pid): (&str, u32)| {
                    Some((name.to_owned(), pid, shop.address_of(name).ok()?.to_owned()))
                };
                processes.filter_map(place).collect()
            };
            silent.retain(|name, _| places.iter().any(|(known, ..)| known == name));
            let answers = join_all(places.iter().map(|(.., address)| is_live(&client, address))).await;
            for ((name, pid, _), live) in places.into_iter().zip(answers) {
                if live {
                    silent.remove(&name);
                    continue;
                }
                let now = effort::of(pid);
                let silence = silent.entry(name.clone()).or_insert_with(|| Silence::begin(now));
                match silence.goes_on(now, busy.as_ref(), Instant::now()) {
                    Finding::Wait => {}
                    Finding::Slow(why) if !silence.told => {
                        silence.told = true;
                        supervisor
                            .journal()
                            .warn(&name, format!("does not respond but is alive and slow: {why}"));
                    }
                    Finding::Slow(_) => {}
                    Finding::End(why) => {
                        let misses = silence.misses;
                        silent.remove(&name);
                        end(&supervisor, &name, misses, &why).await;
                    }
                }
            }
        }
    })
}

impl Silence {
    fn begin(before: Option<Effort>) -> Silence {
        Silence { misses: 0, since: Instant::now(), before, told: false }
    }

    /// Counts one more failed probe, and decides what to do.
    fn goes_on(&mut self, now: Option<Effort>, busy: Option<&Busy>, at: Instant) -> Finding {
        self.misses += 1;
        if self.misses < MISSES {
            return Finding::Wait;
        }
        if now.is_some_and(|now| now.stopped) {
            return Finding::End("it is stopped (SIGSTOP)".into());
        }
        let passed = (at - self.since).as_secs_f64().max(f64::MIN_POSITIVE);
        let Some((before, now)) = self.before.zip(now) else {
            // Without figures about the process, decide by the load of the machine.
            return match busy {
                Some(busy) => Finding::Slow(logged(busy)),
                None => Finding::End("no reason for its silence is known".into()),
            };
        };
        let share = |of: fn(&Effort) -> Duration| of(&now).saturating_sub(of(&before)).as_secs_f64() / passed;
        let (waited, ran) = (share(|effort| effort.waited), share(|effort| effort.ran));
        if waited >= STARVED {
            let busy = busy.map(|busy| format!("; {}", logged(busy))).unwrap_or_default();
            return Finding::Slow(format!(
                "it waited for a processor {:.0} % of the time{busy}",
                waited * 100.0
            ));
        }
        if now.ready && ran < AT_WORK {
            return Finding::Slow("it is ready to run and gets no processor".into());
        }
        if ran >= AT_WORK && self.misses < CIRCLES {
            return Finding::Slow(format!("it used a processor {:.0} % of the time", ran * 100.0));
        }
        Finding::End(format!(
            "it used a processor {:.0} % of the time, and waited for one {:.0} %",
            ran * 100.0,
            waited * 100.0
        ))
    }
}

/// The text about a busy machine for the journal, which is always in English.
fn logged(busy: &Busy) -> String {
    language::with(Language::English, || busy.to_string())
}

async fn is_live(client: &reqwest::Client, address: &str) -> bool {
    let answer = client.get(format!("{address}/health/live")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Ends a process that is still running. One that has ended is already being restarted.
async fn end(supervisor: &Supervisor, name: &str, misses: u32, why: &str) {
    let mut shop = supervisor.shop().await;
    if matches!(shop.ended(name), Ok(None)) {
        supervisor.journal().warn(name, format!("did not respond {misses} times and is ended: {why}"));
        if let Err(error) = shop.kill(name) {
            supervisor.journal().warn(name, format!("cannot be ended: {error:#}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effort(ran_ms: u64, waited_ms: u64) -> Option<Effort> {
        let ms = Duration::from_millis;
        Some(Effort { stopped: false, ready: false, ran: ms(ran_ms), waited: ms(waited_ms) })
    }

    /// The findings of this many probes, three seconds apart, if the process runs and waits for this many
    /// milliseconds per second.
    fn silence(questions: u64, ran_ms: u64, waited_ms: u64) -> Vec<Finding> {
        let mut silence = Silence::begin(effort(0, 0));
        let since = silence.since;
        let ask = |n: u64| {
            let now = effort(n * 3 * ran_ms, n * 3 * waited_ms);
            silence.goes_on(now, None, since + Duration::from_secs(n * 3))
        };
        (1..=questions).map(ask).collect()
    }

    #[test]
    fn a_process_that_hangs_is_ended_and_one_that_starves_is_not() {
        let hangs = silence(5, 1, 0);
        assert!(hangs[..4].iter().all(|finding| *finding == Finding::Wait), "{hangs:?}");
        assert!(matches!(hangs[4], Finding::End(_)), "{hangs:?}");
        let starves = silence(100, 30, 400);
        assert!(starves[4..].iter().all(|finding| matches!(finding, Finding::Slow(_))), "{starves:?}");
    }

    /// The kernel has not counted its waiting time yet.
    #[test]
    fn one_that_gets_no_processor_at_all_is_not_ended() {
        let mut silence = Silence { misses: MISSES - 1, ..Silence::begin(effort(0, 0)) };
        let starves = effort(1, 0).map(|effort| Effort { ready: true, ..effort });
        let found = silence.goes_on(starves, None, silence.since + Duration::from_secs(15));
        assert!(matches!(&found, Finding::Slow(why) if why.contains("gets no processor")), "{found:?}");
    }

    #[test]
    fn one_that_goes_round_in_circles_has_a_minute() {
        let circles = silence(20, 950, 10);
        assert!(circles[4..19].iter().all(|finding| matches!(finding, Finding::Slow(_))), "{circles:?}");
        assert!(matches!(circles[19], Finding::End(_)), "{circles:?}");
    }

    #[test]
    fn one_that_is_stopped_is_told_apart() {
        let mut silence = Silence { misses: MISSES - 1, ..Silence::begin(effort(0, 0)) };
        let stopped = effort(0, 9_000).map(|effort| Effort { stopped: true, ..effort });
        let found = silence.goes_on(stopped, None, silence.since + Duration::from_secs(15));
        assert!(matches!(&found, Finding::End(why) if why.contains("SIGSTOP")), "{found:?}");
    }

    #[test]
    fn where_the_system_tells_nothing_of_it_the_machine_is_all_there_is() {
        let at_last = || Silence { misses: MISSES - 1, ..Silence::begin(None) };
        let busy = Busy { cores: 2, load: Some(9.0), ..Busy::default() };
        assert!(matches!(at_last().goes_on(None, Some(&busy), Instant::now()), Finding::Slow(_)));
        assert!(matches!(at_last().goes_on(None, None, Instant::now()), Finding::End(_)));
    }
}

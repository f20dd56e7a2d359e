//! Two recordings of one shop each, side by side as if both had run at the same time. Each had the machine to itself.
//!
//! They are aligned by the load clock: both start at the second in which the load began.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;

use super::cost::{self, Costs};
use super::recording::Recorded;
use super::sample::{Header, Load, Sample};
use crate::words;
use topology::Driver;

/// Puts the second recording next to the first, for the length of the shorter one.
pub fn side_by_side(left: &Recorded, right: &Recorded) -> Result<Recorded> {
    let (first, second) = (Track::new(left)?, Track::new(right)?);
    let mut costs = [Costs::new(first.driver), Costs::new(second.driver)];
    let header = Header { in_turn: true, ..left.header.clone() };
    let mut text = serde_json::to_string(&header)? + "\n";
    let mut undisturbed = 0;
    let (mut samples, mut unlike) = (0, 0);
    for (offset, line) in &first.lines {
        let Some(other) = second.lines.get(offset) else { continue };
        let mut sample: Sample = serde_json::from_str(line)?;
        let mut beside: Sample = serde_json::from_str(other)?;
        beside.shift(first.origin.at - second.origin.at);
        unlike += usize::from(!same(&sample.load, &beside.load));
        sample.shops.append(&mut beside.shops);
        sample.faults.append(&mut beside.faults);
        sample.events.append(&mut beside.events);
        // An average covers the seconds before it, which must all be without a fault.
        undisturbed = if sample.faults.is_empty() { undisturbed + 1 } else { 0 };
        if undisturbed > cost::SAMPLES {
            let number = *offset;
            costs.iter_mut().zip(&sample.shops).for_each(|(costs, shop)| costs.recorded(number, shop));
            undisturbed = 1;
        }
        (sample.comparison, sample.windows) = cost::compare(&costs.each_ref());
        text += &(serde_json::to_string(&sample)? + "\n");
        samples += 1;
    }
    if samples == 0 {
        bail!(words::nothing_in_common());
    }
    if unlike > 0 {
        terminal::note!("{}", words::loads_differ(unlike, samples));
    }
    let stories = [left, right].into_iter().flat_map(|one| one.stories.clone()).collect();
    Ok(Recorded { header, text, samples, stories })
}

/// A recording of one shop, by seconds since its load began.
struct Track<'a> {
    driver: Driver,
    origin: Sample,
    lines: BTreeMap<u64, &'a str>,
}

impl Track<'_> {
    fn new(recorded: &Recorded) -> Result<Track<'_>> {
        let mut origin: Option<Sample> = None;
        let mut lines = BTreeMap::new();
        for line in recorded.text.lines().skip(1) {
            let sample: Sample = serde_json::from_str(line)?;
            if origin.is_none() && sample.load.rate_per_s > 0.0 {
                origin = Some(sample.clone());
            }
            let Some(origin) = &origin else { continue };
            // The track ends if the shop's driver changes or the dashboard was restarted.
            if drivers(&sample) != drivers(origin) || sample.second < origin.second {
                break;
            }
            lines.insert(sample.second - origin.second, line);
        }
        let begun = recorded.header.started_at;
        let origin = origin.with_context(|| words::no_load_in(begun))?;
        let [driver] = drivers(&origin)[..] else {
            bail!(words::several_shops(begun, origin.shops.len()));
        };
        Ok(Track { driver, origin, lines })
    }
}

fn drivers(sample: &Sample) -> Vec<Driver> {
    sample.shops.iter().map(|shop| shop.driver).collect()
}

fn same(one: &Load, other: &Load) -> bool {
    let sale = |load: &Load| load.flash_sale.as_ref().map(|sale| (sale.products, sale.quota));
    one.rate_per_s == other.rate_per_s && one.mix == other.mix && sale(one) == sale(other)
}

impl Sample {
    /// Shifts all timestamps.
    fn shift(&mut self, by: TimeDelta) {
        self.at += by;
        for fault in &mut self.faults {
            fault.from += by;
            fault.until += by;
        }
        self.events.iter_mut().for_each(|event| event.at += by);
        for breaker in self.shops.iter_mut().flat_map(|shop| &mut shop.breakers) {
            breaker.since = breaker.since.map(|since| since + by);
        }
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    fn in_english<T>(make: impl FnOnce() -> T) -> T {
        language::with(Language::English, make)
    }

    const EXAMPLE: &str = include_str!("../tests/data/live.jsonl");

    /// A recording of one of the example's shops. It starts `late` seconds later, after `idle` seconds without a load.
    fn of(shop: usize, late: i64, idle: u64, seconds: u64) -> Recorded {
        let mut lines = EXAMPLE.lines();
        let header: Header = serde_json::from_str(lines.next().unwrap()).unwrap();
        let example: Sample = serde_json::from_str(lines.next().unwrap()).unwrap();
        let mut text = serde_json::to_string(&header).unwrap() + "\n";
        for second in 0..seconds {
            let mut sample = example.clone();
            sample.second = second;
            sample.shops = vec![example.shops[shop].clone()];
            sample.faults.clear();
            sample.shift(TimeDelta::seconds(late + second as i64));
            if second < idle {
                sample.load.rate_per_s = 0.0;
            }
            text += &(serde_json::to_string(&sample).unwrap() + "\n");
        }
        Recorded { header, text, samples: seconds as usize, stories: Vec::new() }
    }

    fn samples(recorded: &Recorded) -> Vec<Sample> {
        recorded.text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_seconds_since_the_load_began_are_paired() {
        let together = side_by_side(&of(0, 0, 2, 40), &of(1, 3600, 5, 60)).unwrap();
        assert!(together.header.in_turn);
        let samples = samples(&together);
        assert_eq!(samples.len(), 38, "as long as both last");
        assert_eq!(samples.len(), together.samples);
        let first = &samples[0];
        assert_eq!(
            first.shops.iter().map(|shop| shop.driver).collect::<Vec<_>>(),
            [Driver::Local, Driver::Orchestrated]
        );
        let open = first.shops[1].breakers.iter().find_map(|breaker| breaker.since).unwrap();
        assert!(
            (first.at - open).num_seconds() < 10,
            "moments of the second are told on the clock of the first"
        );
        let last = samples.last().unwrap();
        assert_eq!(last.windows, 3, "38 seconds have three whole windows");
        assert!(
            last.comparison
                .iter()
                .any(|one| one.figure == "messages per order" || one.figure == "CPU per order")
        );
        let latencies =
            last.comparison.iter().filter(|one| one.figure.ends_with("p50") || one.figure.ends_with("p99"));
        assert_eq!(latencies.count(), 0, "of latencies nothing was recorded that could be put together");
    }

    #[test]
    fn what_cannot_be_paired_is_said() {
        let problem = |left: &Recorded, right: &Recorded| {
            in_english(|| format!("{:#}", side_by_side(left, right).unwrap_err()))
        };
        let both = Recorded { text: EXAMPLE.to_owned(), ..of(0, 0, 0, 2) };
        assert!(problem(&both, &of(1, 0, 0, 9)).contains("shows 2 shops"));
        assert!(problem(&of(0, 0, 9, 9), &of(1, 0, 0, 9)).contains("has no load in it"));
    }
}

//! The charts of the live audit: how many orders the databases disagreed about, and how many violations there were,
//! over time.

use super::record::{ScenarioOutcome, ScenarioRun};
use super::report::{CHART, Shade, shades};
use crate::words;

/// A figure of the live audit over time, one bar per look. Without a bar, the databases could not be read.
pub(super) struct LiveChart {
    pub name: String,
    /// The most at a time, in words.
    pub most: String,
    pub class: &'static str,
    pub bars: Vec<LiveBar>,
    pub shades: Vec<Shade>,
}

pub(super) struct LiveBar {
    pub x: f64,
    pub width: f64,
    pub top: f64,
    pub height: f64,
    pub title: String,
}

/// Both figures of a shop. All shops have the same scale, so that they can be compared by eye.
pub(super) fn charts(run: &ScenarioRun, shop: &ScenarioOutcome) -> Vec<LiveChart> {
    let disagreeing = |shop: &ScenarioOutcome| -> Vec<(f64, u64, String)> {
        shop.live
            .series
            .iter()
            .map(|point| (point.second, point.disagreeing, words::disagreeing(point.disagreeing)))
            .collect()
    };
    let anomalies = |shop: &ScenarioOutcome| -> Vec<(f64, u64, String)> {
        let each = |(invariant, number): (&String, &u64)| format!("{invariant} {number}×");
        let said = |all: Vec<String>| if all.is_empty() { words::none() } else { all.join(", ") };
        let of = shop.live.series.iter();
        of.map(|point| {
            let all = point.anomalies.iter().map(each).collect();
            (point.second, point.anomalies.values().sum(), said(all))
        })
        .collect()
    };
    vec![
        chart(words::chart_disagreeing(), "bar", run, shop, disagreeing),
        chart(words::chart_anomalies(), "missed", run, shop, anomalies),
    ]
}

fn chart(
    name: String,
    class: &'static str,
    run: &ScenarioRun,
    shop: &ScenarioOutcome,
    figure: impl Fn(&ScenarioOutcome) -> Vec<(f64, u64, String)>,
) -> LiveChart {
    let highest =
        |shop: &ScenarioOutcome| figure(shop).iter().map(|(_, value, _)| *value).max().unwrap_or_default();
    let top = run.shops.iter().map(highest).max().unwrap_or_default().max(1);
    let (width, height) = CHART;
    let scale = width / run.length_s;
    // Looks after the load, while the last orders were decided, are outside its time axis.
    let within = figure(shop).into_iter().filter(|(second, ..)| *second < run.length_s);
    let bars = within.filter(|(_, value, _)| *value > 0).map(|(second, value, said)| {
        let bar = value as f64 / top as f64 * height;
        LiveBar {
            x: second * scale,
            width: (scale - 0.6).max(0.2),
            top: height - bar,
            height: bar,
            title: words::second_of(format!("{second:.0}"), said),
        }
    });
    LiveChart {
        name,
        most: match highest(shop) {
            0 => words::none(),
            most => words::at_most(most, top),
        },
        class,
        bars: bars.collect(),
        shades: shades(shop, scale),
    }
}

/// How long the databases disagreed, as p50, p99 and the longest; `None` without evidence.
pub(super) fn cells(shop: &ScenarioOutcome) -> Option<[String; 3]> {
    let of = shop.live.disagreement;
    Some([time(of.p50_ms?), time(of.p99_ms?), time(of.longest_ms?)])
}

/// The same in words.
pub(super) fn said(shop: &ScenarioOutcome) -> String {
    let Some([p50, p99, longest]) = cells(shop) else { return words::no_evidence() };
    let open = match shop.live.disagreement.orders_now {
        0 => String::new(),
        open => words::still_open(open),
    };
    words::windows(p50, p99, longest, open)
}

/// A time for people.
pub(super) fn time(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        assert_eq!(
            [0.0, 9.94, 31.4, 999.0, 6_746.8].map(time),
            ["0.0 ms", "9.9 ms", "31 ms", "999 ms", "6.7 s"]
        );
    }
}

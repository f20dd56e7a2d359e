//! The tax of distribution in a report: one bar per mode, and a table.

use std::fmt::Write;

use super::figures::number;
use super::words;
use crate::run::{ModeRun, Run};
use story::svg::escaped;
use story::tax::Part;

/// The size of the picture, in its own units.
pub const WIDTH: f64 = 640.0;
/// The height of a bar with its name.
const ROW: f64 = 64.0;
/// The height of the bar alone.
const BAR: f64 = 28.0;
/// A narrower piece has no room for its letter.
const ROOM: f64 = 16.0;

/// One part in every mode.
#[derive(Debug, PartialEq)]
pub struct TaxRow {
    /// Its letter in the bars.
    pub letter: char,
    /// Its name.
    pub name: String,
    /// Milliseconds of an order, and their share of it in per cent.
    pub modes: Vec<Option<(String, String)>>,
}

/// The tax of a mode, over its trials.
struct Mean {
    orders: u64,
    of: u64,
    whole_ms: f64,
    parts_ms: Vec<(Part, f64)>,
}

/// Trials are weighted by the number of orders in their sample.
fn mean(mode: &ModeRun) -> Option<Mean> {
    let known: Vec<_> = mode.trials.iter().filter_map(|trial| trial.tax.as_ref()).collect();
    let orders: u64 = known.iter().map(|tax| tax.orders).sum();
    if orders == 0 {
        return None;
    }
    let weighted = |of: &dyn Fn(&story::tax::Tax) -> f64| {
        known.iter().map(|tax| of(tax) * tax.orders as f64).sum::<f64>() / orders as f64
    };
    let part = |part: Part| (part, weighted(&|tax| tax.parts_ms.get(&part).copied().unwrap_or_default()));
    Some(Mean {
        orders,
        of: known.iter().map(|tax| tax.of).sum(),
        whole_ms: weighted(&|tax| tax.whole_ms),
        parts_ms: Part::ALL.map(part).into(),
    })
}

/// The letter of the n-th part.
fn letter(n: usize) -> char {
    ('A'..='Z').nth(n).unwrap_or('?')
}

/// One row per part, and the whole as the last row; empty if no mode has the figures.
pub fn rows(run: &Run) -> Vec<TaxRow> {
    let means: Vec<Option<Mean>> = run.modes.iter().map(mean).collect();
    if means.iter().all(Option::is_none) {
        return Vec::new();
    }
    let cell =
        |ms: f64, whole: f64| (number(ms), format!("{:.1} %", 100.0 * ms / whole.max(f64::MIN_POSITIVE)));
    let row = |(n, part): (usize, Part)| {
        let of = |mean: &Mean| cell(mean.parts_ms[n].1, mean.whole_ms);
        TaxRow {
            letter: letter(n),
            name: part.title(),
            modes: means.iter().map(|mean| mean.as_ref().map(of)).collect(),
        }
    };
    let mut rows: Vec<TaxRow> = Part::ALL.into_iter().enumerate().map(row).collect();
    let whole = |mean: &Mean| cell(mean.whole_ms, mean.whole_ms);
    let modes = means.iter().map(|mean| mean.as_ref().map(whole)).collect();
    rows.push(TaxRow { letter: '=', name: words::whole(), modes });
    rows
}

/// A sentence that says which orders the figures cover.
pub fn sample(run: &Run) -> String {
    let of = |mode: &ModeRun| mean(mode).map(|mean| words::of_orders(mean.orders, mean.of, mode.heading()));
    let samples: Vec<String> = run.modes.iter().filter_map(of).collect();
    words::tax_sample(samples.join(&words::and()))
}

/// The content of an SVG element, and its height: one bar per mode, with a length in proportion to its whole.
pub fn bars(run: &Run) -> Option<(f64, String)> {
    let means: Vec<(&ModeRun, Mean)> =
        run.modes.iter().filter_map(|mode| Some((mode, mean(mode)?))).collect();
    if means.is_empty() {
        return None;
    }
    let mut svg = String::new();
    for (row, (mode, mean)) in means.iter().enumerate() {
        let top = ROW * row as f64;
        let _ = write!(
            svg,
            "<text class=\"area ink\" x=\"0\" y=\"{}\">{}: {} ms</text>",
            top + 18.0,
            escaped(&mode.heading()),
            number(mean.whole_ms)
        );
        let mut x = 0.0;
        for (n, (part, ms)) in mean.parts_ms.iter().enumerate() {
            let wide = WIDTH * ms / mean.whole_ms.max(f64::MIN_POSITIVE);
            let (y, name, shown) = (top + 26.0, part.title(), number(*ms));
            let _ = write!(
                svg,
                "<g><title>{name}: {shown} ms</title>\
                 <rect class=\"part part-{n}\" x=\"{x:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"{BAR}\"/>"
            );
            if wide >= ROOM {
                let (middle, base) = (x + wide / 2.0, y + 19.0);
                let letter = letter(n);
                let _ = write!(
                    svg,
                    "<text class=\"letter\" x=\"{middle:.1}\" y=\"{base}\" text-anchor=\"middle\">{letter}</text>"
                );
            }
            svg += "</g>";
            x += wide;
        }
    }
    Some((ROW * means.len() as f64, svg))
}

/// A description of the picture for readers who cannot see it.
pub fn described(run: &Run) -> String {
    let one = |mode: &ModeRun| {
        let mean = mean(mode)?;
        let parts: Vec<String> =
            mean.parts_ms.iter().map(|(part, ms)| format!("{} {} ms", part.title(), number(*ms))).collect();
        Some(words::tax_of_mode(mode.heading(), number(mean.whole_ms), parts.join(", ")))
    };
    run.modes.iter().filter_map(one).collect::<Vec<_>>().join(". ")
}

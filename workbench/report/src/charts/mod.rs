//! The report's charts, drawn by plotters as SVG.

use std::collections::BTreeMap;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::number;
use super::words;
use crate::run::{Latency, ModeRun, Run, Second, Trial};

mod style;

pub use style::{Drawing, SWATCH, WIDTH, swatch};
use style::{GRID, PX, STYLES, draw, marker, series, text};

/// The height of the charts with axes.
const HEIGHT: u32 = 290 * PX;

/// The number of markers on a curve.
const MARKS: usize = 6;

/// A clock: the moment that counts as the end of an order.
pub struct Clock {
    /// Its name.
    pub name: fn() -> String,
    /// Its latencies in a trial.
    pub latency: fn(&Trial) -> Option<Latency>,
    histogram: fn(&Trial) -> &[(f64, u64)],
    in_second: fn(&Second) -> u64,
}

/// Ends with the HTTP response.
pub const ANSWERED: Clock = Clock {
    name: words::clock_answered,
    latency: |trial| trial.answered_ms,
    histogram: |trial| &trial.histogram.answered,
    in_second: |second| second.answered,
};

/// Ends when the order is terminal.
pub const DECIDED: Clock = Clock {
    name: words::clock_decided,
    latency: |trial| trial.decided_ms,
    histogram: |trial| &trial.histogram.decided,
    in_second: |second| second.decided,
};

/// Latency by percentile, both axes logarithmic: the tail, which a plain distribution hides, gets as much room as the
/// middle. `None` if nothing was measured.
pub fn percentiles(run: &Run, clock: &Clock) -> Result<Option<Drawing>> {
    // Both clocks share the axes, so that their charts can be compared by eye.
    let both = [&ANSWERED, &DECIDED];
    let pooled = both.map(|clock| run.modes.iter().map(|mode| pool(mode, clock)).collect::<Vec<_>>());
    let all = || pooled.iter().flatten().flatten().map(|(upper, _)| *upper);
    let (lowest, highest) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    if highest == 0.0 {
        return Ok(None);
    }
    let most: u64 = pooled.iter().flatten().map(|buckets| total(buckets)).max().unwrap_or(1);
    // The curve ends at one order in `end`; beyond that it would show noise.
    let end = (most as f64).clamp(10.0, 100_000.0);
    let curves: Vec<_> = run.modes.iter().map(|mode| percentile_curve(&pool(mode, clock), end)).collect();
    draw(HEIGHT, |area| {
        let x = (1.0..end * 1.2).log_scale().with_key_points(marks(1.0, end, &[1.0]));
        let (bottom, top) = (lowest * 0.8, highest * 1.3);
        let y = (bottom..top).log_scale().with_key_points(ticks(bottom, top));
        let mut chart = ChartBuilder::on(area)
            .margin(6 * PX)
            .margin_right(28 * PX)
            .x_label_area_size(44 * PX)
            .y_label_area_size(54 * PX)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .axis_style(GRID.stroke_width(PX))
            .bold_line_style(GRID.stroke_width(PX))
            .light_line_style(TRANSPARENT)
            .set_all_tick_mark_size(4 * PX)
            .label_style(text(13.0))
            .x_desc(words::share_axis())
            .x_label_formatter(&|tail| share(*tail))
            .y_label_formatter(&|ms| milliseconds(*ms))
            .draw()?;
        for (n, curve) in curves.into_iter().enumerate() {
            // Markers are spread over the axis and offset per mode, so that they do not hide each other.
            let at = (0..MARKS).map(|mark| end.powf((mark as f64 + n as f64 / STYLES as f64) / MARKS as f64));
            let marked: Vec<_> =
                at.filter_map(|x| curve.iter().copied().find(|point| point.0 >= x)).collect();
            chart.draw_series(LineSeries::new(curve, series(n).stroke_width(2 * PX)))?;
            chart.draw_series(marked.into_iter().map(|point| EmptyElement::at(point) + marker(n)))?;
        }
        Ok(())
    })
    .map(Some)
}

/// Orders per second over the measured window, as the mean of the trials. `None` if nothing was measured.
pub fn over_time(run: &Run, clock: &Clock) -> Result<Option<Drawing>> {
    let lines = |clock: &Clock| run.modes.iter().map(|mode| per_second(mode, clock)).collect::<Vec<_>>();
    let both = [lines(&ANSWERED), lines(&DECIDED)];
    let all = || both.iter().flatten().flatten();
    let last = all().map(|(second, _)| *second).fold(0.0, f64::max);
    let highest = all().map(|(_, count)| *count).fold(0.0, f64::max);
    if highest == 0.0 {
        return Ok(None);
    }
    draw(HEIGHT, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6 * PX)
            .margin_right(28 * PX)
            .x_label_area_size(44 * PX)
            .y_label_area_size(54 * PX)
            .build_cartesian_2d(0.0..last.max(1.0), 0.0..highest * 1.15)?;
        chart
            .configure_mesh()
            .axis_style(GRID.stroke_width(PX))
            .bold_line_style(GRID.stroke_width(PX))
            .light_line_style(TRANSPARENT)
            .set_all_tick_mark_size(4 * PX)
            .disable_x_mesh()
            .label_style(text(13.0))
            .x_labels(6)
            .y_labels(5)
            .x_desc(words::seconds_axis())
            .x_label_formatter(&|second| format!("{second:.0}"))
            .y_label_formatter(&|count| number(*count))
            .draw()?;
        for (n, line) in lines(clock).into_iter().enumerate() {
            let step = line.len().div_ceil(MARKS).max(1);
            let marked: Vec<_> = line.iter().copied().skip(n * step / STYLES).step_by(step).collect();
            chart.draw_series(LineSeries::new(line, series(n).stroke_width(2 * PX)))?;
            chart.draw_series(marked.into_iter().map(|point| EmptyElement::at(point) + marker(n)))?;
        }
        Ok(())
    })
    .map(Some)
}

/// One resource of the cost chart.
pub struct Resource {
    /// Its name and unit.
    pub name: String,
    /// The cost of an order in each mode; `None` if it was not measured.
    pub modes: Vec<Option<f64>>,
}

/// One group of bars per resource, one bar per mode. Units differ, so each group has its own scale, and every bar shows
/// its figure.
pub fn costs(labels: &[String], resources: &[Resource]) -> Result<Drawing> {
    const UNIT: i32 = PX as i32;
    const HEADING: i32 = 24 * UNIT;
    const BAR: i32 = 20 * UNIT;
    const BAR_GAP: i32 = 4 * UNIT;
    const GAP: i32 = 14 * UNIT;
    const LEFT: i32 = 146 * UNIT;
    const TEXT_GAP: i32 = 7 * UNIT;
    const LONGEST: f64 = 190.0 * UNIT as f64;
    let group = HEADING + BAR * labels.len() as i32 + GAP;
    draw((group * resources.len() as i32) as u32, |area| {
        for (row, resource) in resources.iter().enumerate() {
            let top = group * row as i32;
            area.draw(&Text::new(resource.name.clone(), (0, top + UNIT), text(13.5)))?;
            let scale = resource.modes.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
            for (n, (label, value)) in labels.iter().zip(&resource.modes).enumerate() {
                let y = top + HEADING + BAR * n as i32;
                let middle = y + (BAR - BAR_GAP) / 2;
                let length = (value.unwrap_or(0.0) / scale * LONGEST).round() as i32;
                let bar = [(LEFT, y), (LEFT + length, y + BAR - BAR_GAP)];
                area.draw(&Rectangle::new(bar, series(n).filled()))?;
                let label_style = text(12.5).pos(Pos::new(HPos::Right, VPos::Center));
                area.draw(&Text::new(shortened(label), (LEFT - TEXT_GAP, middle), label_style))?;
                let figure = value.map_or_else(words::not_measured, number);
                let figure_style = text(12.5).pos(Pos::new(HPos::Left, VPos::Center));
                area.draw(&Text::new(figure, (LEFT + length + TEXT_GAP, middle), figure_style))?;
            }
        }
        Ok(())
    })
}

/// The latencies of all trials of a mode.
fn pool(mode: &ModeRun, clock: &Clock) -> Vec<(f64, u64)> {
    let mut buckets: Vec<(f64, u64)> = mode
        .trials
        .iter()
        .flat_map(|trial| (clock.histogram)(trial))
        .filter(|(upper, count)| upper.is_finite() && *upper > 0.0 && *count > 0)
        .copied()
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets
}

fn total(buckets: &[(f64, u64)]) -> u64 {
    buckets.iter().map(|(_, count)| count).sum()
}

/// The curve through `(1 / share slower, latency)`: 1 is the fastest order, 100 the 99th percentile.
fn percentile_curve(buckets: &[(f64, u64)], end: f64) -> Vec<(f64, f64)> {
    let total = total(buckets);
    let mut slower = total;
    let mut curve = Vec::with_capacity(buckets.len() + 1);
    for (upper, count) in buckets {
        curve.push(((total as f64 / slower as f64).min(end), *upper));
        slower -= count;
    }
    curve
}

/// The count in each second, as the mean of the trials.
fn per_second(mode: &ModeRun, clock: &Clock) -> Vec<(f64, f64)> {
    let mut seconds: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for second in mode.trials.iter().flat_map(|trial| &trial.timeline) {
        let (sum, trials) = seconds.entry(second.second).or_default();
        *sum += (clock.in_second)(second);
        *trials += 1;
    }
    seconds.into_iter().map(|(second, (sum, trials))| (second as f64, sum as f64 / trials as f64)).collect()
}

/// Ticks for a logarithmic axis: 1, 2, 5, 10 …, or powers of ten if those would be too dense.
fn ticks(bottom: f64, top: f64) -> Vec<f64> {
    let fine = marks(bottom, top, &[1.0, 2.0, 5.0]);
    if fine.len() <= 8 { fine } else { marks(bottom, top, &[1.0]) }
}

/// The steps of every decade within the range.
fn marks(bottom: f64, top: f64, steps: &[f64]) -> Vec<f64> {
    let decades = bottom.log10().floor() as i32..=top.log10().ceil() as i32;
    let all = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
    all.filter(|mark| (bottom..=top).contains(mark)).collect()
}

/// The label of a position on the percentile axis: 10 is 90 %, 100 is 99 %.
fn share(tail: f64) -> String {
    let nines = tail.log10().round().max(0.0) as usize;
    format!("{:.*} %", nines.saturating_sub(2), 100.0 - 100.0 / 10_f64.powi(nines as i32))
}

fn milliseconds(ms: f64) -> String {
    if ms < 1000.0 { format!("{} ms", trimmed(ms)) } else { format!("{} s", trimmed(ms / 1000.0)) }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A label shortened to the width of its column.
fn shortened(label: &str) -> String {
    const LONGEST: usize = 19;
    if label.chars().count() <= LONGEST {
        return label.to_owned();
    }
    label.chars().take(LONGEST - 1).chain(['…']).collect()
}

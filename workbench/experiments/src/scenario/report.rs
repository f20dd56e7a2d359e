//! What is printed and drawn of a scenario.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use askama::Template;
use comfy_table::{ContentArrangement, Table, presets};

use super::disagreement::{self, LiveChart};
use super::observe::{FaultWindow, Impact};
use super::record::{ScenarioOutcome, ScenarioRun};
use crate::words;
use audit::Verdict;
use report::{language_tag, verdict_words, write_all};
use topology::Capability;

/// The width of a table if the output is not a terminal.
const WIDTH: u16 = 120;
/// The size of a chart, in the units of its drawing.
pub(super) const CHART: (f64, f64) = (600.0, 60.0);

/// Writes `run.json` and `report.html`.
pub fn write(run: &ScenarioRun, folder: &Path) -> Result<()> {
    let mut json = serde_json::to_string_pretty(run).with_context(words::cannot_write_json)?;
    json.push('\n');
    write_all(folder, &json, &html(run)?)
}

/// The report as one page.
pub fn html(run: &ScenarioRun) -> Result<String> {
    Page {
        language: language_tag(),
        run,
        shops: run.shops.iter().map(|shop| ShopView::new(run, shop)).collect(),
    }
    .render()
    .with_context(words::cannot_draw)
}

/// The tables for a terminal: availability and orders, and then the blast radius of each disturbance.
pub fn table(run: &ScenarioRun) -> String {
    let mut text = format!("{}: {}\n{}\n", run.name, run.about, availability(run));
    for shop in &run.shops {
        text += &match shop.windows.is_empty() {
            true => format!("\n{}\n", words::nothing_disturbed(shop.driver)),
            false => format!("\n{}\n{}\n", words::radius_of(shop.driver), blast_radius(shop)),
        };
        for missing in &shop.without_counterpart {
            text += &format!("· {}\n", words::no_counterpart(shop.driver, missing));
        }
        for fault in shop.faults.iter().filter(|fault| fault.hits == 0) {
            text += &format!("· {}\n", words::hit_nothing_in(shop.driver, &fault.fault));
        }
        for line in shop.orders.hindrances() {
            text += &format!("· {}: {line}\n", shop.driver);
        }
        for line in deployments(shop) {
            text += &format!("· {line}\n");
        }
        for audit in shop.audit.iter().filter(|audit| audit.verdict != Verdict::Held) {
            text += &format!("{} {}: {}\n", audit.invariant, verdict_words(audit.verdict), audit.evidence);
        }
    }
    text + &format!("{}\n", words::verdict(verdict_words(run.verdict)))
}

/// A line a service that was deployed: how often, and how long an instance took.
fn deployments(shop: &ScenarioOutcome) -> Vec<String> {
    let mut by_service: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for deployment in &shop.deployments {
        let each = deployment.took_ms / deployment.replacements.len().max(1) as f64;
        by_service.entry(&deployment.service).or_default().push(each);
    }
    let line = |(service, mut each): (&str, Vec<f64>)| {
        each.sort_by(f64::total_cmp);
        let (middle, slowest) = (each[each.len() / 2], each[each.len() - 1]);
        let times = each.len();
        words::deployed(service, times, format!("{middle:.0}"), format!("{slowest:.0}"))
    };
    by_service.into_iter().map(line).collect()
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    let width = table.width().unwrap_or(WIDTH);
    table.set_width(width);
    table
}

fn availability(run: &ScenarioRun) -> Table {
    let mut table = new_table();
    let head = |shop: &ScenarioOutcome| shop.driver.to_string();
    table.set_header(std::iter::once(String::new()).chain(run.shops.iter().map(head)));
    let mut row = |name: String, cell: &dyn Fn(&ScenarioOutcome) -> String| {
        table.add_row(std::iter::once(name).chain(run.shops.iter().map(cell)));
    };
    for capability in Capability::ALL {
        row(served_as(capability), &|shop| {
            let of = &shop.availability[&capability];
            let stale = if of.degraded > 0 { words::stale(of.degraded) } else { String::new() };
            words::of_failed(share(of.share), of.failed, of.sent, stale)
        });
    }
    row(words::orders_accepted(), &|shop| words::of(shop.orders.accepted, shop.orders.wanted));
    row(words::orders_lost(), &|shop| shop.orders.lost.to_string());
    row(words::orders_doubled(), &|shop| shop.orders.doubled.to_string());
    row(words::decided_in_2_s(), &decided_in_time);
    row(words::decided_later(), &|shop| match shop.orders.slowest_s {
        Some(slowest) => words::later_of(shop.orders.delayed, shop.orders.decided, format!("{slowest:.1}")),
        None => words::none_decided(),
    });
    row(words::databases_disagreed(), &disagreement::said);
    row(words::steady_before(), &|shop| yes(shop.steady.before));
    row(words::steady_after(), &|shop| yes(shop.steady.after));
    row(words::started_again(), &|shop| match shop.restarts.is_empty() {
        true => words::nothing(),
        false => shop
            .restarts
            .iter()
            .map(|(name, times)| format!("{name} {times}×"))
            .collect::<Vec<_>>()
            .join(", "),
    });
    table
}

/// What is said to be served: of orders only that they were accepted, which in a split shop is not the decision.
fn served_as(capability: Capability) -> String {
    if capability == Capability::Order { words::order_accepted() } else { name(capability) }
}

fn name(capability: Capability) -> String {
    match capability {
        Capability::Browse => words::browse(),
        Capability::Order => words::order(),
        Capability::Pay => words::pay(),
        Capability::Track => words::track(),
    }
}

/// The orders that were decided in time, and their share of those that were wanted.
fn decided_in_time(shop: &ScenarioOutcome) -> String {
    let (decided, wanted) = (shop.orders.decided_within_2_s, shop.orders.wanted);
    if wanted == 0 {
        return words::none_wanted();
    }
    format!("{} ({})", percent(decided as f64 / wanted as f64), words::of(decided, wanted))
}

fn blast_radius(shop: &ScenarioOutcome) -> Table {
    let mut table = new_table();
    let names = shop
        .windows
        .iter()
        .map(|window| format!("{} ({:.1}–{:.1} s)", window.name, window.from_s, window.to_s));
    table.set_header(std::iter::once(String::new()).chain(names));
    for (capability, impacts) in &shop.blast_radius {
        table.add_row(std::iter::once(name(*capability)).chain(impacts.iter().map(cell)));
    }
    table
}

fn cell(impact: &Impact) -> String {
    let Some(served) = impact.served else { return "–".into() };
    match (impact.until_first_failure_s, impact.until_recovered_s) {
        (Some(first), Some(last)) => {
            format!("{} ({}), {first:.1} s, {last:.1} s", percent(served), impact.failed)
        }
        _ => words::untouched(),
    }
}

fn yes(held: bool) -> String {
    if held { words::yes() } else { words::no() }
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(words::not_asked_for, percent)
}

fn percent(share: f64) -> String {
    // Rounded down: what is nearly all is not all.
    format!("{:.1} %", (share * 1000.0).floor() / 10.0)
}

#[derive(Template)]
#[template(path = "scenario.html")]
struct Page<'a> {
    language: &'static str,
    run: &'a ScenarioRun,
    shops: Vec<ShopView<'a>>,
}

impl Page<'_> {
    fn verdict(&self, verdict: &Verdict) -> String {
        verdict_words(*verdict)
    }

    fn class(&self, verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Held => "held",
            Verdict::Violated => "violated",
            Verdict::NoEvidence => "no-evidence",
        }
    }
}

/// A shop, with its charts.
struct ShopView<'a> {
    shop: &'a ScenarioOutcome,
    charts: Vec<Chart>,
    live: Vec<LiveChart>,
    disagreement: Option<[String; 3]>,
    decided_in_time: String,
    /// A capability, and what each disturbance did to it.
    radius: Vec<(String, Vec<String>)>,
}

/// Availability over time: one bar per second, as high as the share that was served.
struct Chart {
    name: String,
    share: String,
    failed: u64,
    bars: Vec<Bar>,
    shades: Vec<Shade>,
}

struct Bar {
    x: f64,
    width: f64,
    height: f64,
    top: f64,
    /// What was missed, above the bar.
    missed: f64,
    title: String,
}

/// A stretch of time in which something was disturbed.
pub(super) struct Shade {
    x: f64,
    width: f64,
    name: String,
}

/// The disturbances of a shop, on a chart of this scale.
pub(super) fn shades(shop: &ScenarioOutcome, scale: f64) -> Vec<Shade> {
    let shade = |window: &FaultWindow| Shade {
        x: window.from_s * scale,
        width: ((window.to_s - window.from_s) * scale).max(1.5),
        name: window.name.to_string(),
    };
    shop.windows.iter().map(shade).collect()
}

impl<'a> ShopView<'a> {
    fn new(run: &ScenarioRun, shop: &'a ScenarioOutcome) -> ShopView<'a> {
        let radius = shop.blast_radius.iter();
        ShopView {
            shop,
            charts: Capability::ALL.map(|capability| Chart::new(shop, capability, run.length_s)).into(),
            live: disagreement::charts(run, shop),
            disagreement: disagreement::cells(shop),
            decided_in_time: decided_in_time(shop),
            radius: radius
                .map(|(capability, impacts)| (name(*capability), impacts.iter().map(cell).collect()))
                .collect(),
        }
    }
}

impl Chart {
    fn new(shop: &ScenarioOutcome, capability: Capability, length_s: f64) -> Chart {
        let of = &shop.availability[&capability];
        let (width, height) = CHART;
        let scale = width / length_s;
        let bars = of.timeline.iter().enumerate().filter(|(_, second)| second.sent > 0).map(|(n, second)| {
            let served = second.served as f64 / second.sent as f64 * height;
            Bar {
                x: n as f64 * scale,
                width: (scale - 0.6).max(0.2),
                height: served,
                top: height - served,
                missed: height - served,
                title: words::second_served(n, second.served, second.sent),
            }
        });
        Chart {
            name: served_as(capability),
            share: share(of.share),
            failed: of.failed,
            bars: bars.collect(),
            shades: shades(shop, scale),
        }
    }
}

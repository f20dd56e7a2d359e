//! The report as one page that needs nothing else: no script, no network.
//!
//! Here the words are chosen; `templates/report.html` arranges and escapes them.

use anyhow::Result;
use askama::Template;

use super::charts::{self, ANSWERED, DECIDED, Drawing, Resource};
use super::figures::{
    self, AuditRow, FigureRow, audit_rows, figure_rows, has_room_for_ratios, number, outcome_rows,
    spread_words, warnings,
};
use super::tax::{self, TaxRow};
use crate::run::{Difference, Latency, ModeRun, Run, ScheduleError, Trial};
use crate::stats::spread;
use audit::Verdict;
use load::Arrivals;
use servers::record::{Found, Server};

/// A chart with the words that stand for it where it cannot be seen.
struct Chart {
    title: String,
    description: String,
    caption: &'static str,
    drawing: Drawing,
    /// Whether its lines need the key of the modes; bars say their names.
    key: bool,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run: &'a Run,
    labels: Vec<String>,
    swatches: Vec<Drawing>,
    warnings: Vec<String>,
    differences: Vec<&'a str>,
    no_differences: Vec<&'a str>,
    load: String,
    mix: String,
    machine: String,
    servers: Vec<(&'static str, String)>,
    audits: Vec<AuditRow>,
    outcomes: Vec<(String, Vec<String>)>,
    figures: Vec<FigureRow>,
    latency_charts: Vec<Chart>,
    throughput_charts: Vec<Chart>,
    cost_chart: Chart,
    tax: Vec<TaxRow>,
    tax_bars: Option<(f64, String)>,
    tax_sample: String,
    schedule: Vec<(&'a str, String)>,
    late: bool,
    not_measured: Vec<String>,
    repeat: String,
}

impl Page<'_> {
    fn title(&self) -> String {
        match self.labels.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }

    fn ratios_beside(&self) -> bool {
        has_room_for_ratios(self.run)
    }

    fn trials(&self) -> usize {
        self.run.modes.iter().map(|mode| mode.trials.len()).max().unwrap_or(0)
    }

    fn verdict_sentence(&self) -> &'static str {
        match self.run.verdict {
            Verdict::Held => {
                "Every invariant held in every trial: the figures are those of a shop that works."
            }
            Verdict::Violated => {
                "An invariant was violated. The figures below are those of a shop that does wrong: mend that \
                 first."
            }
            Verdict::NoEvidence => {
                "For at least one invariant there is no evidence. That is not a pass: see the audit."
            }
        }
    }
}

/// Reads a figure from a trial.
type Reading = fn(&Trial) -> Option<f64>;

/// Renders the page.
pub fn render(run: &Run) -> Result<String> {
    let labels: Vec<String> = run.modes.iter().map(ModeRun::heading).collect();
    let warnings = warnings(run.modes.iter().map(|mode| mode.driver), &run.flaws);
    let sentences = |verdict| {
        let of_this = run.comparison.iter().filter(move |comparison| comparison.verdict == verdict);
        of_this.map(|comparison| comparison.sentence.as_str()).collect()
    };
    let page = Page {
        run,
        differences: sentences(Difference::Different),
        no_differences: sentences(Difference::NotShown),
        load: load(run),
        mix: mix(run),
        machine: run.machine.words(),
        servers: [("PostgreSQL", &run.servers.postgresql), ("RabbitMQ", &run.servers.rabbitmq)]
            .map(|(name, found)| (name, server(found.as_ref())))
            .to_vec(),
        audits: audit_rows(run),
        outcomes: outcome_rows(run),
        figures: figure_rows(run),
        latency_charts: latency_charts(run)?,
        throughput_charts: throughput_charts(run)?,
        cost_chart: cost_chart(run, &labels)?,
        tax: tax::rows(run),
        tax_bars: tax::bars(run),
        tax_sample: tax::sample(run),
        schedule: run.modes.iter().map(|mode| (mode.label.as_str(), schedule(&mode.trials))).collect(),
        late: run.modes.iter().flat_map(|mode| &mode.trials).any(generator_was_late),
        repeat: repeat(run),
        swatches: (0..run.modes.len()).map(charts::swatch).collect::<Result<_>>()?,
        not_measured: figures::not_measured(run),
        warnings: warnings.lines().map(|line| line.trim_start_matches("!! ").to_owned()).collect(),
        labels,
    };
    Ok(page.render()?)
}

fn load(run: &Run) -> String {
    let load = &run.load;
    let arrivals = match load.arrivals {
        Arrivals::Open { rate_per_s } => {
            format!("open loop, {} orders/s sent by a clock", number(rate_per_s))
        }
        Arrivals::Closed { clients } => format!("closed loop, {clients} clients that wait for the decision"),
    };
    format!(
        "{arrivals}, for {} s after {} s of warm-up; {} products, {} customers",
        number(load.duration_s),
        number(load.warm_up_s),
        number(load.products as f64),
        number(load.customers as f64)
    )
}

fn mix(run: &Run) -> String {
    let shares = run.load.mix.iter().map(|(outcome, share)| format!("{outcome} {} %", number(share * 100.0)));
    shares.collect::<Vec<_>>().join(", ")
}

fn server(server: Option<&Server>) -> String {
    let Some(Server { version, found, durability }) = server else { return "not used".to_owned() };
    let found = match found {
        Found::Url => "at a given URL",
        Found::Private => "private, started for this run",
        Found::Container => "container, started for this run",
    };
    format!("{version}, {found}; {durability}")
}

fn latency_charts(run: &Run) -> Result<Vec<Chart>> {
    let clocks = [
        (&ANSWERED, "From the intended moment of sending to the HTTP response."),
        (&DECIDED, "From the intended moment of sending to the final yes or no."),
    ];
    let mut charts = Vec::new();
    for (clock, caption) in clocks {
        let Some(drawing) = charts::percentiles(run, clock)? else { continue };
        let description = in_each_mode(run, |trials| {
            let median = |value: fn(Latency) -> f64| {
                spread_words(spread(trials.iter().map(|trial| (clock.latency)(trial).map(value)))).0
            };
            format!("median {} ms, 99th percentile {} ms", median(|l| l.p50), median(|l| l.p99))
        });
        charts.push(Chart {
            title: format!("Time until {}", clock.name),
            description: format!("Latency until {} by percentile. {description}", clock.name),
            caption,
            drawing,
            key: true,
        });
    }
    Ok(charts)
}

fn throughput_charts(run: &Run) -> Result<Vec<Chart>> {
    let clocks = [
        (&ANSWERED, "Responses in each second, the mean of the trials."),
        (&DECIDED, "Orders that became confirmed or refused in each second, the mean of the trials."),
    ];
    let mut charts = Vec::new();
    for (clock, caption) in clocks {
        let Some(drawing) = charts::over_time(run, clock)? else { continue };
        let description = in_each_mode(run, |trials| {
            let throughput = spread(trials.iter().map(|trial| Some(trial.throughput_per_s)));
            format!("{} orders decided per second over the whole window", spread_words(throughput).0)
        });
        charts.push(Chart {
            title: format!("Orders {} per second", clock.name),
            description: format!("Orders {} in each second. {description}", clock.name),
            caption,
            drawing,
            key: true,
        });
    }
    Ok(charts)
}

fn cost_chart(run: &Run, labels: &[String]) -> Result<Chart> {
    let resources: [(&str, Reading); 5] = [
        ("processor time of the shop, ms", |trial| trial.cost_per_1000_orders.cpu_s_shop),
        ("processor time of the servers, ms", |trial| trial.cost_per_1000_orders.cpu_s_servers),
        ("database transactions", |trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3)),
        ("write-ahead log, kB", |trial| Some(trial.cost_per_1000_orders.wal_bytes? / 1e6)),
        ("messages", |trial| Some(trial.cost_per_1000_orders.messages? / 1e3)),
    ];
    let resources = resources.map(|(name, value)| Resource {
        name: name.to_owned(),
        modes: run
            .modes
            .iter()
            .map(|mode| spread(mode.trials.iter().map(value)).map(|spread| spread.median))
            .collect(),
    });
    let described: Vec<String> = resources
        .iter()
        .map(|resource| {
            let figures = labels
                .iter()
                .zip(&resource.modes)
                .map(|(label, value)| format!("{label} {}", value.map_or("not measured".to_owned(), number)));
            format!("{}: {}", resource.name, figures.collect::<Vec<_>>().join(", "))
        })
        .collect();
    Ok(Chart {
        title: "What an order costs".to_owned(),
        description: format!("Cost of one order. {}.", described.join("; ")),
        caption: "The median of the trials. Each group of bars has its own unit, and so its own scale.",
        drawing: charts::costs(&bar_names(run), &resources)?,
        key: false,
    })
}

/// The modes' names as they fit beside a bar.
fn bar_names(run: &Run) -> Vec<String> {
    let name = |mode: &ModeRun| {
        if mode.broken_on_purpose { format!("{}, broken", mode.label) } else { mode.label.clone() }
    };
    run.modes.iter().map(name).collect()
}

fn in_each_mode(run: &Run, words: impl Fn(&[Trial]) -> String) -> String {
    let each = run.modes.iter().map(|mode| format!("{}: {}.", mode.label, words(&mode.trials)));
    each.collect::<Vec<_>>().join(" ")
}

/// The worst of the trials: a single late one is enough to mistrust.
fn schedule(trials: &[Trial]) -> String {
    let worst = |value: fn(ScheduleError) -> f64| {
        let late = trials.iter().filter_map(|trial| trial.schedule_error_ms.map(value));
        late.max_by(f64::total_cmp).map_or("–".to_owned(), number)
    };
    format!(
        "p50 {} ms, p99 {} ms, at most {} ms",
        worst(|late| late.p50),
        worst(|late| late.p99),
        worst(|late| late.max)
    )
}

/// Whether the generator's own lateness is of the size of what it measured.
fn generator_was_late(trial: &Trial) -> bool {
    let known = trial.schedule_error_ms.zip(trial.answered_ms);
    known.is_some_and(|(late, answered)| late.p99 > answered.p50)
}

/// The command that runs the same again.
fn repeat(run: &Run) -> String {
    let modes: Vec<String> = run.modes.iter().map(|mode| mode.driver.to_string()).collect();
    let arrivals = match run.load.arrivals {
        Arrivals::Open { rate_per_s } => format!("--rate {rate_per_s}/s"),
        Arrivals::Closed { clients } => format!("--saturate --clients {clients}"),
    };
    let trials = run.modes.iter().map(|mode| mode.trials.len()).max().unwrap_or(0);
    let flaws =
        if run.flaws.is_empty() { String::new() } else { format!(" --flaws {}", run.flaws.join(",")) };
    format!(
        "cargo cleave compare --modes {} {arrivals} --duration {}s --warm-up {}s --trials {trials} --seed {}{flaws}",
        modes.join(","),
        run.load.duration_s,
        run.load.warm_up_s,
        run.seed
    )
}

//! The report as one self-contained page: no script, no network.
//!
//! The texts are chosen here; `templates/report.html` arranges and escapes them.

use anyhow::Result;
use askama::Template;

use super::charts::{self, ANSWERED, DECIDED, Drawing, Resource};
use super::figures::{
    self, AuditRow, FigureRow, audit_rows, figure_rows, has_room_for_ratios, number, outcome_rows,
    spread_words, warnings,
};
use super::ladder::{self, PriceRow};
use super::tax::{self, TaxRow};
use super::words;
use crate::run::{Difference, Latency, Load, ModeRun, Run, ScheduleError, Stage, Trial};
use crate::stats::spread;
use audit::Verdict;
use load::Arrivals;
use servers::record::{Found, Server};
use terminal::text::Text;

/// A chart with its alternative text.
struct Chart {
    title: String,
    description: String,
    caption: String,
    drawing: Drawing,
    /// Whether it needs the key of the modes. Bars have their own labels.
    key: bool,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run: &'a Run,
    labels: Vec<String>,
    swatches: Vec<Drawing>,
    warnings: Vec<String>,
    differences: Vec<&'a Text>,
    no_differences: Vec<&'a Text>,
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
    ladder: Vec<PriceRow>,
    ladder_chart: Option<Chart>,
    tax: Vec<TaxRow>,
    tax_bars: Option<(f64, String)>,
    tax_sample: String,
    schedule: Vec<String>,
    late: bool,
    not_measured: Vec<String>,
    repeat: String,
}

impl Page<'_> {
    fn title(&self) -> String {
        match self.labels.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{}{}{last}", others.join(", "), words::and()),
            None => String::new(),
        }
    }

    fn ratios_beside(&self) -> bool {
        has_room_for_ratios(self.run)
    }

    fn trials(&self) -> usize {
        self.run.modes.iter().map(|mode| mode.trials.len()).max().unwrap_or(0)
    }

    fn verdict_sentence(&self) -> String {
        match self.run.verdict {
            Verdict::Held => words::all_held(),
            Verdict::Violated => words::one_violated(),
            Verdict::NoEvidence => words::one_without_evidence(),
        }
    }

    fn how_many_trials(&self) -> String {
        match self.trials() {
            1 => words::one_trial_of_each(),
            trials => words::trials_of_each(trials),
        }
    }
}

/// Reads a figure from a trial.
type Reading = fn(&Trial) -> Option<f64>;

/// The report as one HTML page that needs no other file.
pub fn render(run: &Run) -> Result<String> {
    let labels: Vec<String> = run.modes.iter().map(ModeRun::heading).collect();
    let warnings = warnings(run.modes.iter().map(|mode| mode.driver), &run.flaws);
    let sentences = |verdict| {
        let of_this = run.comparison.iter().filter(move |comparison| comparison.verdict == verdict);
        of_this.map(|comparison| &comparison.sentence).collect()
    };
    let page = Page {
        run,
        differences: sentences(Difference::Different),
        no_differences: sentences(Difference::NotShown),
        load: load(&run.load),
        mix: mix(&run.load),
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
        ladder: ladder::rows(&run.ladder),
        ladder_chart: ladder_chart(&run.ladder)?,
        tax: tax::rows(run),
        tax_bars: tax::bars(run),
        tax_sample: tax::sample(run),
        schedule: run
            .modes
            .iter()
            .map(|mode| words::late_against(&mode.label, schedule(&mode.trials)))
            .collect(),
        late: run.modes.iter().flat_map(|mode| &mode.trials).any(generator_was_late),
        repeat: repeat(run),
        swatches: (0..run.modes.len()).map(charts::swatch).collect::<Result<_>>()?,
        not_measured: figures::not_measured(run),
        warnings: warnings.lines().map(|line| line.trim_start_matches("!! ").to_owned()).collect(),
        labels,
    };
    Ok(page.render()?)
}

pub(super) fn load(load: &Load) -> String {
    let arrivals = match load.arrivals {
        Arrivals::Open { rate_per_s } => words::open_loop(number(rate_per_s)),
        Arrivals::Closed { clients } => words::closed_loop(clients),
    };
    words::load(
        arrivals,
        number(load.duration_s),
        number(load.warm_up_s),
        number(load.products as f64),
        number(load.customers as f64),
    )
}

pub(super) fn mix(load: &Load) -> String {
    let shares = load.mix.iter().map(|(outcome, share)| format!("{outcome} {} %", number(share * 100.0)));
    shares.collect::<Vec<_>>().join(", ")
}

pub(super) fn server(server: Option<&Server>) -> String {
    let Some(Server { version, found, durability }) = server else { return words::server_not_used() };
    let found = match found {
        Found::Url => words::server_url(),
        Found::Private => words::server_private(),
        Found::Container => words::server_container(),
    };
    format!("{version}, {found}; {durability}")
}

fn latency_charts(run: &Run) -> Result<Vec<Chart>> {
    let clocks =
        [(&ANSWERED, words::from_intended_to_answer()), (&DECIDED, words::from_intended_to_decision())];
    let mut charts = Vec::new();
    for (clock, caption) in clocks {
        let Some(drawing) = charts::percentiles(run, clock)? else { continue };
        let description = in_each_mode(run, |trials| {
            let median = |value: fn(Latency) -> f64| {
                spread_words(spread(trials.iter().map(|trial| (clock.latency)(trial).map(value)))).0
            };
            words::median_and_p99(median(|l| l.p50), median(|l| l.p99))
        });
        charts.push(Chart {
            title: words::time_until((clock.name)()),
            description: words::latency_by_percentile((clock.name)(), description),
            caption,
            drawing,
            key: true,
        });
    }
    Ok(charts)
}

fn throughput_charts(run: &Run) -> Result<Vec<Chart>> {
    let clocks = [(&ANSWERED, words::responses_per_second()), (&DECIDED, words::decisions_per_second())];
    let mut charts = Vec::new();
    for (clock, caption) in clocks {
        let Some(drawing) = charts::over_time(run, clock)? else { continue };
        let description = in_each_mode(run, |trials| {
            let throughput = spread(trials.iter().map(|trial| Some(trial.throughput_per_s)));
            words::decided_over_window(spread_words(throughput).0)
        });
        charts.push(Chart {
            title: words::per_second((clock.name)()),
            description: words::in_each_second((clock.name)(), description),
            caption,
            drawing,
            key: true,
        });
    }
    Ok(charts)
}

fn cost_chart(run: &Run, labels: &[String]) -> Result<Chart> {
    let resources: [(String, Reading); 5] = [
        (words::shop_cpu_ms(), |trial| trial.cost_per_1000_orders.cpu_s_shop),
        (words::servers_cpu_ms(), |trial| trial.cost_per_1000_orders.cpu_s_servers),
        (words::transactions(), |trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3)),
        (words::wal_kb(), |trial| Some(trial.cost_per_1000_orders.wal_bytes? / 1e6)),
        (words::messages(), |trial| Some(trial.cost_per_1000_orders.messages? / 1e3)),
    ];
    let resources = resources.map(|(name, value)| Resource {
        name,
        modes: run
            .modes
            .iter()
            .map(|mode| spread(mode.trials.iter().map(value)).map(|spread| spread.median))
            .collect(),
    });
    Ok(Chart {
        title: words::cost_of_order(),
        description: words::cost_described(described(labels, &resources)),
        caption: words::cost_caption(),
        drawing: charts::costs(&bar_names(run), &resources)?,
        key: false,
    })
}

/// Every figure of these bars, for those who do not see them.
fn described(labels: &[String], resources: &[Resource]) -> String {
    let described = resources.iter().map(|resource| {
        let figures = labels
            .iter()
            .zip(&resource.modes)
            .map(|(label, value)| format!("{label} {}", value.map_or_else(words::not_measured, number)));
        format!("{}: {}", resource.name, figures.collect::<Vec<_>>().join(", "))
    });
    described.collect::<Vec<_>>().join("; ")
}

/// `None` if the run is no ladder.
fn ladder_chart(stages: &[Stage]) -> Result<Option<Chart>> {
    if stages.is_empty() {
        return Ok(None);
    }
    let (labels, bars): (Vec<String>, _) =
        (stages.iter().map(Stage::heading).collect(), ladder::bars(stages));
    Ok(Some(Chart {
        title: words::ladder_title(),
        description: words::ladder_described(described(&labels, &bars)),
        caption: words::ladder_caption(),
        drawing: charts::costs(&labels, &bars)?,
        key: false,
    }))
}

/// The modes' names, short enough for a bar.
fn bar_names(run: &Run) -> Vec<String> {
    let name = |mode: &ModeRun| {
        if mode.broken_on_purpose { words::broken(&mode.label) } else { mode.label.clone() }
    };
    run.modes.iter().map(name).collect()
}

fn in_each_mode(run: &Run, words: impl Fn(&[Trial]) -> String) -> String {
    let each = run.modes.iter().map(|mode| format!("{}: {}.", mode.label, words(&mode.trials)));
    each.collect::<Vec<_>>().join(" ")
}

/// The worst of the trials: one trial with a late generator is enough to distrust the run.
fn schedule(trials: &[Trial]) -> String {
    let worst = |value: fn(ScheduleError) -> f64| {
        let late = trials.iter().filter_map(|trial| trial.schedule_error_ms.map(value));
        late.max_by(f64::total_cmp).map_or("–".to_owned(), number)
    };
    words::schedule(worst(|late| late.p50), worst(|late| late.p99), worst(|late| late.max))
}

/// Whether the generator's own delay is of the same size as the latencies.
fn generator_was_late(trial: &Trial) -> bool {
    let known = trial.schedule_error_ms.zip(trial.answered_ms);
    known.is_some_and(|(late, answered)| late.p99 > answered.p50)
}

/// The command that repeats the run.
fn repeat(run: &Run) -> String {
    let modes: Vec<String> = run.modes.iter().map(|mode| mode.driver.to_string()).collect();
    let arrivals = match run.load.arrivals {
        Arrivals::Open { rate_per_s } => format!("--rate {rate_per_s}/s"),
        Arrivals::Closed { clients } => format!("--saturate --clients {clients}"),
    };
    let trials = run.modes.iter().map(|mode| mode.trials.len()).max().unwrap_or(0);
    let flaws =
        if run.flaws.is_empty() { String::new() } else { format!(" --flaws {}", run.flaws.join(",")) };
    let modes = match run.ladder.is_empty() {
        true => format!("--modes {}", modes.join(",")),
        false => "--ladder".to_owned(),
    };
    format!(
        "cargo cleave compare {modes} {arrivals} --duration {}s --warm-up {}s --trials {trials} --seed {}{flaws}",
        run.load.duration_s, run.load.warm_up_s, run.seed
    )
}

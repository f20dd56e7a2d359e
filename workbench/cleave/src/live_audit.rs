//! `cleave audit --live`: one line per second on the shops of `cleave up`, and at the end how long the databases
//! disagreed.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use comfy_table::{Table, presets};
use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{up, words};
use audit::Verdict;
use audit::live::{Disagreement, Finding, Live, Pace, Recording, Snapshot};
use report::verdict_words;
use terminal::text::Text;
use terminal::{output, say};
use topology::{Driver, Mode};

/// The JSON output.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    verdict: Verdict,
    shops: Vec<Watched>,
}

#[derive(Debug, Serialize)]
struct Watched {
    mode: Mode,
    driver: Driver,
    verdict: Verdict,
    /// The findings of the last look.
    findings: Vec<Finding>,
    recording: Recording,
}

/// Watches until `end` is done, and returns the verdict of the last look.
pub async fn run(folder: &Path, json: Option<&str>, end: impl Future<Output = ()>) -> Result<Verdict> {
    let shops = up::subjects(folder)?;
    let lives: Vec<(Driver, Live)> = shops
        .into_iter()
        .map(|subject| (subject.shop.driver, Live::start(subject, Pace::default())))
        .collect();
    tokio::pin!(end);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    // The first tick is immediate, before the audit has looked.
    seconds.tick().await;
    loop {
        if !say::is_heard() {
            break;
        }
        tokio::select! {
            () = &mut end => break,
            _ = seconds.tick() => for (driver, live) in &lives {
                let line = line(*driver, &live.snapshot());
                // With `--json -`, standard output is for JSON alone.
                if json == Some("-") { terminal::note!("{line}") } else { terminal::say!("{line}") }
            }
        }
    }
    let watched = try_join_all(lives.into_iter().map(async |(driver, live)| {
        let (last, recording) = live.finish().await?;
        let verdict = last.verdict();
        anyhow::Ok(Watched { mode: driver.mode(), driver, verdict, findings: last.findings, recording })
    }));
    let shops = watched.await?;
    let verdict = Verdict::of_all(shops.iter().map(|shop| shop.verdict));
    let document = Document { schema: "cleave.live-audit/1", verdict, shops };
    match json {
        Some(target) => output::json(target, &document)?,
        None => terminal::say!("\n{}\n{}", document.windows(), verdict_words(verdict)),
    }
    Ok(verdict)
}

/// `14:03:07 split:orchestrated held; 4 inconsistent, 790 resolved: p50 31.0 ms, p99 88.2 ms, longest 203 ms`.
fn line(driver: Driver, snapshot: &Snapshot) -> String {
    let wrong: Vec<String> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.anomalies > 0)
        .map(|finding| {
            let example = finding.example.as_ref().map_or("?", Text::shown);
            format!(
                "{} {}: {} ({example})",
                finding.invariant,
                verdict_words(finding.verdict),
                finding.anomalies
            )
        })
        .collect();
    let said = if wrong.is_empty() { verdict_words(snapshot.verdict()) } else { wrong.join(", ") };
    let Disagreement { orders_now, resolved, p50_ms, p99_ms, longest_ms } = snapshot.disagreement;
    let windows = match (p50_ms, p99_ms, longest_ms) {
        (Some(p50), Some(p99), Some(longest)) => {
            let tenth = |ms: f64| format!("{ms:.1}");
            words::windows(resolved, tenth(p50), tenth(p99), longest.round())
        }
        _ => words::none_resolved(),
    };
    let shop = format!("{driver:<19}");
    words::now_and_before(snapshot.at.format("%H:%M:%S"), shop, said, orders_now, windows)
}

impl Document {
    /// How long the databases disagreed.
    fn windows(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
            words::inconsistency(),
            words::orders(),
            "p50, ms".to_owned(),
            "p99, ms".to_owned(),
            words::longest_ms(),
            words::still_open(),
        ]);
        for shop in &self.shops {
            let of = shop.recording.disagreement;
            let ms = |figure: Option<f64>| figure.map_or("–".to_owned(), |ms| format!("{ms:.1}"));
            table.add_row([
                shop.driver.to_string(),
                of.resolved.to_string(),
                ms(of.p50_ms),
                ms(of.p99_ms),
                ms(of.longest_ms),
                of.orders_now.to_string(),
            ]);
        }
        table
    }
}

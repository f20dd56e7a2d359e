//! The commands of the guides, as a reader pastes them: in order, from an empty folder.

mod reader;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::Stage;

use crate::docs::checkout;
use crate::tidy::{files, read};
pub use reader::Reader;

/// Guides that are run for every change: they need a minute.
pub const SAMPLE: [&str; 2] = ["story.md", "telemetry.md"];
/// The others: a comparison, chaos, a dashboard.
const REST: [&str; 5] =
    ["reading-a-report.md", "faults.md", "dashboard.md", "misconceptions.md", "there-and-back.md"];
/// Those of the drivers: a comparison of all, and crash points, flaws and models of each.
const DRIVERS: [&str; 8] = [
    "consistency.md",
    "drivers/messages.md",
    "drivers/monolith-local.md",
    "drivers/monolith-two-phase.md",
    "drivers/split-choreographed.md",
    "drivers/split-naive.md",
    "drivers/split-orchestrated.md",
    "drivers/split-tcc.md",
];

pub async fn the_first_ones_work_when_pasted(stage: &Stage) -> Result<Option<String>> {
    for guide in SAMPLE {
        follow(stage, guide).await.with_context(|| guide)?;
    }
    Ok(None)
}

pub async fn all_others_work_when_pasted(stage: &Stage) -> Result<Option<String>> {
    for guide in REST {
        follow(stage, guide).await.with_context(|| guide)?;
    }
    Ok(None)
}

pub async fn those_of_the_drivers_work_when_pasted(stage: &Stage) -> Result<Option<String>> {
    for guide in DRIVERS {
        follow(stage, guide).await.with_context(|| guide)?;
    }
    Ok(None)
}

/// Every guide with commands is run by one of the three cases, and its translation has the same commands.
pub fn none_is_left_out() -> Result<()> {
    let example = "a\n```sh\none\ntwo\n```\n```text\nthree\n```\n```sh\nfour\n```\n";
    ensure!(blocks(example) == ["one\ntwo\n", "four\n"], "{:?}", blocks(example));
    ensure!(unmarked("```\ncargo a\n```\n```text\ncargo b\n```\ncargo c").eq(["cargo a"]));
    let mut complaints = Vec::new();
    let docs = checkout().join("docs");
    for path in files(&docs)? {
        let name = path.strip_prefix(&docs)?.to_string_lossy().into_owned();
        if !name.ends_with(".md") || name.ends_with(".ko.md") {
            continue;
        }
        let commands = blocks(&read(&path)?);
        let run = [&SAMPLE[..], &REST, &DRIVERS].concat().contains(&name.as_str());
        if !commands.is_empty() && !run {
            complaints.push(format!("no case runs the commands of {name}"));
        }
        complaints.extend(unmarked(&read(&path)?).map(|line| format!("{name} does not run “{line}”")));
        let korean = path.with_extension("ko.md");
        if korean.is_file() && blocks(&read(&korean)?) != commands {
            complaints.push(format!("the Korean {name} has other commands"));
        }
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// The scripts of a guide: its blocks of `sh`. Other blocks show output, or what is not for pasting.
fn blocks(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.trim()) {
            (None, "```sh") => open = Some(String::new()),
            (Some(_), "```") => found.extend(open.take()),
            (Some(block), _) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

/// Commands in a block without a language, which would be neither run nor marked as not for pasting.
fn unmarked(text: &str) -> impl Iterator<Item = &str> {
    let mut language = None;
    text.lines().filter(move |line| {
        match (line.trim().strip_prefix("```"), language) {
            (Some(named), None) => language = Some(named.is_empty()),
            (Some(_), Some(_)) => language = None,
            (None, _) => return language == Some(true) && line.trim().starts_with("cargo "),
        }
        false
    })
}

async fn follow(stage: &Stage, guide: &str) -> Result<()> {
    let scripts = blocks(&read(&checkout().join("docs").join(guide))?);
    ensure!(!scripts.is_empty(), "it has no commands");
    let started = Instant::now();
    let outcome = Reader::new(stage).await?.paste_all(&scripts).await;
    println!("{guide}: {:.0?}", started.elapsed());
    outcome
}

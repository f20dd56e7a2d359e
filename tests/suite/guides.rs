//! The commands of the guides, as a reader pastes them: in order, from an empty folder.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::Stage;
use tokio::process::Command;

use crate::docs::checkout;
use crate::tidy::{files, read};

/// The limit for one block of a guide, on a busy machine.
const BOUND: Duration = Duration::from_secs(900);

/// Stands in for `cargo` on the reader's path. A command that stays until Ctrl-C runs in the background here, as it
/// does in a second terminal of the reader's, and the next command waits until its shop is up.
const CARGO: &str = r#"#!/usr/bin/env bash
set -euo pipefail
# cleave itself builds the shop with cargo, which is next on the path.
[ "$1" = cleave ] || PATH=${PATH#*:} exec cargo "$@"
shift
cleave=("$GUIDE_CLEAVE" --folder "$GUIDE/state" "$1")
case "$*" in
    *--export*|*replay*) ;;
    up*|dashboard*)
        "${cleave[@]}" "${@:2}" --yes >"$GUIDE/stays.log" 2>&1 &
        stays=$!
        for _ in $(seq 3000); do
            if [ -e "$GUIDE/state/up.json" ]; then exit 0; fi
            if ! kill -0 "$stays" 2>/dev/null; then cat "$GUIDE/stays.log" >&2; exit 98; fi
            sleep 0.1
        done
        echo "cleave $* did not come up" >&2
        exit 97 ;;
esac
exec "${cleave[@]}" "${@:2}"
"#;

/// Guides that are run for every change: they need a minute.
pub const SAMPLE: [&str; 2] = ["story.md", "telemetry.md"];
/// The others: a comparison, chaos, a dashboard.
const REST: [&str; 4] = ["reading-a-report.md", "faults.md", "dashboard.md", "misconceptions.md"];

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

/// Every guide with commands is run by one of the two cases, and its translation has the same commands.
pub fn none_is_left_out() -> Result<()> {
    let example = "a\n```sh\none\ntwo\n```\n```text\nthree\n```\n```sh\nfour\n```\n";
    ensure!(blocks(example) == ["one\ntwo\n", "four\n"], "{:?}", blocks(example));
    let mut complaints = Vec::new();
    for path in files(&checkout().join("docs"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".md") || name.ends_with(".ko.md") {
            continue;
        }
        let commands = blocks(&read(&path)?);
        if !commands.is_empty() && !SAMPLE.contains(&name.as_str()) && !REST.contains(&name.as_str()) {
            complaints.push(format!("no case runs the commands of {name}"));
        }
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

async fn follow(stage: &Stage, guide: &str) -> Result<()> {
    let cleave = stage.programs().await?.join("cleave");
    let scripts = blocks(&read(&checkout().join("docs").join(guide))?);
    ensure!(!scripts.is_empty(), "it has no commands");
    let folder = tempfile::tempdir()?;
    let cargo = folder.path().join("bin/cargo");
    fs::create_dir(folder.path().join("bin"))?;
    fs::write(&cargo, CARGO)?;
    fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;

    let mut outcome = Ok(());
    for script in &scripts {
        outcome = paste(&cleave, folder.path(), script).await;
        if outcome.is_err() {
            break;
        }
    }
    // A guide that stops half way must not leave its shop behind.
    if folder.path().join("state/up.json").exists() {
        let down = paste(&cleave, folder.path(), "cargo cleave down").await;
        outcome = outcome.and(down.context("after the guide"));
    }
    outcome
}

async fn paste(cleave: &Path, folder: &Path, script: &str) -> Result<()> {
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("GUIDE", folder)
        .env("GUIDE_CLEAVE", cleave)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let Output { status, stdout, stderr } =
        tokio::time::timeout(BOUND, bash.output()).await.context("it did not end")??;
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "ended with {status}:\n{script}\n{out}\n{err}");
    Ok(())
}

//! The user's machine: its limits, and what its shell has set for other programs. Each case runs a real comparison.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::Stage;
use tokio::net::TcpListener;
use tokio::process::Command;

/// The limit for a short comparison, servers included, on a busy machine.
const BOUND: Duration = Duration::from_secs(600);

/// Runs `cleave compare` with these options in a shell, after this preparation.
async fn compare(
    cleave: &Path,
    before: &str,
    options: &str,
    variables: &[(&str, &str)],
) -> Result<(Output, Value)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.json");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{before}exec \"$0\" --folder \"$1\" compare {options} --json \"$2\"")])
        .arg(cleave)
        .arg(folder.path())
        .arg(&file)
        .env("LC_ALL", "C")
        .envs(variables.iter().copied())
        .kill_on_drop(true);
    let output = tokio::time::timeout(BOUND, shell.output()).await.context("compare did not end")??;
    let said = String::from_utf8_lossy(&output.stderr);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("compare ended with {} and wrote nothing: {said}", output.status))?;
    Ok((output, serde_json::from_str(&text)?))
}

/// A generator that cannot open its connections is no evidence about a shop: rule 62 (no zero).
pub async fn few_open_files_are_no_evidence(stage: &Stage) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    let options =
        "--modes monolith --saturate --clients 500 --duration 2s --warm-up 1s --trials 1 --seed 7 --yes";
    let (output, run) = compare(&cleave, "ulimit -n 256; ", options, &[]).await?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.code() == Some(2), "it ended with {}: {said}", output.status);
    ensure!(said.contains("each process may open 256 files here"), "it does not warn: {said}");
    ensure!(said.contains("too many open files in the load generator (ulimit -n)"), "no reason: {said}");
    ensure!(run.to_string().contains("too many open files in the load generator"), "no reason in {run:#}");
    Ok(None)
}

/// The processes of a server that the user names cannot be seen, so the processor time of a run with it is unknown. It
/// is left out with that reason, and is not the shop's share alone: rule 62 (no zero).
pub async fn a_figure_that_cannot_be_measured_is_absent(stage: &Stage) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    let url = stage.infrastructure().await?.postgres.create_database("elsewhere").await?;
    let options = format!(
        "--modes monolith --rate 20/s --duration 2s --warm-up 1s --trials 1 --seed 7 --yes --database-url {url}"
    );
    let (output, run) = compare(&cleave, "", &options, &[]).await?;
    let trial = &run["modes"][0]["trials"][0];
    ensure!(trial["cost_per_1000_orders"]["cpu_s_shop"].is_f64(), "its own part is known: {trial:#}");
    for figure in ["cpu_s", "cpu_s_servers"] {
        ensure!(trial["cost_per_1000_orders"][figure].is_null(), "{figure} was not measured: {trial:#}");
    }
    let why = &trial["not_measured"]["processor time of the servers"];
    ensure!(why == "their processes cannot be seen from here", "{trial:#}");
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("their processes cannot be seen from here"), "no reason: {said}");
    Ok(None)
}

/// `OTEL_EXPORTER_OTLP_ENDPOINT` in the shell is meant for other programs, until `--export` says otherwise.
pub async fn spans_are_exported_only_when_asked(stage: &Stage) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    let collector = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", collector.local_addr()?);
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let counting = tokio::spawn(async move {
        while collector.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let options = "--modes monolith --rate 20/s --duration 3s --warm-up 1s --trials 1 --seed 7 --yes";
    // The second one is no address of a collector. It once ended every program with 64.
    for endpoint in [&*endpoint, "https://127.0.0.1:9", ""] {
        let (output, _) = compare(&cleave, "", options, &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        // 2: such a short load may not bring enough orders of every outcome.
        ensure!(
            [Some(0), Some(2)].contains(&output.status.code()),
            "{endpoint:?}: {}: {said}",
            output.status
        );
    }
    ensure!(calls.load(Ordering::Relaxed) == 0, "spans were exported without being asked for");
    let options = format!("{options} --export");
    compare(&cleave, "", &options, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await?;
    ensure!(calls.load(Ordering::Relaxed) > 0, "no span was exported with --export");
    counting.abort();
    Ok(None)
}

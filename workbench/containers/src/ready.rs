//! Waits until a container is ready, within bounds, and says why if it never is.

use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::StreamExt;
use terminal::language::seconds;
use testcontainers::bollard::Docker;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::query_parameters::LogsOptionsBuilder;
use tokio::time::Instant;

use crate::words;

/// The polling interval.
const TICK: Duration = Duration::from_millis(200);
/// How many lines of the log an error quotes.
const TAIL: usize = 15;

/// The stream in which a server says that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Out,
    Err,
}

/// Waits until the container has written a line with this text.
pub async fn wait(docker: &Docker, id: &str, on: Said, text: &str, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        // In this order: what ends after it has written the line is noticed in the next round.
        let state = docker.inspect_container(id, None).await?.state.unwrap_or_default();
        if log(docker, id, on == Said::Out, on == Said::Err).await?.contains(text) {
            return Ok(());
        }
        if state.running == Some(false) {
            bail!(words::container_ended(state.exit_code.unwrap_or_default(), tail(docker, id).await));
        }
        if Instant::now() > deadline {
            bail!(words::never_ready(seconds(limit), tail(docker, id).await));
        }
        tokio::time::sleep(TICK).await;
    }
}

async fn tail(docker: &Docker, id: &str) -> String {
    let log = log(docker, id, true, true).await.unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n  ")
}

async fn log(docker: &Docker, id: &str, out: bool, err: bool) -> Result<String> {
    let options = LogsOptionsBuilder::default().stdout(out).stderr(err).build();
    let mut parts = docker.logs(id, Some(options));
    let mut text = Vec::new();
    while let Some(part) = parts.next().await {
        match part? {
            LogOutput::StdOut { message } | LogOutput::StdErr { message } => text.extend_from_slice(&message),
            _ => {}
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

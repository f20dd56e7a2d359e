//! Servers in containers, where a Docker engine answers. The program `cleave-containers` starts them; it is built when it is
//! first needed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::binaries;
use crate::guard::Guard;
use crate::process::{self, Process};

const PROGRAM: &str = "cleave-containers";
/// The first start pulls the image.
const LIMIT: Duration = Duration::from_secs(300);
/// How long a container may take to be stopped and removed.
const GRACE: Duration = Duration::from_secs(15);

/// A server in a container, with the process that holds it up. Dropping it ends both.
#[derive(Debug)]
pub struct Container {
    process: Process,
    id: String,
}

/// What `cleave-containers` says once the server is ready.
#[derive(Deserialize)]
struct Ready {
    container: String,
    url: String,
}

impl Container {
    /// Its id, as the engine knows it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Removes it, and waits until it is gone.
    pub async fn remove(self) -> Result<()> {
        self.process.stop(GRACE).await
    }
}

/// Says why no Docker engine can be used, or `Ok` where one answers.
pub async fn engine() -> Result<()> {
    if std::env::var_os("DOCKER_HOST").is_none() && !Path::new("/var/run/docker.sock").exists() {
        bail!("no Docker engine: there is no /var/run/docker.sock, and DOCKER_HOST is not set");
    }
    ask(&["engine"]).await
}

/// A PostgreSQL in a container, and the URL of its database `postgres`.
pub async fn postgres(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "postgres").await.context("cannot start PostgreSQL in a container")
}

/// A RabbitMQ in a container, and its URL.
pub async fn rabbitmq(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "rabbitmq").await.context("cannot start RabbitMQ in a container")
}

/// Removes a container, running or not.
pub(crate) async fn remove(id: &str) -> Result<()> {
    ask(&["remove", id]).await
}

async fn program() -> Result<PathBuf> {
    Ok(binaries::ensure_built(&[PROGRAM]).await?.join(PROGRAM))
}

async fn ask(arguments: &[&str]) -> Result<()> {
    let mut command = tokio::process::Command::new(program().await?);
    let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}

async fn start(guard: &Guard, server: &str) -> Result<(Container, String)> {
    let mut command = process::command(&program().await?);
    command.arg(server);
    let logs = tempfile::tempdir()?;
    let mut process = Process::start(guard, PROGRAM, command, &logs.path().join(server))?;
    let line = process.first_line(LIMIT).await?;
    let ready: Ready = serde_json::from_str(&line).with_context(|| line.clone())?;
    guard.watch_container(&ready.container)?;
    Ok((Container { process, id: ready.container }, ready.url))
}

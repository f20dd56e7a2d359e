//! Servers in containers, if a Docker engine responds. The program `cleave-containers` starts them, and is built when
//! it is first needed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::binaries;
use crate::guard::Guard;
use crate::mark::Owner;
use crate::process::{self, Process};
use crate::words;

const PROGRAM: &str = "cleave-containers";
/// The first start pulls the image.
const LIMIT: Duration = Duration::from_secs(300);
/// How long stopping and removing a container may take.
const GRACE: Duration = Duration::from_secs(15);

/// A server in a container, with the process that keeps it running. Dropping it ends both.
#[derive(Debug)]
pub struct Container {
    process: Process,
    id: String,
}

/// The output of `cleave-containers` when the server is ready.
#[derive(Deserialize)]
struct Ready {
    container: String,
    url: String,
}

impl Container {
    /// Its id in the Docker engine.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Removes it, and waits until that is done.
    pub async fn remove(self) -> Result<()> {
        self.process.stop(GRACE).await
    }
}

/// Returns `Ok` if a Docker engine responds, and otherwise the reason why none can be used.
pub async fn engine() -> Result<()> {
    if std::env::var_os("DOCKER_HOST").is_none() && !Path::new("/var/run/docker.sock").exists() {
        bail!(words::no_docker());
    }
    ask(&["engine"]).await.map(drop)
}

/// Starts PostgreSQL in a container. Returns the container and the URL of its database `postgres`.
pub async fn postgres(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "postgres").await.with_context(|| words::cannot_start_in_container("PostgreSQL"))
}

/// Starts RabbitMQ in a container. Returns the container and its URL.
pub async fn rabbitmq(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "rabbitmq").await.with_context(|| words::cannot_start_in_container("RabbitMQ"))
}

/// A container with Cleave's label, running or not.
#[derive(Debug, Deserialize)]
pub struct Left {
    /// Its id.
    pub container: String,
    /// The process that it was started for.
    owner: String,
}

impl Left {
    /// Whether the `cleave` process that started it still runs. If the label cannot be read, the container counts as
    /// in use.
    pub fn in_use(&self) -> bool {
        self.owner.parse::<Owner>().map_or(true, Owner::lives)
    }
}

/// The containers that Cleave started and that still exist.
pub async fn left() -> Result<Vec<Left>> {
    let said = ask(&["list"]).await?;
    serde_json::from_str(&said).with_context(|| said.clone())
}

/// Removes a container, running or not.
pub async fn remove(id: &str) -> Result<()> {
    ask(&["remove", id]).await.map(drop)
}

async fn program() -> Result<PathBuf> {
    Ok(binaries::ensure_built(&[PROGRAM]).await?.join(PROGRAM))
}

async fn ask(arguments: &[&str]) -> Result<String> {
    let mut command = tokio::process::Command::new(program().await?);
    command.envs([terminal::language::passed_on()]);
    let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn start(guard: &Guard, server: &str) -> Result<(Container, String)> {
    let mut command = process::command(&program().await?);
    command.args([server, "--owner", &Owner::this().to_string()]).envs([terminal::language::passed_on()]);
    let logs = tempfile::tempdir()?;
    let mut process = Process::start(guard, PROGRAM, command, &logs.path().join(server))?;
    let line = process.first_line(LIMIT).await?;
    let ready: Ready = serde_json::from_str(&line).with_context(|| line.clone())?;
    guard.watch_container(&ready.container)?;
    Ok((Container { process, id: ready.container }, ready.url))
}

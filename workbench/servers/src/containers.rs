//! Servers in containers, where a Docker engine answers. The program `cleave-containers` starts them; it is built when it is
//! first needed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::binaries;
use crate::guard::Guard;
use crate::left::Owner;
use crate::process::{self, Process};
use crate::words;

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
        bail!(words::no_docker());
    }
    ask(&["engine"]).await.map(drop)
}

/// A PostgreSQL in a container, and the URL of its database `postgres`.
pub async fn postgres(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "postgres").await.with_context(|| words::cannot_start_in_container("PostgreSQL"))
}

/// A RabbitMQ in a container, and its URL.
pub async fn rabbitmq(guard: &Guard) -> Result<(Container, String)> {
    start(guard, "rabbitmq").await.with_context(|| words::cannot_start_in_container("RabbitMQ"))
}

/// A container that carries our label, running or not.
#[derive(Debug, Deserialize)]
pub struct Left {
    /// Its id.
    pub container: String,
    /// The process that it was for.
    owner: String,
}

impl Left {
    /// Whether the `cleave` that started it still runs. A label that cannot be read says nothing, so it counts as in use.
    pub fn in_use(&self) -> bool {
        self.owner.parse::<Owner>().map_or(true, Owner::lives)
    }
}

/// The containers that Cleave started and that are still there.
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

//! Servers in containers, if a Docker engine responds. The program `cleave-containers` starts them, and is built when
//! it is first needed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::binaries;
use crate::engine::{self, Engine};
use crate::guard::{Guard, executable};
use crate::mark::Owner;
use crate::process::{self, Process};
use crate::words;

const PROGRAM: &str = "cleave-containers";
/// The first start pulls the image. The program itself ends much earlier if nothing goes on.
const LIMIT: Duration = Duration::from_secs(1800);
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

/// Returns the Docker engine that responds, or the reason why none can be used.
pub async fn engine() -> Result<Engine> {
    let engine = engine::find()?;
    ask(&["engine"]).await?;
    Ok(engine)
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

/// Removes the containers of an owner that has ended, and waits until no further one appears.
pub(crate) async fn remove_all_of(owner: &str) -> Result<()> {
    // It was built when the owner started the first of them. A guard builds nothing.
    let program = executable()?.with_file_name(PROGRAM);
    run(program, &["remove-all-of", owner]).await.map(drop)
}

async fn program() -> Result<PathBuf> {
    Ok(binaries::ensure_built(&[PROGRAM]).await?.join(PROGRAM))
}

async fn ask(arguments: &[&str]) -> Result<String> {
    run(program().await?, arguments).await
}

async fn run(program: PathBuf, arguments: &[&str]) -> Result<String> {
    let mut command = tokio::process::Command::new(program);
    command.env("DOCKER_HOST", engine::find()?.host).envs([terminal::language::passed_on()]);
    let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn start(guard: &Guard, server: &str) -> Result<(Container, String)> {
    let mut command = process::command(&program().await?);
    let owner = Owner::this().to_string();
    command.args([server, "--owner", &owner]).envs([terminal::language::passed_on()]);
    command.env("DOCKER_HOST", engine::find()?.host);
    // Before there is a container: this process may be killed while one is created.
    guard.watch_containers(&owner)?;
    let logs = tempfile::tempdir()?;
    let mut process = Process::start(guard, PROGRAM, command, &logs.path().join(server))?;
    let line = process.first_line(LIMIT).await?;
    let ready: Ready = serde_json::from_str(&line).with_context(|| line.clone())?;
    Ok((Container { process, id: ready.container }, ready.url))
}

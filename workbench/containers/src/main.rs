//! PostgreSQL and RabbitMQ in containers, through testcontainers.
//!
//! This is a separate program because most runs need no container, and a Docker API client takes longer to build than
//! the rest of `cleave`. `servers::containers` builds and runs it if a Docker engine responds.

mod words;

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser};
use serde_json::json;
use terminal::language::seconds;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

/// Containers for `cleave`.
#[derive(Debug, Parser)]
#[command(name = "cleave-containers", version)]
enum Cli {
    /// Check that a Docker engine responds.
    Engine,
    /// Start PostgreSQL, print its id and URL as one line of JSON, and remove it on SIGTERM.
    Postgres(Owned),
    /// Start RabbitMQ, print its id and URL as one line of JSON, and remove it on SIGTERM.
    Rabbitmq(Owned),
    /// List the containers that cleave started, as one line of JSON.
    List,
    /// Remove a container, running or not.
    Remove {
        /// The id of the container.
        id: String,
    },
}

#[derive(Debug, Args)]
struct Owned {
    /// The owning process, stored as a label. `cleave clean` finds the container by it.
    #[arg(long)]
    owner: String,
}

/// The label of every container that Cleave starts.
const LABEL: &str = "cleave.owner";

/// A running container. Dropping it removes it.
type Container = ContainerAsync<GenericImage>;

const POSTGRES: (&str, &str) = ("postgres", "17");
const RABBITMQ: (&str, &str) = ("rabbitmq", "3.13");
/// The first start pulls the image.
const LIMIT: Duration = Duration::from_secs(300);
/// The time limit for an engine to respond at all.
const PING: Duration = Duration::from_secs(3);

/// Returns `Ok` if a Docker engine responds, and otherwise the reason why none can be used.
async fn engine() -> Result<()> {
    let docker = Docker::connect_with_defaults().with_context(words::not_configured)?;
    let ping = tokio::time::timeout(PING, docker.ping()).await;
    ping.with_context(|| words::silent(seconds(PING)))?.with_context(words::no_engine)?;
    Ok(())
}

/// Starts PostgreSQL in a container. Returns the container and the URL of its database `postgres`.
async fn postgres(owner: &str) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let container = GenericImage::new(POSTGRES.0, POSTGRES.1)
        .with_exposed_port(5432.tcp())
        // The image first starts a temporary server, which prints the same line, but to standard output.
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_startup_timeout(LIMIT)
        .with_label(LABEL, owner)
        .with_env_var("POSTGRES_USER", "cleave")
        .with_env_var("POSTGRES_PASSWORD", &password)
        .with_env_var("POSTGRES_DB", "postgres")
        .with_cmd([
            "-c",
            "max_prepared_transactions=128",
            "-c",
            "track_commit_timestamp=on",
            "-c",
            "max_connections=400",
        ])
        .start()
        .await
        .with_context(|| words::cannot_start("PostgreSQL"))?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432.tcp()).await?);
    Ok((container, format!("postgres://cleave:{password}@{host}:{port}/postgres")))
}

/// Starts RabbitMQ in a container. Returns the container and its URL.
async fn rabbitmq(owner: &str) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let container = GenericImage::new(RABBITMQ.0, RABBITMQ.1)
        .with_exposed_port(5672.tcp())
        .with_wait_for(WaitFor::message_on_stdout("Server startup complete"))
        .with_startup_timeout(LIMIT)
        .with_label(LABEL, owner)
        .with_env_var("RABBITMQ_DEFAULT_USER", "cleave")
        .with_env_var("RABBITMQ_DEFAULT_PASS", &password)
        .start()
        .await
        .with_context(|| words::cannot_start("RabbitMQ"))?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5672.tcp()).await?);
    Ok((container, format!("amqp://cleave:{password}@{host}:{port}/%2f")))
}

/// Prints the id and the owner of each container with Cleave's label, running or not.
async fn list() -> Result<()> {
    let labelled = HashMap::from([("label", vec![LABEL])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&labelled).build();
    let found = Docker::connect_with_defaults()?.list_containers(Some(options)).await?;
    let containers = found.into_iter().filter_map(|container| {
        let owner = container.labels?.remove(LABEL)?;
        Some(json!({ "container": container.id?, "owner": owner }))
    });
    terminal::say!("{}", serde_json::Value::from_iter(containers));
    Ok(())
}

/// Removes a container, running or not.
async fn remove(id: &str) -> Result<()> {
    let docker = Docker::connect_with_defaults()?;
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    Ok(docker.remove_container(id, Some(options)).await?)
}

/// Keeps the container running until SIGTERM or SIGINT, then removes it.
async fn hold(started: (Container, String)) -> Result<()> {
    let (container, url) = started;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    terminal::say!("{}", json!({ "container": container.id(), "url": url }));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let id = container.id().to_owned();
    container.rm().await.with_context(|| words::not_removed(id))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Engine => engine().await,
        Cli::Postgres(Owned { owner }) => run(postgres(&owner)).await,
        Cli::Rabbitmq(Owned { owner }) => run(rabbitmq(&owner)).await,
        Cli::List => list().await,
        Cli::Remove { id } => remove(&id).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(starting: impl Future<Output = Result<(Container, String)>>) -> Result<()> {
    hold(starting.await?).await
}

//! PostgreSQL and RabbitMQ in containers, through testcontainers.
//!
//! This is a separate program because most runs need no container, and a Docker API client takes longer to build than
//! the rest of `cleave`. `servers::containers` builds and runs it if a Docker engine responds.

mod image;
mod ready;
mod words;

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, Parser};
use serde_json::json;
use terminal::language::seconds;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::ContainerSummary;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use ready::Said;

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
    /// Remove all containers of an owner that has ended, and one that the engine is just creating for it.
    RemoveAllOf {
        /// The owner.
        owner: String,
    },
}

#[derive(Debug, Args)]
struct Owned {
    /// The owning process, stored as a label. `cleave clean` finds the container by it.
    #[arg(long)]
    owner: String,
    /// How long a pull may go on without progress, in seconds.
    #[arg(long, default_value_t = 30)]
    patience: u64,
    /// How long the server may take to be ready, in seconds.
    #[arg(long, default_value_t = 180)]
    ready_within: u64,
}

/// The label of every container that Cleave starts.
const LABEL: &str = "cleave.owner";

/// A running container. Dropping it removes it.
type Container = ContainerAsync<GenericImage>;

/// The variables with the images' names, and the names without them.
const POSTGRES: (&str, &str) = ("POSTGRES_IMAGE", "postgres:17");
const RABBITMQ: (&str, &str) = ("RABBITMQ_IMAGE", "rabbitmq:4.0");
/// How long the engine may take to create and start a container.
const LIMIT: Duration = Duration::from_secs(120);
/// How long no further container must appear until all of an ended owner are removed.
const SETTLED: Duration = Duration::from_secs(2);
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
async fn postgres(owned: &Owned) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let name = image::name(POSTGRES.0, POSTGRES.1);
    let (image, tag) = image::parts(&name);
    let request = GenericImage::new(image, tag)
        .with_exposed_port(5432.tcp())
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
        ]);
    // The image first starts a temporary server, which prints the same line, but to standard output.
    let line = (Said::Err, "database system is ready to accept connections");
    let container =
        start(request, &name, owned, line).await.with_context(|| words::cannot_start("PostgreSQL"))?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432.tcp()).await?);
    Ok((container, format!("postgres://cleave:{password}@{host}:{port}/postgres")))
}

/// Starts RabbitMQ in a container. Returns the container and its URL.
async fn rabbitmq(owned: &Owned) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let name = image::name(RABBITMQ.0, RABBITMQ.1);
    let (image, tag) = image::parts(&name);
    let request = GenericImage::new(image, tag)
        .with_exposed_port(5672.tcp())
        .with_env_var("RABBITMQ_DEFAULT_USER", "cleave")
        .with_env_var("RABBITMQ_DEFAULT_PASS", &password);
    let line = (Said::Out, "Server startup complete");
    let container =
        start(request, &name, owned, line).await.with_context(|| words::cannot_start("RabbitMQ"))?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5672.tcp()).await?);
    Ok((container, format!("amqp://cleave:{password}@{host}:{port}/%2f")))
}

/// Starts a container and waits until it has written this line. If it does not, it is removed.
async fn start(
    request: impl Into<ContainerRequest<GenericImage>>,
    image: &str,
    owned: &Owned,
    (on, text): (Said, &str),
) -> Result<Container> {
    let docker = Docker::connect_with_defaults()?;
    image::ensure(&docker, image, Duration::from_secs(owned.patience)).await?;
    let request = request.into().with_startup_timeout(LIMIT).with_label(LABEL, &owned.owner);
    let container = request.start().await?;
    match ready::wait(&docker, container.id(), on, text, Duration::from_secs(owned.ready_within)).await {
        Ok(()) => Ok(container),
        Err(why) => {
            container.rm().await?;
            Err(why)
        }
    }
}

/// The containers with Cleave's label, or with this owner.
async fn labelled(docker: &Docker, owner: Option<&str>) -> Result<Vec<ContainerSummary>> {
    let label = owner.map_or(LABEL.to_owned(), |owner| format!("{LABEL}={owner}"));
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    Ok(docker.list_containers(Some(options)).await?)
}

/// Prints the id and the owner of each container with Cleave's label, running or not.
async fn list() -> Result<()> {
    let found = labelled(&Docker::connect_with_defaults()?, None).await?;
    let containers = found.into_iter().filter_map(|container| {
        let owner = container.labels?.remove(LABEL)?;
        Some(json!({ "container": container.id?, "owner": owner }))
    });
    terminal::say!("{}", serde_json::Value::from_iter(containers));
    Ok(())
}

/// Removes an owner's containers. A request to create one may still be under way when the owner is killed.
async fn remove_all_of(owner: &str) -> Result<()> {
    let docker = Docker::connect_with_defaults()?;
    let mut last = Instant::now();
    while last.elapsed() < SETTLED {
        for id in labelled(&docker, Some(owner)).await?.into_iter().filter_map(|container| container.id) {
            // It may be gone, or be removed by another already.
            let _ = remove(&id).await;
            last = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
        Cli::Postgres(owned) => run(postgres(&owned)).await,
        Cli::Rabbitmq(owned) => run(rabbitmq(&owned)).await,
        Cli::List => list().await,
        Cli::Remove { id } => remove(&id).await,
        Cli::RemoveAllOf { owner } => remove_all_of(&owner).await,
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

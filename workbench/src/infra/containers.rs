//! Servers in containers, where a Docker engine answers.

use std::time::Duration;

use anyhow::{Context, Result};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use uuid::Uuid;

use crate::guard::Guard;

/// A running container. Dropping it removes it.
pub type Container = ContainerAsync<GenericImage>;

const POSTGRES: (&str, &str) = ("postgres", "17");
const RABBITMQ: (&str, &str) = ("rabbitmq", "3.13");
/// The first start pulls the image.
const LIMIT: Duration = Duration::from_secs(300);

/// Why no Docker engine can be used, or `Ok` if one answers.
pub async fn engine() -> Result<()> {
    let docker = Docker::connect_with_defaults().context("no Docker engine is configured")?;
    let ping = tokio::time::timeout(Duration::from_secs(3), docker.ping()).await;
    ping.context("the Docker engine does not answer")?.context("no Docker engine answers")?;
    Ok(())
}

/// A PostgreSQL in a container, and the URL of its database `postgres`.
pub async fn postgres(guard: &Guard) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let container = GenericImage::new(POSTGRES.0, POSTGRES.1)
        .with_exposed_port(5432.tcp())
        // The image starts a server once to set it up and says this then too, but on standard output.
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_startup_timeout(LIMIT)
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
        .context("cannot start PostgreSQL in a container")?;
    guard.watch_container(container.id())?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432.tcp()).await?);
    Ok((container, format!("postgres://cleave:{password}@{host}:{port}/postgres")))
}

/// A RabbitMQ in a container, and its URL.
pub async fn rabbitmq(guard: &Guard) -> Result<(Container, String)> {
    let password = Uuid::new_v4().simple().to_string();
    let container = GenericImage::new(RABBITMQ.0, RABBITMQ.1)
        .with_exposed_port(5672.tcp())
        .with_wait_for(WaitFor::message_on_stdout("Server startup complete"))
        .with_startup_timeout(LIMIT)
        .with_env_var("RABBITMQ_DEFAULT_USER", "cleave")
        .with_env_var("RABBITMQ_DEFAULT_PASS", &password)
        .start()
        .await
        .context("cannot start RabbitMQ in a container")?;
    guard.watch_container(container.id())?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5672.tcp()).await?);
    Ok((container, format!("amqp://cleave:{password}@{host}:{port}/%2f")))
}

/// Removes a container, running or not.
pub(crate) async fn remove(id: &str) -> Result<()> {
    let docker = Docker::connect_with_defaults()?;
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    Ok(docker.remove_container(id, Some(options)).await?)
}

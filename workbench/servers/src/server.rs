//! A server, independent of how it was found.

use std::path::Path;

use parking_lot::Mutex;

use anyhow::{Context, Result};
use serde::Serialize;
use topology::BrokerControl;
use uuid::Uuid;

use super::containers::{self, Container};
use super::postgres::Postgres;
use super::programs::{PostgresPrograms, RabbitPrograms};
use super::rabbitmq::RabbitMq;
use super::{ServerOptions, amqp, database, words};
use crate::guard::Guard;

/// How a server was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// The user gave its URL.
    Url,
    /// Cleave started it from programs on this machine.
    Private,
    /// Cleave started it in a container.
    Container,
}

/// What keeps a server running.
#[derive(Debug)]
pub enum Running<P> {
    /// A server at this place (shown without its password) that Cleave did not start and does not stop.
    Elsewhere(String),
    /// Started by Cleave, for this run alone.
    Private(P),
    /// One in a container.
    Container(Box<Container>),
}

impl<P> Running<P> {
    /// How the server was found.
    pub fn found_by(&self) -> FoundBy {
        match self {
            Running::Elsewhere(_) => FoundBy::Url,
            Running::Private(_) => FoundBy::Private,
            Running::Container(_) => FoundBy::Container,
        }
    }

    /// The private server, to crash and restart it.
    pub fn private(&mut self) -> Option<&mut P> {
        match self {
            Running::Private(server) => Some(server),
            _ => None,
        }
    }

    fn source(&self, folder: impl Fn(&P) -> &Path) -> String {
        match self {
            Running::Elsewhere(place) => words::from_url(place),
            Running::Private(server) => words::private(folder(server).display()),
            Running::Container(container) => words::in_container(container.id()),
        }
    }
}

/// A PostgreSQL, with the databases that were created on it.
#[derive(Debug)]
pub struct DatabaseServer {
    /// The server itself.
    pub running: Running<Postgres>,
    version: String,
    /// The URL of a database that always exists, used to create others.
    admin: String,
    /// Prefix of the names of databases, which separates them from others on the user's server.
    prefix: String,
    created: Mutex<Vec<String>>,
    guard: Guard,
}

/// A RabbitMQ.
#[derive(Debug)]
pub struct Broker {
    /// The server itself.
    pub running: Running<RabbitMq>,
    version: String,
    url: String,
}

/// Finds or starts a PostgreSQL.
pub(super) async fn database(
    guard: &Guard,
    options: &ServerOptions,
    in_container: bool,
) -> Result<DatabaseServer> {
    let (running, admin, version, prefix) = if let Some(url) = &options.database_url {
        let version = database::check(url).await?;
        let random = Uuid::new_v4().simple().to_string();
        let prefix = format!("cleave_{}_", &random[..8]);
        (Running::Elsewhere(database::shown(url)?), url.clone(), version, prefix)
    } else if in_container {
        let (container, url) = containers::postgres(guard).await?;
        let version = database::check(&url).await?;
        (Running::Container(Box::new(container)), url, version, String::new())
    } else {
        let programs = PostgresPrograms::find().with_context(|| words::programs_are_gone("PostgreSQL"))?;
        let server =
            Postgres::start(guard, &programs, options.logs.as_deref(), options.disk.as_deref()).await?;
        let (url, version) = (server.url("postgres"), server.version().to_owned());
        (Running::Private(server), url, version, String::new())
    };
    Ok(DatabaseServer { running, version, admin, prefix, created: Mutex::default(), guard: guard.clone() })
}

/// Finds or starts a RabbitMQ.
pub(super) async fn broker(guard: &Guard, options: &ServerOptions, in_container: bool) -> Result<Broker> {
    let (running, url, version) = if let Some(url) = &options.amqp_url {
        (Running::Elsewhere(database::shown(url)?), url.clone(), amqp::check(url).await?)
    } else if in_container {
        let (container, url) = containers::rabbitmq(guard).await?;
        let version = amqp::check(&url).await?;
        (Running::Container(Box::new(container)), url, version)
    } else {
        let programs = RabbitPrograms::find().with_context(|| words::programs_are_gone("RabbitMQ"))?;
        let server = RabbitMq::start(guard, &programs, options.logs.as_deref()).await?;
        let (url, version) = (server.url(), server.version().to_owned());
        (Running::Private(server), url, version)
    };
    Ok(Broker { running, version, url })
}

impl DatabaseServer {
    /// Creates a database and returns its URL.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        let name = format!("{}{name}", self.prefix);
        if self.running.found_by() == FoundBy::Url {
            // Before it is created: dropping a database that does not exist is harmless.
            self.guard.watch_database(&self.admin, &name)?;
            self.created.lock().push(name.clone());
        }
        database::create(&self.admin, &name).await?;
        database::with_database(&self.admin, &name)
    }

    /// Drops a database that Cleave created, even if there are connections to it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        database::drop(&self.admin, &format!("{}{name}", self.prefix)).await
    }

    /// The URL of a database that [`DatabaseServer::create_database`] has created.
    pub fn url(&self, name: &str) -> Result<String> {
        database::with_database(&self.admin, &format!("{}{name}", self.prefix))
    }

    /// The URL of a database that always exists, for statements about the whole server.
    pub fn admin_url(&self) -> &str {
        &self.admin
    }

    /// The server's version, such as `15.14`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The root processes, if Cleave started the server.
    pub fn pids(&self) -> Vec<u32> {
        match &self.running {
            Running::Private(server) => vec![server.pid()],
            _ => Vec::new(),
        }
    }

    /// A description of how it was found.
    pub(super) fn source(&self) -> String {
        self.running.source(Postgres::folder)
    }

    /// Stops it if Cleave started it. On the user's server, drops the databases that were created.
    pub(super) async fn stop(self) -> Result<()> {
        match self.running {
            Running::Private(server) => server.stop().await,
            Running::Container(container) => container.remove().await,
            Running::Elsewhere(_) => {
                let created = self.created.into_inner();
                for name in created {
                    database::drop(&self.admin, &name).await?;
                    self.guard.forget_database(&self.admin, &name);
                }
                Ok(())
            }
        }
    }
}

impl Broker {
    /// The URL for clients.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's version, such as `3.10.8`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How to ask the broker what AMQP cannot; `None` if it is not a private one.
    pub fn control(&self) -> Option<BrokerControl> {
        match &self.running {
            Running::Private(server) => Some(server.control()),
            _ => None,
        }
    }

    /// The root processes, if Cleave started the server.
    pub fn pids(&self) -> Vec<u32> {
        match &self.running {
            Running::Private(server) => server.pids(),
            _ => Vec::new(),
        }
    }

    /// A description of how it was found.
    pub(super) fn source(&self) -> String {
        self.running.source(RabbitMq::folder)
    }

    /// Stops it if Cleave started it.
    pub(super) async fn stop(self) -> Result<()> {
        match self.running {
            Running::Private(server) => server.stop().await,
            Running::Container(container) => container.remove().await,
            Running::Elsewhere(_) => Ok(()),
        }
    }
}

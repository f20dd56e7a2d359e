//! The servers that both modes use: finds, starts or installs them, and cleans up afterwards.
//!
//! In this order: URLs from the user; private servers, from programs on this machine; containers, if the programs are
//! missing and a Docker engine responds; otherwise the programs are installed. Cleave never uses a server that
//! belongs to others unless its URL is given, and never a fixed port.

mod amqp;
pub mod binaries;
pub mod busy;
pub mod containers;
mod database;
mod disk;
pub mod engine;
mod folder;
pub mod guard;
mod install;
pub mod left;
pub mod mark;
mod options;
pub mod packages;
mod ports;
mod postgres;
pub mod process;
pub mod process_tree;
mod programs;
mod rabbitmq;
mod readiness;
pub mod record;
mod server;
mod words;

use anyhow::Result;

pub use database::{connect, drop as drop_database, shown};
pub use folder::{base as data_folder, in_memory};
pub use install::{Server, command as install_command, install, uninstall};
pub use options::ServerOptions;
pub use postgres::Postgres;
pub use programs::{PostgresPrograms, RabbitPrograms, on_path, version as program_version};
pub use rabbitmq::RabbitMq;
pub use readiness::{Readiness, Waits};
pub use server::{Broker, DatabaseServer, FoundBy, Running};

use crate::guard::{Guard, Watched};

/// The running servers.
#[derive(Debug)]
pub struct Infrastructure {
    /// PostgreSQL.
    pub postgres: DatabaseServer,
    /// RabbitMQ, if it was needed.
    pub rabbitmq: Option<Broker>,
}

impl Infrastructure {
    /// Finds or starts the servers, and reports on standard error which ones are used.
    pub async fn find(guard: &Guard, options: &ServerOptions) -> Result<Infrastructure> {
        let missing = missing(options);
        let in_containers = !missing.is_empty() && containers::engine().await.is_ok();
        let mut started = None;
        if in_containers {
            match Self::start(guard, options, &missing).await {
                Ok(servers) => started = Some(servers),
                Err(why) => terminal::note!("{}", words::no_containers(format!("{why:#}"))),
            }
        }
        let (postgres, rabbitmq) = match started {
            Some(started) => started,
            None => {
                if !missing.is_empty() {
                    install(&missing, options.yes).await?;
                }
                Self::start(guard, options, &[]).await?
            }
        };
        terminal::note!("PostgreSQL {}: {}", postgres.version(), postgres.source());
        if let Some(broker) = &rabbitmq {
            terminal::note!("RabbitMQ {}: {}", broker.version(), broker.source());
        }
        Ok(Infrastructure { postgres, rabbitmq })
    }

    /// Starts what is not given by a URL: these in containers, the others from programs on this machine.
    async fn start(
        guard: &Guard,
        options: &ServerOptions,
        in_containers: &[Server],
    ) -> Result<(DatabaseServer, Option<Broker>)> {
        let spinner = install::spinner(words::starting_the_servers());
        let broker = async {
            if !options.needs_broker {
                return Ok(None);
            }
            server::broker(guard, options, in_containers.contains(&Server::RabbitMq)).await.map(Some)
        };
        let database = server::database(guard, options, in_containers.contains(&Server::PostgreSql));
        let started = tokio::try_join!(database, broker);
        spinner.finish_and_clear();
        started
    }

    /// Finds or starts a broker, if there is none yet.
    pub async fn add_broker(&mut self, guard: &Guard, options: &ServerOptions) -> Result<()> {
        if self.rabbitmq.is_some() {
            return Ok(());
        }
        let options = ServerOptions { needs_broker: true, ..options.clone() };
        let is_missing = missing(&options).contains(&Server::RabbitMq);
        let in_container = is_missing && containers::engine().await.is_ok();
        if is_missing && !in_container {
            install(&[Server::RabbitMq], options.yes).await?;
        }
        let broker = server::broker(guard, &options, in_container).await?;
        terminal::note!("RabbitMQ {}: {}", broker.version(), broker.source());
        self.rabbitmq = Some(broker);
        Ok(())
    }

    /// The broker's URL, if there is a broker.
    pub fn amqp_url(&self) -> Option<&str> {
        self.rabbitmq.as_ref().map(Broker::url)
    }

    /// The root processes of the servers that Cleave started, for measuring CPU time and memory.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = self.postgres.pids();
        pids.extend(self.rabbitmq.iter().flat_map(Broker::pids));
        pids
    }

    /// Stops what was started and drops what was created. After an error or a panic, destructors and the guard do the
    /// rest.
    pub async fn stop(self) -> Result<()> {
        let broker = async {
            match self.rabbitmq {
                Some(broker) => broker.stop().await,
                None => Ok(()),
            }
        };
        let (postgres, broker) = tokio::join!(self.postgres.stop(), broker);
        postgres.and(broker)
    }
}

/// The servers that are needed, have no URL from the user, and whose programs are not installed.
fn missing(options: &ServerOptions) -> Vec<Server> {
    let mut needed = Vec::new();
    if options.database_url.is_none() {
        needed.push(Server::PostgreSql);
    }
    if options.needs_broker && options.amqp_url.is_none() {
        needed.push(Server::RabbitMq);
    }
    needed.retain(|server| !server.is_here());
    needed
}

/// Runs this process as the guard of another one: `cleave guard`.
pub fn be_guard() -> Result<()> {
    guard::run(async |watched| match watched {
        Watched::Database { name, admin } => drop_database(admin, name).await,
        Watched::Containers(owner) => containers::remove_all_of(owner).await,
        Watched::Process { .. } | Watched::Folder(_) => Ok(()),
    })
}

//! A service's life, from start to shutdown.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::web;
use anyhow::{anyhow, bail};
use clap::Args;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures_util::future::{LocalBoxFuture, join_all};
use platform::health::Health;
use platform::http::Routes;
use platform::telemetry::Telemetry;
use platform::{Flaw, Pool, Waits, config, db, flaw, http, migrations};
use tokio::sync::watch;

use crate::broker::Broker;
use crate::consumer::Consumer;
use crate::inbox;
use crate::metrics::Metrics;
use crate::participant::Participant;
use crate::protocol::Protocol;
use crate::reactor::{Reactor, Reacts};
use crate::relay::{Handover, Relay};
use crate::schema::owner;
use crate::topology::Topology;

/// The chassis's own tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Connections for background work: consuming, periodic work, housekeeping, measuring the outbox.
const BACKGROUND_CONNECTIONS: usize = 4;

/// How often old inbox rows are deleted.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// The settings of every service.
#[derive(Debug, Clone, Args)]
pub struct ServiceSettings {
    /// What every program with a database has.
    #[command(flatten)]
    pub base: config::ProgramSettings,
    /// The broker, as amqp://user:password@host:port/vhost.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_parser = amqp_url)]
    pub amqp_url: String,
    /// How it sends and receives.
    #[command(flatten)]
    pub messaging: Messaging,
    /// How the services of this shop stay consistent. Must be the same for all of them.
    #[arg(long, env = "CLEAVE_SAGA", value_enum, default_value_t = Protocol::Orchestrated)]
    pub saga: Protocol,
}

/// How a program sends and receives messages.
#[derive(Debug, Clone, Args)]
pub struct Messaging {
    /// Prefix of the exchange and all queues; identifies the shop that this service belongs to.
    #[arg(long, env = "CLEAVE_NAMESPACE", default_value = "cleave")]
    namespace: String,
    /// Number of deliveries that the broker may send ahead of our acks.
    #[arg(long, env = "CLEAVE_PREFETCH", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    prefetch: u16,
    /// How many times to publish each message. More than once only to test that duplicates make no difference.
    #[arg(long, env = "CLEAVE_DELIVERIES", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    deliveries: u8,
}

impl ServiceSettings {
    /// Starts the telemetry of the service with this name.
    pub fn start_telemetry(&self, name: &'static str) -> anyhow::Result<Telemetry> {
        Telemetry::start(name, self.base.endpoint.instance(name), &self.base.telemetry)
    }
}

/// Reads a broker's URL.
pub fn amqp_url(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix("amqp://") else {
        return Err("it must start with amqp:// and look like amqp://user:password@host:port/vhost".into());
    };
    // The client library reads such a host as localhost, and would connect to another broker.
    if rest.rsplit_once('@').map_or(rest, |(_, host)| host).starts_with('[') {
        return Err("an IPv6 address is not supported here; give a host name that leads to it".into());
    }
    Ok(text.to_owned())
}

/// A service: its module's tables and endpoints, the messages that it receives, and how it reacts to them.
pub struct Service {
    /// The name, which is the module's.
    pub name: &'static str,
    /// The migrations of its modules, in addition to the chassis's own.
    pub migrations: Vec<EmbeddedMigrations>,
    /// The routing keys that its queue is bound to.
    pub routing_keys: &'static [&'static str],
    /// How it reacts to messages.
    pub reacts: Reacts,
    /// Modules whose queues it empties too, because they have come home and messages to them may be left.
    pub also: Vec<Also>,
    /// Its endpoints. They find the [`Pool`] and the relay's [`Handover`] in the app's data.
    pub routes: Routes,
}

/// Another queue, with commands for a module of this program.
#[derive(Clone)]
pub struct Also {
    /// The module's name, and that of its queue.
    pub name: &'static str,
    /// The routing keys that its queue is bound to.
    pub routing_keys: &'static [&'static str],
    /// Handles them.
    pub participant: Arc<Participant>,
}

/// Runs a service until it is told to stop. On shutdown it accepts no more requests, finishes those in progress, stops
/// consuming, publishes what is left in its outbox, and closes.
pub fn run(
    settings: ServiceSettings,
    telemetry: Telemetry,
    service: Service,
) -> LocalBoxFuture<'static, anyhow::Result<()>> {
    match service.reacts.clone() {
        Reacts::ToCommands(reactor) => Box::pin(run_with(reactor, settings, telemetry, service)),
        Reacts::ToEvents(reactor) => Box::pin(run_with(reactor, settings, telemetry, service)),
    }
}

async fn run_with<R: Reactor + ?Sized>(
    reactor: Arc<R>,
    settings: ServiceSettings,
    telemetry: Telemetry,
    service: Service,
) -> anyhow::Result<()> {
    settings.base.break_on_purpose();
    if settings.saga == Protocol::Naive {
        flaw::switch_on(&[Flaw::NoOutbox, Flaw::NoInbox]);
    }
    let broker = Broker::new(&settings.amqp_url);
    prepare_servers(&settings, &broker, service.name, service.migrations).await?;
    if settings.base.migrate_only {
        return Ok(());
    }
    let url = &settings.base.database_url;
    let pool = db::pool(url, BACKGROUND_CONNECTIONS);
    let topology = Topology::new(&settings.messaging.namespace, service.name, service.routing_keys);
    let metrics = Metrics::new(&telemetry);
    telemetry.pools().inspect(|pools| pools.watch("background", &pool));
    let (handover, connected) = (Handover::default(), Arc::new(AtomicBool::new(false)));
    let waits = Waits::default();
    let relay = Relay {
        database_url: url.clone(),
        broker: broker.clone(),
        topology: topology.clone(),
        handover: handover.clone(),
        deliveries: settings.messaging.deliveries,
        waits: waits.clone(),
        telemetry: telemetry.clone(),
        metrics: metrics.clone(),
    };
    let also = service.also.iter().map(|also| Consumer {
        broker: broker.clone(),
        topology: Topology::new(&settings.messaging.namespace, also.name, also.routing_keys),
        pool: pool.clone(),
        handover: handover.clone(),
        reactor: also.participant.clone(),
        prefetch: settings.messaging.prefetch,
        connected: Arc::default(),
        waits: waits.clone(),
        telemetry: telemetry.clone(),
        metrics: metrics.clone(),
    });
    let also: Vec<Consumer<Participant>> = also.collect();
    let consumer = Consumer {
        broker,
        topology,
        pool,
        handover: handover.clone(),
        reactor,
        prefetch: settings.messaging.prefetch,
        connected: connected.clone(),
        waits: waits.clone(),
        telemetry: telemetry.clone(),
        metrics,
    };
    let health = Health::new(service.name).needing("broker", connected).waiting(waits);
    let (base, observed) = (settings.base.clone(), telemetry.clone());
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        let pool = db::pool(&base.database_url, base.pool_per_worker());
        observed.pools().inspect(|pools| pools.watch("requests", &pool));
        app.app_data(web::Data::new(pool)).app_data(web::Data::new(handover.clone()));
        (service.routes)(app);
    });

    let endpoint = &settings.base.endpoint;
    let registration = endpoint.registration(service.name);
    let server = http::serve(endpoint.at, &telemetry, health, registration, routes);
    let outcome = until_stopped(server, &consumer, &also, &relay).await;
    telemetry.finish().await;
    outcome
}

/// Migrates and claims the database, and checks the broker. Waits for both at once, so that a wrong address of either is
/// reported before anything else starts.
async fn prepare_servers(
    settings: &ServiceSettings,
    broker: &Broker,
    service: &str,
    migrations: Vec<EmbeddedMigrations>,
) -> anyhow::Result<()> {
    let url = &settings.base.database_url;
    let tables = std::iter::once(MIGRATIONS).chain(migrations).collect();
    let database = async {
        migrations::run(url, tables).await?;
        own_database(&mut db::connect_one(url).await?, service, settings.saga).await
    };
    if settings.base.migrate_only {
        return database.await;
    }
    tokio::try_join!(database, broker.connect("check"))?;
    Ok(())
}

/// Runs everything until the server ends. Three stages on shutdown: messages are consumed while requests are still in
/// progress, because a request may wait for their result, and the relay runs until nothing can write to the outbox any
/// more.
async fn until_stopped<R: Reactor + ?Sized>(
    server: impl Future<Output = anyhow::Result<()>>,
    consumer: &Consumer<R>,
    also: &[Consumer<Participant>],
    relay: &Relay,
) -> anyhow::Result<()> {
    let (stop_taking, taking) = watch::channel(false);
    let (stop_relay, relaying) = watch::channel(false);
    let intake = async {
        let server = async {
            let outcome = server.await;
            stop_taking.send_replace(true);
            outcome
        };
        let (outcome, ..) = tokio::join!(
            server,
            consumer.run(taking.clone()),
            join_all(also.iter().map(|consumer| consumer.run(taking.clone()))),
            consumer.tick(taking.clone()),
            housekeeping(&consumer.pool, taking.clone()),
            consumer.metrics.watch_outbox(&consumer.pool, taking.clone())
        );
        stop_relay.send_replace(true);
        outcome
    };
    let (outcome, ()) = tokio::join!(intake, relay.run(relaying));
    outcome
}

/// Claims the database for this service, or fails and names its owner. The protocol cannot change either: commands that
/// wait in a queue are useless to a service that expects events.
async fn own_database(conn: &mut AsyncPgConnection, service: &str, protocol: Protocol) -> anyhow::Result<()> {
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = owner, check_for_backend(Pg))]
    struct Owner {
        service: String,
        protocol: String,
    }
    diesel::insert_into(owner::table)
        .values((owner::service.eq(service), owner::protocol.eq(protocol.name())))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    let owner = owner::table.select(Owner::as_select()).get_result(conn).await?;
    if owner.service != service {
        bail!(
            "this database belongs to the service {}; give {service} its own database with --database-url",
            owner.service
        );
    }
    if owner.protocol != protocol.name() {
        bail!(
            "this database belongs to a shop with --saga {}, and its queues may hold messages of that kind; start it \
             with --saga {}, or give {service} a new database and the shop a new --namespace",
            owner.protocol,
            owner.protocol
        );
    }
    Ok(())
}

async fn housekeeping(pool: &Pool, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(HOUSEKEEPING, stop.changed()).await.is_err() {
        let forgotten = async {
            let mut conn = db::get(pool).await?;
            inbox::forget_old(&mut conn).await.map_err(|error| anyhow!(error))
        };
        match forgotten.await {
            Ok(rows) => tracing::info!(rows, "deleted old inbox rows"),
            Err(error) => {
                tracing::warn!(%error, "deleting old inbox rows failed; the next try is in an hour")
            }
        }
    }
}

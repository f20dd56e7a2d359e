//! A service from its start to its end.

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
use futures_util::future::LocalBoxFuture;
use platform::health::Health;
use platform::http::Routes;
use platform::telemetry::Telemetry;
use platform::{Flaw, Pool, config, db, flaw, http, migrations};
use tokio::sync::watch;

use crate::broker::Broker;
use crate::consumer::Consumer;
use crate::inbox;
use crate::metrics::Metrics;
use crate::protocol::Protocol;
use crate::reactor::{Reactor, Reacts};
use crate::relay::{Relay, Wake};
use crate::schema::owner;
use crate::topology::Topology;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Connections of what goes on beside the requests: consuming, what time makes due, housekeeping, looking at the outbox.
const BACKGROUND_CONNECTIONS: usize = 4;

/// How often old inbox rows are forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// What every service needs to be told.
#[derive(Debug, Clone, Args)]
pub struct ServiceSettings {
    #[command(flatten)]
    base: config::ProgramSettings,
    /// The broker, as amqp://user:password@host:port/vhost.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_parser = amqp_url)]
    amqp_url: String,
    /// The name that the exchange and all queues begin with: the shop that this service belongs to.
    #[arg(long, env = "CLEAVE_NAMESPACE", default_value = "cleave")]
    namespace: String,
    /// How the services of this shop stay consistent. All of them have to be told the same.
    #[arg(long, env = "CLEAVE_SAGA", value_enum, default_value_t = Protocol::Orchestrated)]
    pub saga: Protocol,
    /// Deliveries that the broker may send ahead of our acks.
    #[arg(long, env = "CLEAVE_PREFETCH", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    prefetch: u16,
    /// How often each message is published. More than once only to test that it makes no difference.
    #[arg(long, env = "CLEAVE_DELIVERIES", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    deliveries: u8,
}

impl ServiceSettings {
    /// Starts what this service, of this name, tells of its work.
    pub fn start_telemetry(&self, name: &'static str) -> anyhow::Result<Telemetry> {
        Telemetry::start(name, self.base.endpoint.instance(name), &self.base.telemetry)
    }
}

fn amqp_url(text: &str) -> Result<String, String> {
    if text.starts_with("amqp://") {
        return Ok(text.to_owned());
    }
    Err("it must start with amqp:// and look like amqp://user:password@host:port/vhost".into())
}

/// One service: a name, the tables and the endpoints of its module, what it listens to, and what it does about it.
pub struct Service {
    /// Its name, which is the module's.
    pub name: &'static str,
    /// The schemas of what it runs, besides the chassis's own.
    pub migrations: Vec<EmbeddedMigrations>,
    /// The routing keys that lead to its queue.
    pub routing_keys: &'static [&'static str],
    /// What it does with messages.
    pub reacts: Reacts,
    /// Its endpoints. They find the [`Pool`] and the [`Wake`] of the relay in the app's data.
    pub routes: Routes,
}

/// Runs a service until it is told to stop: then it takes no more requests, finishes those that it has, takes no more
/// messages, publishes what is left in its outbox, and closes.
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
    let url = &settings.base.database_url;
    let tables = std::iter::once(MIGRATIONS).chain(service.migrations).collect();
    let broker = Broker::new(&settings.amqp_url);
    let database = async {
        migrations::run(url, tables).await?;
        own_database(&mut db::connect_one(url).await?, service.name, settings.saga).await
    };
    // Both are waited for at once, and a wrong address of either is said before anything else begins.
    tokio::try_join!(database, broker.connect("check"))?;
    let pool = db::pool(url, BACKGROUND_CONNECTIONS);

    let topology = Topology::new(&settings.namespace, service.name, service.routing_keys);
    let metrics = Metrics::new(&telemetry);
    telemetry.pools().inspect(|pools| pools.watch("background", &pool));
    let (wake, connected) = (Wake::default(), Arc::new(AtomicBool::new(false)));
    let relay = Relay {
        database_url: url.clone(),
        broker: broker.clone(),
        topology: topology.clone(),
        wake: wake.clone(),
        deliveries: settings.deliveries,
        telemetry: telemetry.clone(),
        metrics: metrics.clone(),
    };
    let consumer = Consumer {
        broker,
        topology,
        pool: pool.clone(),
        wake: wake.clone(),
        reactor,
        prefetch: settings.prefetch,
        connected: connected.clone(),
        telemetry: telemetry.clone(),
        metrics: metrics.clone(),
    };
    let health = Health::new(service.name).needing("broker", connected);
    let (base, observed) = (settings.base.clone(), telemetry.clone());
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        let pool = db::pool(&base.database_url, base.pool_per_worker());
        observed.pools().inspect(|pools| pools.watch("requests", &pool));
        app.app_data(web::Data::new(pool)).app_data(web::Data::new(wake.clone()));
        (service.routes)(app);
    });

    // Three stages: messages are consumed while requests are answered, because a request may wait for what they bring;
    // and the relay goes on until nobody can write to the outbox any more.
    let (stop_taking, taking) = watch::channel(false);
    let (stop_relay, relaying) = watch::channel(false);
    let intake = async {
        let server = async {
            let endpoint = &settings.base.endpoint;
            let registration = endpoint.registration(service.name);
            let outcome = http::serve(endpoint.port, &telemetry, health, registration, routes).await;
            stop_taking.send_replace(true);
            outcome
        };
        let (outcome, ..) = tokio::join!(
            server,
            consumer.run(taking.clone()),
            consumer.tick(taking.clone()),
            housekeeping(&pool, taking.clone()),
            metrics.watch_outbox(&pool, taking.clone())
        );
        stop_relay.send_replace(true);
        outcome
    };
    let (outcome, ()) = tokio::join!(intake, relay.run(relaying));
    telemetry.finish().await;
    outcome
}

/// Makes the database this service's own, or says whose it is. Its protocol stays what it was: commands that wait in a
/// queue are of no use to a service that hears events.
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
            "this database belongs to the service {}; give {service} a database of its own with --database-url",
            owner.service
        );
    }
    if owner.protocol != protocol.name() {
        bail!(
            "this database belongs to a shop that is {}, and its queues may hold work of that kind; start it with \
             --saga {}, or give {service} a new database and the shop a new --namespace",
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
            Ok(rows) => tracing::info!(rows, "forgot old inbox rows"),
            Err(error) => tracing::warn!(%error, "old inbox rows stay for another hour"),
        }
    }
}

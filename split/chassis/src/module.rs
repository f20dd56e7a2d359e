//! A service that is one module and nothing else.

use std::sync::Arc;

use actix_web::web;
use contracts::{Command, Error, Event, PlacedOrder};
use diesel_async::AsyncPgConnection;
use diesel_migrations::EmbeddedMigrations;

use crate::choreographed::Choreographed;
use crate::participant::Participant;
use crate::service::{Service, ServiceSettings, run};

/// What a module has to offer.
pub struct Module<H, F> {
    /// Its name.
    pub name: &'static str,
    /// Its tables.
    pub migrations: EmbeddedMigrations,
    /// The routing keys of its commands, for protocols that send commands.
    pub commands: &'static [&'static str],
    /// What it does when it is told.
    pub handle: H,
    /// The routing keys of the events that it reacts to, for a choreography.
    pub hears: &'static [&'static str],
    /// What it does when it hears of something.
    pub react: fn(&Event, &PlacedOrder) -> Option<Command>,
    /// Its endpoints.
    pub routes: F,
}

/// Runs a module as a service, by the protocol of its shop.
pub async fn run_module<H, F>(settings: ServiceSettings, module: Module<H, F>) -> anyhow::Result<()>
where
    H: AsyncFn(&mut AsyncPgConnection, Command) -> Result<Event, Error>,
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Module { name, migrations, commands, handle, hears, react, routes } = module;
    let migrations = vec![migrations];
    let telemetry = settings.start_telemetry(name)?;
    if settings.saga.is_choreographed() {
        let reactor = Arc::new(Choreographed { name, react, handle });
        run(settings, telemetry, Service { name, migrations, routing_keys: hears, reactor, routes }).await
    } else {
        let reactor = Arc::new(Participant { name, handle });
        run(settings, telemetry, Service { name, migrations, routing_keys: commands, reactor, routes }).await
    }
}

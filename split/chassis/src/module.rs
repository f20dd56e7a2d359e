//! A service that is one module and nothing else.

use std::sync::Arc;

use actix_web::web;
use contracts::{Command, Event, PlacedOrder};
use diesel_migrations::EmbeddedMigrations;

use crate::choreographed::Choreographed;
use crate::locks::Lock;
use crate::participant::Participant;
use crate::reactor::Reacts;
use crate::service::{Service, ServiceSettings, run};
use crate::step::Handle;

/// What a module has to offer.
pub struct Module {
    /// The service's name, which its queue and its messages carry.
    pub name: &'static str,
    /// Its schema, which is brought up to date before it serves.
    pub migrations: EmbeddedMigrations,
    /// The routing keys of its commands, for protocols that send commands.
    pub commands: &'static [&'static str],
    /// What it locks before it does several commands in one transaction.
    pub lock: Lock,
    /// What it does when it is told.
    pub handle: Handle,
    /// The routing keys of the events that it reacts to, for a choreography.
    pub hears: &'static [&'static str],
    /// What it does when it hears of something.
    pub react: fn(&Event, &PlacedOrder) -> Option<Command>,
    /// Adds its endpoints, which find the [`platform::Pool`] among the app's data.
    pub routes: fn(&mut web::ServiceConfig),
}

/// Runs a module as a service, by the protocol of its shop.
pub async fn run_module(settings: ServiceSettings, module: Module) -> anyhow::Result<()> {
    let Module { name, migrations, commands, lock, handle, hears, react, routes } = module;
    let telemetry = settings.start_telemetry(name)?;
    let (routing_keys, reacts) = match settings.saga.is_choreographed() {
        true => (hears, Reacts::ToEvents(Arc::new(Choreographed { name, react, lock, handle }))),
        false => (commands, Reacts::ToCommands(Arc::new(Participant { name, lock, handle }))),
    };
    let (migrations, routes) = (vec![migrations], Arc::new(routes));
    run(settings, telemetry, Service { name, migrations, routing_keys, reacts, routes }).await
}

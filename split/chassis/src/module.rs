//! A service that consists of a single module.

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

/// What a module provides.
pub struct Module {
    /// The service's name, used for its queue and as the source of its messages.
    pub name: &'static str,
    /// Its schema, migrated before it serves requests.
    pub migrations: EmbeddedMigrations,
    /// The routing keys of its commands, for protocols that send commands.
    pub commands: &'static [&'static str],
    /// Locks shared rows before several commands run in one transaction.
    pub lock: Lock,
    /// Runs a command.
    pub handle: Handle,
    /// The routing keys of the events that it reacts to, for a choreography.
    pub hears: &'static [&'static str],
    /// Returns the command that follows from an event, if any.
    pub react: fn(&Event, &PlacedOrder) -> Option<Command>,
    /// Registers its endpoints, which find the [`platform::Pool`] in the app's data.
    pub routes: fn(&mut web::ServiceConfig),
}

/// Runs a module as a service with the shop's protocol.
pub async fn run_module(settings: ServiceSettings, module: Module) -> anyhow::Result<()> {
    let Module { name, migrations, commands, lock, handle, hears, react, routes } = module;
    let telemetry = settings.start_telemetry(name)?;
    let (routing_keys, reacts) = match settings.saga.is_choreographed() {
        true => (hears, Reacts::ToEvents(Arc::new(Choreographed { name, react, lock, handle }))),
        false => (commands, Reacts::ToCommands(Arc::new(Participant { name, lock, handle }))),
    };
    let (migrations, routes) = (vec![migrations], Arc::new(routes));
    let also = Vec::new();
    run(settings, telemetry, Service { name, migrations, routing_keys, reacts, also, routes }).await
}

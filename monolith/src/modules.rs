//! Dispatches commands to modules. Between services the broker's routing keys do this.

use std::fmt;
use std::str::FromStr;

use actix_web::web;
use contracts::{Command, Error, Event};
use diesel_async::AsyncPgConnection;
use diesel_migrations::EmbeddedMigrations;
use platform::CrashPoint;
use platform::telemetry::{Kind, Scope};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum Module {
    Catalog,
    Inventory,
    Orders,
    Payments,
    Shipping,
}

impl Module {
    pub const ALL: [Module; 5] =
        [Module::Catalog, Module::Inventory, Module::Orders, Module::Payments, Module::Shipping];

    /// The module that handles this command.
    pub fn of(command: &Command) -> Module {
        match command {
            Command::HonourPrices { .. } | Command::ReleasePrices { .. } => Module::Catalog,
            Command::ReserveStock { .. }
            | Command::CommitReservation { .. }
            | Command::ReleaseStock { .. } => Module::Inventory,
            Command::AuthorizePayment { .. }
            | Command::CapturePayment { .. }
            | Command::VoidPayment { .. }
            | Command::RefundPayment { .. } => Module::Payments,
            Command::QuoteShipment { .. } | Command::ScheduleShipment { .. } => Module::Shipping,
            Command::ConfirmOrder { .. } | Command::CancelOrder { .. } => Module::Orders,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Module::Catalog => "catalog",
            Module::Inventory => "inventory",
            Module::Orders => "orders",
            Module::Payments => "payments",
            Module::Shipping => "shipping",
        }
    }

    pub fn migrations(self) -> EmbeddedMigrations {
        match self {
            Module::Catalog => catalog::MIGRATIONS,
            Module::Inventory => inventory::MIGRATIONS,
            Module::Orders => orders::MIGRATIONS,
            Module::Payments => payments::MIGRATIONS,
            Module::Shipping => shipping::MIGRATIONS,
        }
    }

    pub fn routes(self, app: &mut web::ServiceConfig) {
        match self {
            Module::Catalog => catalog::routes(app),
            Module::Inventory => inventory::routes(app),
            Module::Orders => orders::routes(app),
            Module::Payments => payments::routes(app),
            Module::Shipping => shipping::routes(app),
        }
    }

    /// The prefix of its endpoints' paths.
    pub fn path(self) -> &'static str {
        match self {
            Module::Catalog => "/products",
            Module::Inventory => "/stock",
            Module::Orders => "/orders",
            Module::Payments => "/wallets",
            Module::Shipping => "/shipments",
        }
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Module {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let module = Module::ALL.into_iter().find(|module| module.name() == name);
        module.ok_or_else(|| format!("there is no module {name:?}"))
    }
}

/// Runs one step: passes the command to its module, with a span.
pub async fn handle(conn: &mut AsyncPgConnection, command: Command, within: &Scope) -> Result<Event, Error> {
    let mut step = within.span(Kind::Internal, command.routing_key());
    CrashPoint::BeforeBusinessWrite.pass();
    let outcome = dispatch(conn, command).await;
    step.outcome(&outcome);
    let event = outcome?;
    CrashPoint::AfterBusinessWrite.pass();
    Ok(event)
}

/// Passes a command to its module.
pub async fn dispatch(conn: &mut AsyncPgConnection, command: Command) -> Result<Event, Error> {
    match Module::of(&command) {
        Module::Catalog => catalog::handle(conn, command).await,
        Module::Inventory => inventory::handle(conn, command).await,
        Module::Orders => orders::handle(conn, command).await,
        Module::Payments => payments::handle(conn, command).await,
        Module::Shipping => shipping::handle(conn, command).await,
    }
}

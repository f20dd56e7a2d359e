//! From a command to the module that does it. Between services this is what the broker's routing keys do.

use contracts::{Command, Error, Event};
use diesel_async::AsyncPgConnection;
use diesel_migrations::EmbeddedMigrations;

/// Calls the module that this command is for.
pub async fn handle(conn: &mut AsyncPgConnection, command: Command) -> Result<Event, Error> {
    match command {
        Command::HonourPrices { .. } | Command::ReleasePrices { .. } => catalog::handle(conn, command).await,
        Command::ReserveStock { .. } | Command::CommitReservation { .. } | Command::ReleaseStock { .. } => {
            inventory::handle(conn, command).await
        }
        Command::AuthorizePayment { .. }
        | Command::CapturePayment { .. }
        | Command::VoidPayment { .. }
        | Command::RefundPayment { .. } => payments::handle(conn, command).await,
        Command::QuoteShipment { .. } | Command::ScheduleShipment { .. } => shipping::handle(conn, command).await,
        Command::ConfirmOrder { .. } | Command::CancelOrder { .. } => orders::handle(conn, command).await,
    }
}

/// The tables of all modules.
pub fn migrations() -> Vec<EmbeddedMigrations> {
    vec![
        catalog::MIGRATIONS,
        inventory::MIGRATIONS,
        orders::MIGRATIONS,
        payments::MIGRATIONS,
        shipping::MIGRATIONS,
    ]
}

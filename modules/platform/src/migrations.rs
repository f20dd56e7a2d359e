//! Database migrations.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{anyhow, bail};
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tokio::runtime::Runtime;

use crate::db;

/// An arbitrary number for the advisory lock that is held while migrating, so that two instances that start at the same
/// time do not create the same table twice.
const LOCK: i64 = 0x636c_6561_7665;

/// The time limit for a migration, and for the wait until another instance has migrated.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Applies all pending migrations. Fails if a newer program has migrated the database, since its tables may mean
/// something that this program does not know.
///
/// diesel's harness blocks its thread, so it gets a runtime of its own and runs before the HTTP server starts:
/// rule 41 (migrations).
pub async fn run(database_url: &str, sources: Vec<EmbeddedMigrations>) -> anyhow::Result<()> {
    let url = database_url.to_owned();
    tokio::task::spawn_blocking(move || Runtime::new()?.block_on(migrate(&url, sources))).await?
}

async fn migrate(database_url: &str, sources: Vec<EmbeddedMigrations>) -> anyhow::Result<()> {
    let mut connection = db::connect(database_url, LONG).await?;
    db::refuse_pooler(&mut connection, database_url).await?;
    // A session lock, released with this connection in any case. Another instance may hold it for a long time.
    connection
        .batch_execute(&format!(
            "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})"
        ))
        .await?;
    let mut harness: AsyncMigrationHarness<AsyncPgConnection> = AsyncMigrationHarness::new(connection);
    let mut known: BTreeSet<MigrationVersion<'static>> = BTreeSet::new();
    for source in &sources {
        let migrations = MigrationSource::<Pg>::migrations(source).map_err(failed)?;
        known.extend(migrations.iter().map(|migration| migration.name().version().as_owned()));
    }
    let applied = harness.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        bail!(
            "the database {} has the migration {newer}, which this program does not know: a newer version or \
             another service created it. Start that program, or give this one its own database",
            db::without_password(database_url)
        );
    }
    for source in sources {
        harness.run_pending_migrations(source).map_err(failed)?;
    }
    Ok(())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> anyhow::Error {
    anyhow!("migrating the database failed: {error}")
}

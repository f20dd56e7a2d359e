//! What only one process of a name has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::{db, sql};

use super::coordinator::Coordinator;
use super::schema::coordinators;

/// How long the session of a process that has died may need to vanish from the server.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// The place of a coordinator: an advisory lock, which the server takes back when this connection ends, however it
/// ends. Keeping two processes of one name apart is all that it is for; that nothing is decided twice does not depend
/// on it.
pub struct Place {
    coordinator: Arc<Coordinator>,
    database_url: String,
    connection: Option<AsyncPgConnection>,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

#[derive(QueryableByName)]
#[diesel(table_name = coordinators, check_for_backend(Pg))]
struct Epoch {
    epoch: i64,
}

impl Place {
    /// Takes the place, or says that another process has it.
    pub async fn take(coordinator: Arc<Coordinator>, database_url: &str) -> Result<Place> {
        let mut place = Place { coordinator, database_url: database_url.to_owned(), connection: None };
        let deadline = Instant::now() + PREDECESSOR;
        while !place.try_take().await? {
            if Instant::now() > deadline {
                bail!(
                    "another process is the coordinator {name:?} on {database}. Each needs a name of its own, or \
                     it would finish the other's transactions: give this one another with --coordinator, or stop \
                     the other",
                    name = place.coordinator.name(),
                    database = db::without_password(database_url),
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(place)
    }

    /// Sees to it that the place is still ours; takes it again where the connection was lost.
    pub async fn keep(&mut self) -> Result<()> {
        if let Some(connection) = &mut self.connection
            && connection.batch_execute("SELECT 1").await.is_ok()
        {
            return Ok(());
        }
        self.connection = None;
        self.coordinator.set_epoch(None);
        if !self.try_take().await? {
            bail!(
                "another process has become the coordinator {}; no orders are taken",
                self.coordinator.name()
            );
        }
        tracing::warn!(coordinator = %self.coordinator.name(), "has its place again");
        Ok(())
    }

    async fn try_take(&mut self) -> Result<bool> {
        let mut connection = db::connect_one(&self.database_url).await?;
        let name = self.coordinator.name().as_str();
        let Taken { taken } =
            sql("SELECT pg_try_advisory_lock(hashtextextended('cleave.coordinator:' || $1, 0)) AS taken")
                .bind::<Text, _>(name)
                .get_result(&mut connection)
                .await
                .context("the coordinator's lock could not be asked for")?;
        if !taken {
            return Ok(false);
        }
        let Epoch { epoch } = sql("INSERT INTO two_phase.coordinators AS known (name, epoch) VALUES ($1, 1)
             ON CONFLICT (name) DO UPDATE SET epoch = known.epoch + 1, since = clock_timestamp()
             RETURNING epoch")
        .bind::<Text, _>(name)
        .get_result(&mut connection)
        .await
        .context("the coordinator's epoch could not be begun")?;
        self.coordinator.set_epoch(Some(epoch));
        self.connection = Some(connection);
        tracing::info!(coordinator = name, epoch, "coordinates");
        Ok(true)
    }
}

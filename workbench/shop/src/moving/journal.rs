//! The journal of moves, in the database of orders: who owns a module, and how far a move has come.

use std::time::Duration;

use anyhow::{Context, Result};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{Step, insist};
use crate::words;

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    so: bool,
}

/// A move that is neither done nor given up.
#[derive(QueryableByName)]
pub(super) struct Open {
    #[diesel(sql_type = Text)]
    pub(super) module: String,
    #[diesel(sql_type = Bool)]
    pub(super) leaves: bool,
    /// Whether its commit point was reached.
    #[diesel(sql_type = Bool)]
    pub(super) has_changed: bool,
}

/// The entry of one move. Only one can be open.
pub(super) struct Journal {
    url: String,
}

impl Journal {
    /// Begins an entry.
    pub(super) async fn begin(url: &str, module: &str, leaves: bool) -> Result<Journal> {
        let this = Journal { url: url.to_owned() };
        diesel::sql_query("INSERT INTO checkout.moves (module, leaves, step) VALUES ($1, $2, 'prepare')")
            .bind::<Text, _>(module)
            .bind::<Bool, _>(leaves)
            .execute(&mut this.connect().await?)
            .await
            .with_context(words::moves_already)?;
        Ok(this)
    }

    async fn connect(&self) -> Result<AsyncPgConnection> {
        servers::connect(&self.url).await
    }

    /// Records that a step begins.
    pub(super) async fn step(&mut self, step: Step) -> Result<()> {
        let name = serde_json::to_value(step)?;
        diesel::sql_query("UPDATE checkout.moves SET step = $1 WHERE outcome = 'open'")
            .bind::<Text, _>(name.as_str().unwrap_or_default())
            .execute(&mut self.connect().await?)
            .await?;
        Ok(())
    }

    /// The move that is neither done nor given up, if there is one.
    pub(super) async fn open(url: &str) -> Result<Option<Open>> {
        let query =
            "SELECT module, leaves, step = 'watch' AS has_changed FROM checkout.moves WHERE outcome = 'open'";
        let open: Vec<Open> = diesel::sql_query(query).load(&mut servers::connect(url).await?).await?;
        Ok(open.into_iter().next())
    }

    /// The entry of that move.
    pub(super) fn of_open(url: &str) -> Journal {
        Journal { url: url.to_owned() }
    }

    /// The commit point of a move. If the answer is lost, the row says whether it was reached: rule 23 (time-outs).
    pub(super) async fn change_owner(&mut self, module: &str, away: bool) -> Result<()> {
        let Err(lost) = self.try_to_change_owner(module, away).await else { return Ok(()) };
        match insist(async || self.is_away(module).await).await? == away {
            true => Ok(()),
            false => Err(lost),
        }
    }

    /// Whether the module is away, as the row says.
    pub(super) async fn is_away(&self, module: &str) -> Result<bool> {
        let query = diesel::sql_query("SELECT away AS so FROM checkout.placement WHERE module = $1");
        let away: Is = query.bind::<Text, _>(module).get_result(&mut self.connect().await?).await?;
        Ok(away.so)
    }

    async fn try_to_change_owner(&self, module: &str, away: bool) -> Result<()> {
        let statements = format!(
            "BEGIN;
             UPDATE checkout.placement SET away = {away}, epoch = epoch + 1 WHERE module = '{module}';
             UPDATE checkout.moves SET step = 'watch' WHERE outcome = 'open';
             COMMIT"
        );
        Ok(self.connect().await?.batch_execute(&statements).await?)
    }

    /// Ends the entry.
    pub(super) async fn close(&mut self, outcome: &str, pause: Option<Duration>) -> Result<()> {
        diesel::sql_query("UPDATE checkout.moves SET outcome = $1, pause_ms = $2 WHERE outcome = 'open'")
            .bind::<Text, _>(outcome)
            .bind::<Nullable<Double>, _>(pause.map(|pause| pause.as_secs_f64() * 1000.0))
            .execute(&mut self.connect().await?)
            .await?;
        Ok(())
    }
}

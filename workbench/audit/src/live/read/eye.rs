//! One connection, and what it reads.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::TimeDelta;
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use super::{LIMIT, MARGIN, first_id};
use crate::live::news::{News, Sessions};
use crate::live::statements;
use crate::read::APPLICATION;
use crate::records::Moment;

/// How far back the first look goes.
const BEFORE: TimeDelta = TimeDelta::seconds(60);
/// Counting stops here, because this many late rows of an outbox are enough.
const ENOUGH: i64 = 1_000;

/// A statement whose rows can be read as `Row`.
pub trait Question<Row>:
    LoadQuery<'static, AsyncPgConnection, Row> + QueryFragment<Pg> + Send + 'static
{
}
impl<Row, Q: LoadQuery<'static, AsyncPgConnection, Row> + QueryFragment<Pg> + Send + 'static> Question<Row>
    for Q
{
}

/// The connection to one database.
pub struct Eye {
    url: String,
    /// The modules with tables in this database.
    modules: Vec<&'static str>,
    /// The names of all databases of the shop, if this connection is the one that reads the sessions.
    all: Option<Vec<String>>,
    late: Duration,
    connection: Option<AsyncPgConnection>,
    /// The oldest transaction that was active at the last look, and the time of that look.
    seen_to: Option<String>,
    looked_at: Option<Moment>,
    /// Whether the server keeps commit timestamps, and whether there is an outbox. Known once connected.
    commits: bool,
    outbox: bool,
}

#[derive(QueryableByName)]
struct Horizon {
    #[diesel(sql_type = Text)]
    oldest: String,
}

#[derive(QueryableByName)]
struct About {
    #[diesel(sql_type = Bool)]
    commits: bool,
    #[diesel(sql_type = Bool)]
    outbox: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Eye {
    /// Not connected yet. `all` are the names of all databases of the shop, if this connection reads the sessions.
    pub fn new(url: &str, modules: Vec<&'static str>, all: Option<Vec<String>>, late: Duration) -> Eye {
        Eye {
            url: url.to_owned(),
            modules,
            all,
            late,
            connection: None,
            seen_to: None,
            looked_at: None,
            commits: true,
            outbox: false,
        }
    }

    /// Whether the module has its tables in this database.
    pub fn reads(&self, module: &str) -> bool {
        self.modules.contains(&module)
    }

    /// Whether the server keeps commit timestamps, as far as it is known.
    pub fn has_commits(&self) -> bool {
        self.commits
    }

    /// The time of the last look.
    pub fn looked_at(&self) -> Option<Moment> {
        self.looked_at
    }

    /// The result of a query. After any error the next look opens a new connection. A server that is down is not a
    /// finding of the audit.
    fn heard<T>(&mut self, answer: Result<anyhow::Result<T>, Elapsed>) -> Option<T> {
        let answer = answer.ok().and_then(Result::ok);
        if answer.is_none() {
            self.connection = None;
        }
        answer
    }

    pub async fn look(&mut self, at: Moment, open: &[Uuid]) -> Option<News> {
        let answer = timeout(LIMIT, self.read(at, open)).await;
        self.heard(answer)
    }

    /// Runs one query outside of a look.
    pub async fn ask<Row: Send + 'static>(
        &mut self,
        limit: Duration,
        query: impl Question<Row>,
    ) -> Option<Vec<Row>> {
        let answer = timeout(limit, self.rows(query)).await;
        self.heard(answer)
    }

    async fn read(&mut self, at: Moment, open: &[Uuid]) -> anyhow::Result<News> {
        self.connect().await?;
        let from = first_id(self.looked_at.map_or(at - BEFORE, |last| last - MARGIN));
        // One snapshot for all tables of this database, which in the monolith means for all modules.
        self.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let horizon: Vec<Horizon> = self.rows(diesel::sql_query(statements::HORIZON)).await?;
        let mut news = News::default();
        for module in self.modules.clone() {
            match module {
                "catalog" => {
                    news.claims = self.changed(statements::CLAIMS, from, open).await?;
                    news.sales = self.products(statements::SALES).await?;
                    news.prices = self.products(statements::PRICES).await?;
                }
                "inventory" => {
                    news.reservations = self.changed(statements::RESERVATIONS, from, open).await?;
                    news.levels = self.products(statements::LEVELS).await?;
                }
                "orders" => news.orders = self.changed(statements::ORDERS, from, open).await?,
                "payments" => news.payments = self.changed(statements::PAYMENTS, from, open).await?,
                "shipping" => news.shipments = self.changed(statements::SHIPMENTS, from, open).await?,
                other => bail!("cannot read module {other}"),
            }
        }
        if self.outbox {
            news.outbox = Some((self.modules[0], self.late_messages().await?));
        }
        if let Some(all) = self.all.clone() {
            news.sessions = Some(self.sessions(&all).await?);
        }
        self.execute("COMMIT").await?;
        self.seen_to = horizon.into_iter().next().map(|horizon| horizon.oldest);
        self.looked_at = Some(at);
        Ok(news)
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.connection.is_some() {
            return Ok(());
        }
        let mut connection = servers::connect(&self.url).await?;
        connection
            .batch_execute(&format!(
                "SET application_name = '{APPLICATION}'; SET default_transaction_read_only = on;
                 SET statement_timeout = '{}ms'; SET enable_seqscan = off; SET jit = off",
                LIMIT.as_millis()
            ))
            .await?;
        self.connection = Some(connection);
        let about: Vec<About> = self.rows(diesel::sql_query(statements::ABOUT)).await?;
        for About { commits, outbox } in about {
            (self.commits, self.outbox) = (commits, outbox);
        }
        Ok(())
    }

    async fn changed<Row>(&mut self, select: &str, from: Uuid, open: &[Uuid]) -> anyhow::Result<Vec<Row>>
    where
        Row: QueryableByName<Pg> + Send + 'static,
    {
        let query = diesel::sql_query(statements::changed(select, self.commits))
            .bind::<SqlUuid, _>(from)
            .bind::<Nullable<Text>, _>(self.seen_to.clone())
            .bind::<Array<SqlUuid>, _>(open.to_vec());
        self.rows(query).await
    }

    /// The product tables do not grow with the run, so they are read completely.
    async fn products<Row>(&mut self, select: &str) -> anyhow::Result<Vec<Row>>
    where
        Row: QueryableByName<Pg> + Send + 'static,
    {
        let query = diesel::sql_query(statements::changed_product(select))
            .bind::<Nullable<Text>, _>(self.seen_to.clone());
        self.rows(query).await
    }

    /// Number of late messages among the oldest ones in the outbox.
    async fn late_messages(&mut self) -> anyhow::Result<u64> {
        let query = diesel::sql_query(statements::LATE_MESSAGES)
            .bind::<BigInt, _>(ENOUGH)
            .bind::<Double, _>(self.late.as_secs_f64());
        Ok(self.rows::<Count>(query).await?.iter().map(|row| row.count.unsigned_abs()).sum())
    }

    async fn sessions(&mut self, databases: &[String]) -> anyhow::Result<Sessions> {
        let query = diesel::sql_query(statements::SESSIONS)
            .bind::<Array<Text>, _>(databases.to_vec())
            .bind::<Double, _>(self.late.as_secs_f64())
            .bind::<Text, _>(APPLICATION);
        self.rows(query).await?.into_iter().next().context("the server returned no row about its sessions")
    }

    fn rows<'a, Row: Send + 'static>(
        &'a mut self,
        query: impl Question<Row>,
    ) -> BoxFuture<'a, anyhow::Result<Vec<Row>>> {
        async move {
            let connection = self.connection.as_mut().context("there is no connection")?;
            Ok(query.load(connection).await?)
        }
        .boxed()
    }

    async fn execute(&mut self, statement: &str) -> anyhow::Result<()> {
        Ok(self.connection.as_mut().context("there is no connection")?.batch_execute(statement).await?)
    }
}

//! One module's tables in two databases: gates, and PostgreSQL's logical replication from one to the other.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use terminal::language::seconds;
use uuid::Uuid;

use crate::words;

/// How long a gate may take to close: longer than any transaction of the shop at work.
const CLOSES_WITHIN: Duration = Duration::from_millis(700);
/// The interval between checks.
const TICK: Duration = Duration::from_millis(10);

/// One side of a move: a database with the module's tables.
pub(super) struct Side {
    pub(super) url: String,
    connection: AsyncPgConnection,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    so: bool,
}

/// The name of everything that a move creates in the servers: publication, subscription and slot.
pub(super) fn name_of(database: &str, module: &str) -> String {
    let database: String = database.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("cleave_{module}_{}", database.to_lowercase())
}

impl Side {
    pub(super) async fn open(url: &str) -> Result<Side> {
        Ok(Side { url: url.to_owned(), connection: servers::connect(url).await? })
    }

    pub(super) async fn run(&mut self, statements: &str) -> Result<()> {
        let ran = self.connection.batch_execute(statements).await;
        ran.with_context(|| words::move_statement_failed(statements.lines().next().unwrap_or_default()))
    }

    async fn is(&mut self, query: &str) -> Result<bool> {
        let row: Is = diesel::sql_query(query).get_result(&mut self.connection).await?;
        Ok(row.so)
    }

    async fn count(&mut self, query: &str) -> Result<i64> {
        let row: Count = diesel::sql_query(query).get_result(&mut self.connection).await?;
        Ok(row.count)
    }

    async fn names(&mut self, query: &str, of: &str) -> Result<Vec<String>> {
        let rows: Vec<Name> = diesel::sql_query(query).bind::<Text, _>(of).load(&mut self.connection).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    /// The module's tables, with their schema.
    async fn tables(&mut self, module: &str) -> Result<Vec<String>> {
        let query =
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = $1";
        let tables = self.names(query, module).await?;
        if tables.is_empty() {
            bail!(words::no_tables(module));
        }
        Ok(tables)
    }

    /// The module's rows as far as the statistics know, and their size in bytes.
    pub(super) async fn size(&mut self, module: &str) -> Result<(u64, u64)> {
        let tables = self.tables(module).await?;
        let (mut rows, mut bytes) = (0, 0);
        for table in tables {
            rows += self.count(&format!("SELECT count(*) FROM {table}")).await?.unsigned_abs();
            let size = format!("SELECT pg_total_relation_size('{table}') AS count");
            bytes += self.count(&size).await?.unsigned_abs();
        }
        Ok((rows, bytes))
    }

    /// Paths that read some of the module's rows, in random order.
    pub(super) async fn reads(&mut self, module: &str) -> Result<Vec<String>> {
        let path = match module {
            "catalog" => "'/products/' || sku AS name FROM catalog.products",
            "inventory" => "'/stock/' || sku AS name FROM inventory.stock",
            "payments" => "'/wallets/' || customer_id AS name FROM payments.wallets",
            _ => "'/shipments/' || order_id AS name FROM shipping.shipments",
        };
        let query = format!("SELECT {path} WHERE $1 <> '' ORDER BY random() LIMIT 1000");
        self.names(&query, module).await
    }

    /// Whether the server can replicate logically.
    pub(super) async fn can_replicate(&mut self) -> Result<bool> {
        self.is("SELECT current_setting('wal_level') = 'logical' AS so").await
    }

    /// Puts the gate on the module's tables. It is open or closed from the first moment on.
    pub(super) async fn put_gate(&mut self, module: &str, open: bool) -> Result<()> {
        self.run(&format!(
            "SET lock_timeout = '5s';
             INSERT INTO chassis.gates (module, open) VALUES ('{module}', {open})
                 ON CONFLICT (module) DO UPDATE SET open = excluded.open, changed_at = clock_timestamp()"
        ))
        .await?;
        // Each in its own transaction. With the locks of several tables, orders could wait in a circle.
        for table in self.tables(module).await? {
            self.run(&format!(
                "CREATE OR REPLACE TRIGGER cleave_gate BEFORE INSERT OR UPDATE OR DELETE ON {table}
                     FOR EACH STATEMENT EXECUTE FUNCTION chassis.pass_gate()"
            ))
            .await?;
        }
        Ok(())
    }

    /// Removes the gate, so that writing costs what it cost before.
    pub(super) async fn remove_gate(&mut self, module: &str) -> Result<()> {
        self.run("SET lock_timeout = '5s'").await?;
        for table in self.tables(module).await? {
            self.run(&format!("DROP TRIGGER IF EXISTS cleave_gate ON {table}")).await?;
        }
        self.run(&format!("DELETE FROM chassis.gates WHERE module = '{module}'")).await
    }

    /// Closes the gate, once every transaction that has passed it is over. If that takes too long, it stays open.
    pub(super) async fn close_gate(&mut self, module: &str) -> Result<()> {
        let closed = self
            .run(&format!(
                "SET lock_timeout = '{}ms';
                 BEGIN;
                 SELECT pg_advisory_xact_lock(hashtextextended('gate:{module}', 0));
                 UPDATE chassis.gates SET open = false, changed_at = clock_timestamp() WHERE module = '{module}';
                 COMMIT",
                CLOSES_WITHIN.as_millis()
            ))
            .await;
        if closed.is_err() {
            let _ = self.run("ROLLBACK").await;
        }
        closed
    }

    pub(super) async fn open_gate(&mut self, module: &str) -> Result<()> {
        let open = format!(
            "UPDATE chassis.gates SET open = true, changed_at = clock_timestamp() WHERE module = '{module}'"
        );
        self.run(&open).await
    }

    /// Publishes the module's tables, and what says which messages it has handled.
    pub(super) async fn publish(&mut self, module: &str, name: &str) -> Result<()> {
        if self
            .is(&format!("SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = '{name}') AS so"))
            .await?
        {
            return Ok(());
        }
        let tables = self.tables(module).await?.join(", ");
        self.run(&format!("CREATE PUBLICATION {name} FOR TABLE {tables}, chassis.inbox, chassis.markers"))
            .await
    }

    /// Creates a slot: from now on the server keeps what a subscriber has not read. Separate from the subscription,
    /// because `CREATE SUBSCRIPTION` to a database of the same server would wait for its own transaction.
    pub(super) async fn create_slot(&mut self, name: &str) -> Result<()> {
        self.run(&format!(
            "SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')
             WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{name}')"
        ))
        .await
    }

    /// Leaves out everything up to now.
    pub(super) async fn advance_slot(&mut self, name: &str) -> Result<()> {
        self.run(&format!("SELECT pg_replication_slot_advance('{name}', pg_current_wal_insert_lsn())")).await
    }

    /// Whether it already follows another database by this subscription.
    pub(super) async fn follows(&mut self, name: &str) -> Result<bool> {
        self.is(&format!("SELECT EXISTS (SELECT FROM pg_subscription WHERE subname = '{name}') AS so")).await
    }

    /// Follows the publication of the same name in another database. `copy` says whether it copies the rows first.
    pub(super) async fn follow(&mut self, url: &str, name: &str, copy: bool) -> Result<()> {
        let url = url.replace('\'', "''");
        self.run(&format!(
            "CREATE SUBSCRIPTION {name} CONNECTION '{url}' PUBLICATION {name}
             WITH (create_slot = false, slot_name = '{name}', copy_data = {copy})"
        ))
        .await
    }

    /// Stops to follow, for now. When this returns, nothing more is applied.
    pub(super) async fn pause_following(&mut self, name: &str, bound: Duration) -> Result<()> {
        self.run(&format!("ALTER SUBSCRIPTION {name} DISABLE")).await?;
        let deadline = Instant::now() + bound;
        let at_work =
            format!("SELECT count(*) FROM pg_stat_subscription WHERE subname = '{name}' AND pid IS NOT NULL");
        while self.count(&at_work).await? > 0 {
            if Instant::now() > deadline {
                bail!(words::does_not_follow(seconds(bound)));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    /// Follows again after a pause, if it followed before.
    pub(super) async fn follow_again(&mut self, name: &str) -> Result<()> {
        match self.follows(name).await? {
            true => self.run(&format!("ALTER SUBSCRIPTION {name} ENABLE")).await,
            false => Ok(()),
        }
    }

    /// Ends to follow. The slot goes too.
    pub(super) async fn follow_no_more(&mut self, name: &str) -> Result<()> {
        self.run(&format!("DROP SUBSCRIPTION IF EXISTS {name}")).await
    }

    /// Removes publication and slot, on the side that was followed.
    pub(super) async fn publish_no_more(&mut self, name: &str) -> Result<()> {
        self.run(&format!(
            "DROP PUBLICATION IF EXISTS {name};
             SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
             WHERE slot_name = '{name}' AND NOT active"
        ))
        .await
    }

    /// Waits until the rows are copied and every table follows.
    pub(super) async fn copied(&mut self, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        let waiting = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'";
        loop {
            let open = self.count(waiting).await?;
            if open == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(words::not_copied(open, seconds(bound)));
            }
            tokio::time::sleep(TICK * 10).await;
        }
    }

    /// Writes a marker, which is replicated after everything that was written before.
    pub(super) async fn mark(&mut self, module: &str) -> Result<Uuid> {
        let marker = Uuid::new_v4();
        diesel::sql_query("INSERT INTO chassis.markers (marker, module) VALUES ($1, $2)")
            .bind::<SqlUuid, _>(marker)
            .bind::<Text, _>(module)
            .execute(&mut self.connection)
            .await?;
        Ok(marker)
    }

    /// Waits until a marker of the other side has arrived.
    pub(super) async fn arrived(&mut self, marker: Uuid, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        loop {
            let found = format!("SELECT count(*) FROM chassis.markers WHERE marker = '{marker}'");
            if self.count(&found).await? > 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(words::does_not_follow(seconds(bound)));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Sets the sequences behind the module's tables: they are not replicated.
    pub(super) async fn catch_up_sequences(&mut self, module: &str) -> Result<()> {
        let query = "SELECT format('SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT coalesce(max(%I), 0) + 1 FROM %I.%I), false)',
                 format('%I.%I', table_schema, table_name), column_name, column_name, table_schema, table_name) AS name
             FROM information_schema.columns WHERE table_schema = $1 AND is_identity = 'YES'";
        for set in self.names(query, module).await? {
            self.run(&set).await?;
        }
        Ok(())
    }

    /// Empties the tables that a copy goes into. `service` says whether this is a service's own database, which then has
    /// handled no message that the other side does not know.
    pub(super) async fn empty(&mut self, module: &str, service: bool) -> Result<()> {
        let mut tables = self.tables(module).await?;
        if service {
            tables.extend(["chassis.inbox", "chassis.markers"].map(String::from));
        }
        self.run(&format!("TRUNCATE {}", tables.join(", "))).await
    }

    /// Has everything that was written so far on disk. The worker that applies replicated changes does not wait for it.
    pub(super) async fn flush(&mut self, module: &str) -> Result<()> {
        let touch =
            format!("UPDATE chassis.gates SET changed_at = clock_timestamp() WHERE module = '{module}'");
        self.run(&touch).await
    }
}

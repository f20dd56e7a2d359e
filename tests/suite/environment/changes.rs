//! Tables that change under a running shop, as a migration of a rolling deployment changes them. A statement that was
//! prepared before is stale afterwards: rule 59 (stale statement).

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::try_join_all;
use serde_json::Value;
use tests::{DRIVERS, Goods, Line, Stage, World, order};
use uuid::Uuid;

/// More than a worker's connections, so that each of them has prepared its statements.
const CROWD: usize = 20;

#[derive(QueryableByName)]
struct Change {
    #[diesel(sql_type = Text)]
    statement: String,
}

/// A new column for every table.
const MORE_COLUMNS: &str =
    "SELECT format('ALTER TABLE %I.%I ADD note text', schemaname, tablename) AS statement
     FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')";

/// Another type for every text column.
const OTHER_TYPES: &str =
    "SELECT format('ALTER TABLE %I.%I ALTER %I TYPE varchar(1000)', table_schema, table_name, column_name) AS statement
     FROM information_schema.columns
     WHERE data_type = 'text' AND table_schema NOT IN ('pg_catalog', 'information_schema', 'public')";

pub async fn a_table_may_change_under_a_running_shop(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in DRIVERS {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 99 }).await?, world.customer(1000).await?);
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
        let paths = [
            format!("/orders?customer={customer}"),
            format!("/products/{sku}"),
            format!("/stock/{sku}"),
            format!("/wallets/{customer}"),
        ];
        let mut bought = 0;
        for changes in [MORE_COLUMNS, OTHER_TYPES] {
            bought += crowd(&world, &paths, &body).await?;
            let changed = change(&world, changes).await?;
            ensure!(changed.contains("orders.orders"), "{changed:?}");
            ensure!(!driver.has_messages() || changed.contains("chassis.outbox"), "{changed:?}");
            bought += crowd(&world, &paths, &body).await.with_context(|| format!("{driver}, {changes}"))?;
        }
        let left = (world.on_hand(&sku).await?, world.balance(&customer).await?);
        ensure!(left == (99 - bought, 1000 - 10 * bought), "{left:?} after {bought} orders");
        // The audit also checks that there is no dead letter.
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

/// Every read on every connection, and as many orders. Returns the number of orders.
async fn crowd(world: &World, paths: &[String], body: &Value) -> Result<i64> {
    for path in paths {
        for answer in try_join_all((0..CROWD).map(|_| world.get(path))).await? {
            answer.expect(200).with_context(|| path.clone())?;
        }
    }
    let orders = (0..CROWD).map(async |_| {
        let placed = world.order(&Uuid::new_v4().to_string(), body).await?;
        ensure!([201, 202].contains(&placed.status), "{}: {}", placed.status, placed.text);
        let decided = world.decision(placed.header("location")).await?;
        ensure!(decided["status"] == "confirmed", "{decided}");
        Ok(())
    });
    Ok(i64::try_from(try_join_all(orders).await?.len())?)
}

/// Makes these changes in every database, one at a time, so that they lock one table at a time. Returns the tables.
async fn change(world: &World, changes: &str) -> Result<BTreeSet<String>> {
    let all = &world.databases;
    let databases: BTreeSet<&String> =
        [&all.catalog, &all.inventory, &all.orders, &all.payments, &all.shipping].into();
    let mut tables = BTreeSet::new();
    for database in databases {
        let mut connection = AsyncPgConnection::establish(database).await?;
        let changes: Vec<Change> = diesel::sql_query(changes).load(&mut connection).await?;
        for Change { statement } in changes {
            connection.batch_execute(&statement).await.with_context(|| statement.clone())?;
            tables.extend(statement.split(' ').nth(2).map(ToOwned::to_owned));
        }
    }
    Ok(tables)
}

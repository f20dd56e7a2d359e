//! Checks that the servers have room for all transactions that the shop's instances may have prepared at once:
//! rule 33 (prepared limit).
//!
//! `max_prepared_transactions` is a limit of the server, so the instances share it. Each instance registers its share
//! in `two_phase.coordinators`; those whose lock is held count. An instance that does not fit does not start.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::{db, sql};

use super::lock::CoordinatorLock;
use super::schema::coordinators;
use crate::databases::Databases;

/// One server, and what the shop needs from it.
#[derive(Debug, Clone, PartialEq)]
struct Room {
    /// One of its databases, to identify the server in messages.
    database: String,
    /// How many modules have their tables on it.
    modules: usize,
    max_prepared_transactions: usize,
}

/// An instance that is running, or the one that is starting.
#[derive(Debug, Clone, QueryableByName)]
#[diesel(table_name = coordinators, check_for_backend(Pg))]
struct Instance {
    name: String,
    /// How many transactions it may have prepared at once in each module.
    prepared_per_module: i32,
}

#[derive(QueryableByName)]
struct ServerRow {
    #[diesel(sql_type = Text)]
    started: String,
    #[diesel(sql_type = Integer)]
    max_prepared_transactions: i32,
}

/// The other coordinators whose lock is held. An advisory lock shows its key in two halves.
const RUNNING: &str = "SELECT name, prepared_per_module FROM two_phase.coordinators
     WHERE name <> $1 AND EXISTS (
         SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (classid::bigint << 32 | objid::bigint) = hashtextextended('cleave.coordinator:' || name, 0)
     ) ORDER BY name";

/// Registers this instance with one prepared transaction per module and connection. Fails if a server does not have
/// room for it in addition to the running instances.
pub async fn claim(lock: &mut CoordinatorLock, databases: &Databases, connections: usize) -> Result<()> {
    let servers = servers(databases).await?;
    let own = Instance { name: lock.name().to_string(), prepared_per_module: i32::try_from(connections)? };
    // One instance at a time, or two could start where there is room for one. If this fails, the process ends and its
    // session with it.
    lock.session()?.batch_execute("SELECT pg_advisory_lock(hashtextextended('cleave.room', 0))").await?;
    let mut instances = running(lock.session()?, &own.name).await?;
    let claimed = own.prepared_per_module;
    instances.push(own);
    servers.iter().try_for_each(|room| room.check(&instances))?;
    lock.register(claimed).await?;
    lock.session()?.batch_execute("SELECT pg_advisory_unlock(hashtextextended('cleave.room', 0))").await?;
    Ok(())
}

async fn running(session: &mut AsyncPgConnection, except: &str) -> Result<Vec<Instance>> {
    sql(RUNNING)
        .bind::<Text, _>(except)
        .load(session)
        .await
        .context("cannot read which instances of the shop are running")
}

async fn servers(databases: &Databases) -> Result<Vec<Room>> {
    // Several databases may be on one server. Its start time identifies it.
    let mut servers: BTreeMap<String, Room> = BTreeMap::new();
    for (url, modules) in databases.distinct() {
        let mut connection = db::connect_one(url).await?;
        let row: ServerRow = sql("SELECT pg_postmaster_start_time()::text AS started,
                    current_setting('max_prepared_transactions')::int AS max_prepared_transactions")
        .get_result(&mut connection)
        .await
        .with_context(|| format!("cannot read max_prepared_transactions of {}", db::without_password(url)))?;
        let max_prepared_transactions = usize::try_from(row.max_prepared_transactions)?;
        let database = db::without_password(url);
        servers
            .entry(row.started)
            .or_insert(Room { database, modules: 0, max_prepared_transactions })
            .modules += modules.len();
    }
    Ok(servers.into_values().collect())
}

impl Room {
    /// Fails unless all these instances fit. The last one is the one that is starting.
    fn check(&self, instances: &[Instance]) -> Result<()> {
        let Room { database, modules, max_prepared_transactions: found } = self;
        let needs = |instance: &Instance| usize::try_from(instance.prepared_per_module).map(|n| n * modules);
        let needed: usize = instances.iter().map(needs).sum::<Result<_, _>>()?;
        if *found >= needed {
            return Ok(());
        }
        let each: Result<Vec<String>, _> = instances
            .iter()
            .map(|instance| needs(instance).map(|needed| format!("{} {needed}", instance.name)))
            .collect();
        let [pool, fewer] = match (*found, instances.len()) {
            (0, _) => ["", ""],
            (_, 1) => [", or lower --pool", ""],
            _ => [", or lower --pool", ", or run fewer instances"],
        };
        bail!(
            "two-phase commit may have {needed} transactions prepared at once on the server of {database} ({each}: one \
             for each connection of each module there), but its max_prepared_transactions is {found}. Set \
             max_prepared_transactions = {needed} or more in its postgresql.conf and restart it{pool}{fewer}",
            each = each?.join(", "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str) -> Instance {
        Instance { name: name.into(), prepared_per_module: 8 }
    }

    fn refusal(found: usize, instances: &[Instance]) -> Option<String> {
        let room =
            Room { database: "postgres://h/shop".into(), modules: 5, max_prepared_transactions: found };
        room.check(instances).err().map(|error| error.to_string())
    }

    #[test]
    fn too_little_room_is_refused_with_the_numbers() {
        let alone = [instance("monolith")];
        assert_eq!(refusal(40, &alone), None);
        let none = refusal(0, &alone).unwrap();
        assert!(none.contains("max_prepared_transactions = 40") && !none.contains("--pool"), "{none}");
        let few = refusal(39, &alone).unwrap();
        assert!(few.contains("is 39") && few.contains("--pool") && !few.contains("fewer"), "{few}");
    }

    #[test]
    fn all_instances_count() {
        let three = ["monolith", "monolith-2", "monolith-3"].map(instance);
        assert_eq!(refusal(128, &three), None);
        let four = refusal(128, &[&three[..], &[instance("monolith-4")]].concat()).unwrap();
        for words in ["may have 160", "monolith-2 40", "monolith-4 40", "is 128", "run fewer instances"] {
            assert!(four.contains(words), "{words:?} is missing in {four}");
        }
    }
}

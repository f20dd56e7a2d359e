//! Whether the servers have room for as many prepared transactions as there may be at once (rule 33).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;
use platform::{db, sql};

use crate::databases::Databases;

/// What is needed of one server, and what it has.
#[derive(Debug, Default, Clone, PartialEq)]
struct Room {
    /// One of its databases, to name the server by.
    database: String,
    needed: usize,
    found: usize,
}

#[derive(QueryableByName)]
struct ServerRow {
    #[diesel(sql_type = Text)]
    started: String,
    #[diesel(sql_type = Integer)]
    found: i32,
}

/// Fails unless every module can have a prepared branch on each of so many connections.
pub async fn check(databases: &Databases, connections: usize) -> Result<()> {
    // Several databases may be on one server, which is known by the moment of its start.
    let mut servers: BTreeMap<String, Room> = BTreeMap::new();
    for (url, modules) in databases.distinct() {
        let mut connection = db::connect_one(url).await?;
        let ServerRow { started, found } = sql("SELECT pg_postmaster_start_time()::text AS started,
                    current_setting('max_prepared_transactions')::int AS found")
        .get_result(&mut connection)
        .await
        .context("the server does not tell its max_prepared_transactions")?;
        let room = servers.entry(started).or_default();
        room.database = db::without_password(url);
        room.needed += modules.len() * connections;
        room.found = usize::try_from(found)?;
    }
    servers.values().try_for_each(Room::check)
}

impl Room {
    fn check(&self) -> Result<()> {
        let Room { database, needed, found } = self;
        if found >= needed {
            return Ok(());
        }
        let instead = if *found == 0 { "" } else { ", or lower --pool" };
        bail!(
            "two-phase commit may have {needed} transactions prepared at once on the server of {database} (one for \
             each connection of each module there), and its max_prepared_transactions is {found}. Set \
             max_prepared_transactions = {needed} or more in its postgresql.conf and restart it{instead}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_refused_with_the_numbers() {
        let room = |found| Room { database: "postgres://h/shop".into(), needed: 40, found };
        assert!(room(40).check().is_ok());
        let none = room(0).check().unwrap_err().to_string();
        assert!(none.contains("max_prepared_transactions = 40") && !none.contains("--pool"), "{none}");
        let few = room(39).check().unwrap_err().to_string();
        assert!(few.contains("is 39") && few.contains("--pool"), "{few}");
    }
}

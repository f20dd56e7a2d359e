//! I7: no transaction is left open, and none was aborted by a deadlock.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::inspection::Inspection;
use super::read::{APPLICATION, connect, database_name};
use crate::{Audit, words};
use topology::Databases;

/// A transaction of a program at work, such as a probe or a relay that polls, ends within this pause between the two
/// reads.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The server's statistics about the sessions on the shop's databases.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Names of the databases.
    databases: BTreeSet<String>,
    /// Sessions other than the audit's own.
    clients: u64,
    /// Prepared transactions, by gid.
    prepared: Vec<String>,
    /// Transactions that were open at both reads.
    open: Vec<Open>,
    /// Deadlocks that the server had to break, by database.
    deadlocks: Vec<Deadlocks>,
}

#[derive(Debug, QueryableByName)]
struct Deadlocks {
    #[diesel(sql_type = Text)]
    database: String,
    #[diesel(sql_type = BigInt)]
    deadlocks: i64,
}

#[derive(Debug, Clone, PartialEq, QueryableByName)]
struct Open {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    since: String,
    #[diesel(sql_type = Text)]
    query: String,
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Nullable<Text>)]
    gid: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Queries the server twice, with a pause in between. Only a transaction that is open both times counts as left open.
pub(super) async fn read(databases: &Databases) -> anyhow::Result<Sessions> {
    let names: BTreeSet<String> =
        databases.distinct().into_iter().map(|(_, url)| database_name(url)).collect();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut connection = connect(&databases.orders).await?;

    let prepared: Vec<Prepared> =
        diesel::sql_query("SELECT gid FROM pg_prepared_xacts WHERE database = ANY($1)")
            .bind::<Array<Text>, _>(&list)
            .load(&mut connection)
            .await?;
    let clients: Count = diesel::sql_query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY($1) AND application_name <> $2",
    )
    .bind::<Array<Text>, _>(&list)
    .bind::<Text, _>(APPLICATION)
    .get_result(&mut connection)
    .await?;
    // A session adds its deadlocks to these statistics at its next report, which under load is within a second.
    let deadlocks: Vec<Deadlocks> = diesel::sql_query(
        "SELECT datname::text AS database, deadlocks FROM pg_stat_database
         WHERE datname = ANY($1) AND deadlocks > 0",
    )
    .bind::<Array<Text>, _>(&list)
    .load(&mut connection)
    .await?;
    let mut looks: Vec<Vec<Open>> = Vec::new();
    for look in 0..2 {
        if look == 1 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let open = diesel::sql_query(
            "SELECT pid, coalesce(state, '') AS state, xact_start::text AS since, left(query, 80) AS query
             FROM pg_stat_activity
             WHERE datname = ANY($1) AND application_name <> $2 AND xact_start IS NOT NULL
               AND backend_type = 'client backend'",
        )
        .bind::<Array<Text>, _>(&list)
        .bind::<Text, _>(APPLICATION)
        .load(&mut connection)
        .await?;
        looks.push(open);
        if looks[look].is_empty() {
            break;
        }
    }
    let last = looks.pop().unwrap_or_default();
    let still = |open: &Open| {
        looks.iter().flatten().any(|earlier| (earlier.pid, &earlier.since) == (open.pid, &open.since))
    };
    Ok(Sessions {
        databases: names.clone(),
        clients: clients.count.unsigned_abs(),
        prepared: prepared.into_iter().filter_map(|row| row.gid).collect(),
        open: last.into_iter().filter(still).collect(),
        deadlocks,
    })
}

/// No transaction is left prepared or open, and none was aborted by a deadlock. If all lock in sorted order, there
/// are no deadlocks: rule 27 (lock order).
pub(super) fn nothing_is_left_open(sessions: &Sessions) -> Audit {
    let mut inspection = Inspection::of("I7", words::i7());
    for _ in &sessions.databases {
        inspection.look(None);
    }
    for gid in &sessions.prepared {
        inspection.look(Some(words::left_prepared(gid)));
    }
    for open in &sessions.open {
        inspection.look(Some(words::left_open(open.pid, &open.state, &open.since, &open.query)));
    }
    for Deadlocks { database, deadlocks } in &sessions.deadlocks {
        inspection.look(Some(words::deadlocked(deadlocks, database)));
    }
    inspection.close(words::sessions_done(sessions.clients, sessions.databases.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[test]
    fn a_prepared_transaction_an_open_one_and_a_deadlock_are_seen() {
        let sessions = || Sessions { databases: BTreeSet::from(["shop".into()]), ..Sessions::default() };
        assert_eq!(nothing_is_left_open(&sessions()).verdict, Verdict::Held);
        assert_eq!(nothing_is_left_open(&Sessions::default()).verdict, Verdict::NoEvidence);
        let prepared = Sessions { prepared: vec!["cleave-1".into()], ..sessions() };
        assert_eq!(nothing_is_left_open(&prepared).verdict, Verdict::Violated);
        let open =
            Open { pid: 7, state: "idle in transaction".into(), since: "then".into(), query: "BEGIN".into() };
        let open = nothing_is_left_open(&Sessions { open: vec![open], ..sessions() });
        assert!(open.evidence.english().contains("session 7 is idle in transaction"), "{}", open.evidence);
        let deadlocks = vec![Deadlocks { database: "shop".into(), deadlocks: 2 }];
        let died = nothing_is_left_open(&Sessions { deadlocks, ..sessions() });
        assert!(
            died.evidence.english().contains("2 transactions died in a deadlock in shop"),
            "{}",
            died.evidence
        );
        assert_eq!(died.verdict, Verdict::Violated);
    }

    #[test]
    fn the_name_of_a_database_is_the_end_of_its_url() {
        assert_eq!(database_name("postgres://u:p@127.0.0.1:5432/shop_1?sslmode=disable"), "shop_1");
    }
}

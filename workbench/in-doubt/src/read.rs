//! Reads prepared branches from PostgreSQL's catalogs and from the shop's own tables.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Branch, Coordinator, Decision, Lock, Waiter};

/// What was read from one database.
#[derive(Debug, Default)]
pub(super) struct Source {
    prepared: Vec<PreparedRow>,
    locks: Vec<LockRow>,
    waiters: Vec<WaiterRow>,
    queue: Vec<QueueRow>,
    /// Coordinators whose decisions are stored here.
    coordinators: Vec<CoordinatorRow>,
    decisions: HashMap<Uuid, String>,
}

#[derive(Debug, QueryableByName)]
pub(super) struct PreparedRow {
    #[diesel(sql_type = Text)]
    gid: String,
    #[diesel(sql_type = Text)]
    database: String,
    #[diesel(sql_type = Timestamptz)]
    prepared: DateTime<Utc>,
    #[diesel(sql_type = Double)]
    age_s: f64,
}

#[derive(Debug, QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Text)]
    gid: String,
    #[diesel(sql_type = Text)]
    locked: String,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(Debug, QueryableByName)]
struct WaiterRow {
    #[diesel(sql_type = Text)]
    gid: String,
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Double)]
    waiting_s: f64,
    #[diesel(sql_type = Text)]
    statement: String,
}

#[derive(Debug, QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Array<Integer>)]
    blockers: Vec<i32>,
}

#[derive(Debug, QueryableByName)]
struct CoordinatorRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = Bool)]
    alive: bool,
}

#[derive(QueryableByName)]
struct DecisionRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    transaction_id: Uuid,
    #[diesel(sql_type = Text)]
    decision: String,
}

#[derive(QueryableByName)]
struct TableRow {
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

const PREPARED: &str = "SELECT gid, database::text AS database, prepared,
        extract(epoch FROM clock_timestamp() - prepared)::float8 AS age_s
     FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, 'cleave:')";

/// A prepared transaction has no session, so its locks have no process id. Every transaction locks its own id, and
/// that lock shows which other locks belong to it. Locks on indexes are left out, because they only accompany those
/// on their tables.
const LOCKS: &str = "SELECT gid, coalesce(lock.relation::regclass::text, lock.locktype) AS locked, lock.mode,
        count(*) AS count
     FROM pg_prepared_xacts
     JOIN pg_locks own ON own.pid IS NULL AND own.transactionid = transaction
     JOIN pg_locks lock ON lock.pid IS NULL AND lock.virtualtransaction = own.virtualtransaction
     LEFT JOIN pg_class class ON class.oid = lock.relation
     WHERE pg_prepared_xacts.database = current_database() AND starts_with(gid, 'cleave:')
       AND class.relkind IS DISTINCT FROM 'i'
     GROUP BY gid, locked, lock.mode ORDER BY gid, locked, lock.mode";

/// Sessions that wait for a lock held by a branch. PostgreSQL reports a prepared transaction as blocking process 0.
const WAITERS: &str = "SELECT DISTINCT ON (gid, wait.pid) gid, wait.pid,
        extract(epoch FROM clock_timestamp() - coalesce(wait.waitstart, session.query_start))::float8 AS waiting_s,
        left(regexp_replace(session.query, '\\s+', ' ', 'g'), 200) AS statement
     FROM pg_prepared_xacts
     JOIN pg_locks own ON own.pid IS NULL AND own.transactionid = transaction
     JOIN pg_locks held ON held.pid IS NULL AND held.virtualtransaction = own.virtualtransaction
     JOIN pg_locks wait ON NOT wait.granted
       AND (wait.locktype, wait.database, wait.relation, wait.page, wait.tuple, wait.transactionid::text,
            wait.classid, wait.objid, wait.objsubid)
           IS NOT DISTINCT FROM
           (held.locktype, held.database, held.relation, held.page, held.tuple, held.transactionid::text,
            held.classid, held.objid, held.objsubid)
     JOIN pg_stat_activity session ON session.pid = wait.pid
     WHERE pg_prepared_xacts.database = current_database() AND starts_with(gid, 'cleave:')
       AND 0 = ANY (pg_blocking_pids(wait.pid))";

const QUEUE: &str = "SELECT pid, pg_blocking_pids(pid) AS blockers
     FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) waiting";

/// A running coordinator holds an advisory lock. `pg_locks` shows its 64-bit key in two halves.
const COORDINATORS: &str = "SELECT name, epoch, EXISTS (
         SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (classid::bigint << 32 | objid::bigint) = hashtextextended('cleave.coordinator:' || name, 0)
     ) AS alive FROM two_phase.coordinators";

impl Source {
    pub(super) async fn read(connection: &mut AsyncPgConnection) -> Result<Source> {
        // Branches before decisions. A decision is made after its branches are prepared, so none is missed.
        let prepared = diesel::sql_query(PREPARED).load(connection).await?;
        let mut source = Source { prepared, ..Source::default() };
        source.locks = diesel::sql_query(LOCKS).load(connection).await?;
        source.waiters = diesel::sql_query(WAITERS).load(connection).await?;
        source.queue = diesel::sql_query(QUEUE).load(connection).await?;
        let tables: TableRow = diesel::sql_query("SELECT to_regclass('two_phase.decisions')::text AS name")
            .get_result(connection)
            .await?;
        if tables.name.is_some() {
            source.coordinators = diesel::sql_query(COORDINATORS).load(connection).await?;
            let decisions: Vec<DecisionRow> =
                diesel::sql_query("SELECT transaction_id, decision FROM two_phase.decisions")
                    .load(connection)
                    .await?;
            source.decisions = decisions.into_iter().map(|row| (row.transaction_id, row.decision)).collect();
        }
        Ok(source)
    }

    fn coordinator(&self, name: &str) -> Option<&CoordinatorRow> {
        self.coordinators.iter().find(|row| row.name == name)
    }
}

/// The branches in one of these databases, completed with what the other databases show about them.
pub(super) fn branches(sources: &[Source], index: usize) -> Vec<Branch> {
    let source = &sources[index];
    let branch = |row: &PreparedRow| {
        let [_, name, epoch, transaction, module] = row.gid.split(':').collect::<Vec<_>>()[..] else {
            return None;
        };
        let transaction_id = transaction.parse().ok()?;
        let decisions = decisions_of(sources, index, name);
        let known = decisions.and_then(|index| sources[index].coordinator(name));
        let locks = source.locks.iter().filter(|lock| lock.gid == row.gid);
        let waiters = source.waiters.iter().filter(|waiter| waiter.gid == row.gid);
        Some(Branch {
            gid: row.gid.clone(),
            transaction_id,
            module: module.to_owned(),
            database: row.database.clone(),
            prepared_at: row.prepared,
            age_s: row.age_s,
            epoch: epoch.parse().ok()?,
            coordinator: Coordinator {
                name: name.to_owned(),
                alive: known.map(|coordinator| coordinator.alive),
                epoch: known.map(|coordinator| coordinator.epoch),
            },
            decision: match decisions.map(|index| sources[index].decisions.get(&transaction_id)) {
                None => Decision::Unknown,
                Some(None) => Decision::None,
                Some(Some(decision)) if decision == "commit" => Decision::Commit,
                Some(Some(_)) => Decision::Abort,
            },
            locks: locks
                .map(|lock| Lock { on: lock.locked.clone(), mode: lock.mode.clone(), count: lock.count })
                .collect(),
            waiters: waiters
                .map(|waiter| Waiter {
                    pid: waiter.pid,
                    waiting_s: waiter.waiting_s,
                    statement: waiter.statement.clone(),
                    behind: behind(&source.queue, waiter.pid),
                })
                .collect(),
            outcome: None,
            source: index,
            decisions,
        })
    };
    source.prepared.iter().filter_map(branch).collect()
}

/// Index of the database with a coordinator's decisions: the branch's own database, or otherwise the only other one
/// that knows this coordinator.
fn decisions_of(sources: &[Source], own: usize, coordinator: &str) -> Option<usize> {
    if sources[own].coordinator(coordinator).is_some() {
        return Some(own);
    }
    let mut others = (0..sources.len()).filter(|index| sources[*index].coordinator(coordinator).is_some());
    others.next().filter(|_| others.next().is_none())
}

/// Counts the sessions that wait for this one, directly or indirectly.
fn behind(queue: &[QueueRow], pid: i32) -> usize {
    let mut found = HashSet::new();
    let mut next = vec![pid];
    while let Some(blocker) = next.pop() {
        for row in queue {
            if row.blockers.contains(&blocker) && row.pid != pid && found.insert(row.pid) {
                next.push(row.pid);
            }
        }
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn with_branch(name: &str) -> Source {
        let prepared = PreparedRow {
            gid: format!("cleave:{name}:3:{ID}:inventory"),
            database: "stock".into(),
            prepared: DateTime::UNIX_EPOCH,
            age_s: 4.0,
        };
        Source { prepared: vec![prepared], ..Source::default() }
    }

    fn with_decisions(name: &str, decision: Option<&str>) -> Source {
        let coordinators = vec![CoordinatorRow { name: name.into(), epoch: 3, alive: false }];
        let decisions = decision.into_iter().map(|decision| (ID, decision.to_owned())).collect();
        Source { coordinators, decisions, ..Source::default() }
    }

    #[test]
    fn the_decision_is_found_where_the_coordinator_keeps_it() {
        let decision = |sources: &[Source]| branches(sources, 0)[0].decision;
        let commit = Some("commit");
        assert_eq!(decision(&[with_branch("a"), with_decisions("a", commit)]), Decision::Commit);
        assert_eq!(decision(&[with_branch("a"), with_decisions("a", Some("abort"))]), Decision::Abort);
        assert_eq!(decision(&[with_branch("a"), with_decisions("a", None)]), Decision::None);
        assert_eq!(decision(&[with_branch("a")]), Decision::Unknown);
        assert_eq!(decision(&[with_branch("a"), with_decisions("b", commit)]), Decision::Unknown);
        // Two shops whose coordinators have the same name: the owner of the branch is ambiguous.
        let two = [with_branch("a"), with_decisions("a", commit), with_decisions("a", None)];
        assert_eq!(decision(&two), Decision::Unknown);
        // The branch's own database comes before others.
        let beside = Source { prepared: with_branch("a").prepared, ..with_decisions("a", None) };
        assert_eq!(decision(&[beside, with_decisions("a", commit)]), Decision::None);
    }

    #[test]
    fn sessions_behind_a_waiter_are_counted_once() {
        let row = |pid, blockers: &[i32]| QueueRow { pid, blockers: blockers.to_vec() };
        let queue = [row(1, &[0]), row(2, &[1]), row(3, &[1, 2]), row(4, &[3]), row(5, &[9])];
        assert_eq!(behind(&queue, 1), 3);
        assert_eq!(behind(&queue, 4), 0);
        assert_eq!(behind(&[row(1, &[2]), row(2, &[1])], 1), 1, "a deadlock ends too");
    }
}

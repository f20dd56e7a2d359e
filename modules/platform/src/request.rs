//! Runs a request's work in one database, and once more if the database had a temporary failure.
//!
//! One retry is enough for a connection that has ended and for a stale prepared statement: the pool does not hand out
//! either of them twice. If the retry fails too, the error says what is known: nothing was done, or the outcome is
//! unknown.

use contracts::BoxError;
use diesel_async::AsyncPgConnection;

use crate::db::Pool;
use crate::{Blame, Problem, blame, refused_values};

/// Runs work that only reads.
pub async fn read<T>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, BoxError>,
) -> Result<T, Problem> {
    twice(pool, work).await.map_err(|failed| {
        tracing::error!(error = %failed.error, "a read request failed");
        Problem::unavailable("the database did not respond; try again in a moment")
    })
}

/// Runs idempotent work that writes: the request has an id, or states the final values.
pub async fn write<T>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, BoxError>,
) -> Result<T, Problem> {
    twice(pool, work).await.map_err(|Failed { error, in_doubt }| {
        tracing::error!(%error, in_doubt, "a write request failed");
        if !in_doubt && refused_values(&*error) {
            not_possible()
        } else if in_doubt {
            Problem::outcome_unknown(
                "the database did not respond, so the request may have been done; send the same request again, it is done only once",
            )
        } else {
            Problem::unavailable("the database failed and nothing has changed; try again in a moment")
        }
    })
}

/// 422: the request itself is what failed, so it fails again if it is sent again. It says nothing about the service, which
/// works: rule 56 (client faults). A 503 would count as the service's failure.
pub fn not_possible() -> Problem {
    Problem::unprocessable(
        "not_possible",
        "the request cannot be carried out with the data that is stored, and nothing has changed; sending it again does \
         not help",
    )
}

struct Failed {
    error: BoxError,
    /// Whether the work may have been done after all: it was sent, and the server did not refuse it.
    in_doubt: bool,
}

async fn twice<T>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, BoxError>,
) -> Result<T, Failed> {
    let mut in_doubt = false;
    for again in [true, false] {
        let mut conn = pool.get().await.map_err(|error| Failed { error: error.into(), in_doubt })?;
        let error = match work(&mut conn).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let of_the_moment = blame(&*error) == Blame::Environment;
        in_doubt |= of_the_moment;
        if !(again && of_the_moment) {
            return Err(Failed { error, in_doubt });
        }
        tracing::info!(%error, "the database had a temporary failure, trying once more");
    }
    unreachable!("the second attempt returns")
}

//! What a request does in one database, once more where the database had a bad moment.
//!
//! Once more is enough for a connection that had ended and for a statement that its table has outgrown: the pool hands out
//! neither a second time. And whoever is refused hears what is known: that nothing was done, or that nobody can tell.

use contracts::BoxError;
use diesel_async::AsyncPgConnection;

use crate::db::Pool;
use crate::{Blame, Problem, blame};

/// Reads.
pub async fn read<T>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, BoxError>,
) -> Result<T, Problem> {
    twice(pool, work).await.map_err(|failed| {
        tracing::error!(error = %failed.error, "a request that reads failed");
        Problem::unavailable("the database gave no answer; try again in a moment")
    })
}

/// Writes something that is done once however often it is asked for: what came has an id, or says how things are to be.
pub async fn write<T>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, BoxError>,
) -> Result<T, Problem> {
    twice(pool, work).await.map_err(|Failed { error, in_doubt }| {
        tracing::error!(%error, in_doubt, "a request that writes failed");
        if in_doubt {
            Problem::outcome_unknown(
                "the database gave no answer, and it may have been done; send the same request again: it is done once",
            )
        } else {
            Problem::unavailable("the database did not do it, and nothing has changed; try again in a moment")
        }
    })
}

struct Failed {
    error: BoxError,
    /// Whether it may have been done all the same: it was sent, and the server did not say no to it.
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
        tracing::info!(%error, "the database had a bad moment; once more");
    }
    unreachable!("the second attempt returns")
}

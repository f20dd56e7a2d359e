//! Whose fault it is that a store failed: one classification for both modes (rules 45 and 46).
//!
//! diesel-async tells few errors of PostgreSQL apart. It has kinds for violated constraints and for a serialization failure;
//! a deadlock (40P01), a lock time-out (55P03), a full disk (53100) and a server that shuts down (57P01) all arrive as
//! `Unknown`, and a lost connection as `UnableToSendCommand`. Their SQLSTATE is gone by then, and the text is in whatever
//! language the server speaks. So the question is turned round: what is the *message's* fault can be told for certain, and
//! everything else is the environment's. `docs/adr/0021-whose-fault-an-error-is.md` says what that costs.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind as Kind, Error};

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// What was asked cannot be done as it is: it violates a constraint, cannot be written down or read, or the module says
    /// so. Tried again at another time it most likely fails again.
    Message,
    /// The database had a bad moment: locks, lost connections, a full disk, a restart, a migration. It says nothing about
    /// what was asked, and is waited out, however long it lasts.
    Environment,
}

/// Tells whose fault an error is. Looks at the kinds of errors and never at their texts.
pub fn blame(error: &(dyn StdError + Send + Sync + 'static)) -> Blame {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return blame_in(error);
        }
        if error.is::<diesel::ConnectionError>() || error.is::<crate::db::PoolError>() {
            return Blame::Environment;
        }
        cause = error.source();
    }
    Blame::Message
}

fn blame_in(error: &Error) -> Blame {
    match error {
        Error::DatabaseError(
            Kind::UniqueViolation
            | Kind::ForeignKeyViolation
            | Kind::NotNullViolation
            | Kind::CheckViolation
            | Kind::RestrictViolation
            | Kind::ExclusionViolation,
            _,
        ) => Blame::Message,
        Error::NotFound
        | Error::SerializationError(_)
        | Error::DeserializationError(_)
        | Error::QueryBuilderError(_)
        | Error::InvalidCString(_) => Blame::Message,
        // The other kinds, and a transaction that diesel has lost track of because its connection broke.
        _ => Blame::Environment,
    }
}

#[cfg(test)]
mod tests {
    use contracts::BoxError;

    use super::*;

    /// As diesel-async reports an error of the server, in the server's language.
    fn database(kind: Kind, text: &str) -> BoxError {
        Error::DatabaseError(kind, Box::new(text.to_owned())).into()
    }

    #[test]
    fn only_what_a_message_is_counts_against_it() {
        for kind in [
            Kind::UniqueViolation,
            Kind::ForeignKeyViolation,
            Kind::NotNullViolation,
            Kind::CheckViolation,
            Kind::RestrictViolation,
            Kind::ExclusionViolation,
        ] {
            assert_eq!(blame(&*database(kind, "deadlock detected")), Blame::Message, "{kind:?}");
        }
        let unreadable: BoxError = Error::DeserializationError("no such status".into()).into();
        assert_eq!(blame(&*unreadable), Blame::Message);
        assert_eq!(blame(&*BoxError::from("order 1 is confirmed already")), Blame::Message);
    }

    #[test]
    fn a_bad_moment_is_one_in_every_language() {
        // 40P01, 55P03, 57P01, 53100 and 0A000, which have no kind; and what has no SQLSTATE at all.
        for text in [
            "deadlock detected",
            "교착 상태가 발생했습니다",
            "잠금 제한 시간 초과로 작업을 취소합니다",
            "관리자 요청에 의해서 연결을 끝냅니다",
            "파일을 확장할 수 없습니다: 장치에 남은 공간이 없음",
            "cached plan must not change result type",
            "",
        ] {
            assert_eq!(blame(&*database(Kind::Unknown, text)), Blame::Environment, "{text}");
        }
        for kind in [Kind::SerializationFailure, Kind::UnableToSendCommand, Kind::ClosedConnection] {
            assert_eq!(blame(&*database(kind, "connection closed")), Blame::Environment, "{kind:?}");
        }
        assert_eq!(blame(&*BoxError::from(Error::BrokenTransactionManager)), Blame::Environment);
        let refused = diesel::ConnectionError::BadConnection("refused".into());
        assert_eq!(blame(&*BoxError::from(refused)), Blame::Environment);
    }

    #[test]
    fn what_an_error_is_wrapped_in_makes_no_difference() {
        let wrapped = anyhow::Error::new(Error::BrokenTransactionManager).context("the saga was not kept");
        assert_eq!(blame(&*BoxError::from(wrapped)), Blame::Environment);
    }
}

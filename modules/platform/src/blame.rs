//! Classifies store errors for both modes: is the message at fault, or its environment? See rules 45 (error kinds) and
//! 46 (bad moments).
//!
//! diesel-async distinguishes few PostgreSQL errors. It has kinds for constraint violations and for a serialization
//! failure. A deadlock (40P01), a lock time-out (55P03), a full disk (53100) and a server that shuts down (57P01) all
//! arrive as `Unknown`, and a lost connection as `UnableToSendCommand`. The SQLSTATE is gone by then, and the text is
//! in the server's language. So this module does the reverse: errors that are certainly the *message's* fault are
//! recognised, and everything else is blamed on the environment. `docs/adr/0021-whose-fault-an-error-is.md` describes
//! what that costs.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind as Kind, Error};

/// Who or what is to blame for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The request itself: it violates a constraint, cannot be encoded or decoded, or the module rejects it. Trying
    /// again later will most likely fail too.
    Message,
    /// The database's situation: locks, lost connections, a full disk, a restart, a migration. This has nothing to do
    /// with the request. Retry for as long as it lasts.
    Environment,
}

/// Classifies an error by its kind, never by its text.
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

/// Whether PostgreSQL or diesel refused the values of a request: they violate a constraint or cannot be encoded. Narrower
/// than [`Blame::Message`], which also covers errors of a module and rows that cannot be read. A request is not at fault
/// for those.
pub fn refused_values(error: &(dyn StdError + Send + Sync + 'static)) -> bool {
    let first: &(dyn StdError + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |cause| (*cause).source());
    causes.find_map(|cause| cause.downcast_ref()).is_some_and(|error: &Error| match error {
        Error::DatabaseError(..) => blame_in(error) == Blame::Message,
        error => matches!(error, Error::SerializationError(_) | Error::InvalidCString(_)),
    })
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
        // All other kinds, and a transaction whose connection broke so that diesel lost track of its state.
        _ => Blame::Environment,
    }
}

#[cfg(test)]
mod tests {
    use contracts::BoxError;

    use super::*;

    /// An error as diesel-async reports it, with a text in the server's language.
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
        assert_eq!(blame(&*BoxError::from("order 1 is already confirmed")), Blame::Message);
    }

    #[test]
    fn a_bad_moment_is_one_in_every_language() {
        // 40P01, 55P03, 57P01, 53100 and 0A000, which diesel has no kind for, and an error without any SQLSTATE.
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
    fn a_request_is_at_fault_only_for_its_values() {
        assert!(refused_values(&*database(Kind::CheckViolation, "규칙을 위반")));
        assert!(!refused_values(&*database(Kind::Unknown, "check constraint")));
        assert!(!refused_values(&*BoxError::from(Error::DeserializationError("no such status".into()))));
        assert!(!refused_values(&*BoxError::from("an earlier attempt still holds the key")));
    }

    #[test]
    fn what_an_error_is_wrapped_in_makes_no_difference() {
        let wrapped = anyhow::Error::new(Error::BrokenTransactionManager).context("the saga was not kept");
        assert_eq!(blame(&*BoxError::from(wrapped)), Blame::Environment);
    }
}

//! One step of a checkout in this service: a command for its module, and the event that it answers.

use contracts::{Command, Error, Event};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use platform::CrashPoint;
use platform::telemetry::{Kind, Scope};

use crate::reactor::Failure;

/// What a module does when it is told: its `handle`, boxed.
pub type Handle = for<'a> fn(&'a mut AsyncPgConnection, Command) -> BoxFuture<'a, Result<Event, Error>>;

/// Has the module do what it is told, in a transaction of the caller's. Its no is an answer like its yes: a refusal
/// writes nothing, so one transaction can hold many steps and answer no to some of them.
pub async fn perform(
    handle: Handle,
    conn: &mut AsyncPgConnection,
    command: Command,
    within: &Scope,
) -> Result<Event, Failure> {
    let (before, after) = match command.is_compensation() {
        true => (CrashPoint::BeforeCompensation, CrashPoint::AfterCompensation),
        false => (CrashPoint::BeforeBusinessWrite, CrashPoint::AfterBusinessWrite),
    };
    before.pass();
    let mut step = within.span(Kind::Internal, command.routing_key());
    let outcome = handle(conn, command.clone()).await;
    step.outcome(&outcome);
    step.end();
    let event = match outcome {
        Ok(event) => event,
        Err(Error::Refused(refusal)) => command
            .refused(refusal)
            .ok_or_else(|| Failure::Poison(format!("{} cannot be refused", command.routing_key())))?,
        Err(Error::Broken(error)) => return Err(Failure::Broken(error)),
    };
    after.pass();
    Ok(event)
}

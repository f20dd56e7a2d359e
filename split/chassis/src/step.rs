//! One step of a checkout in this service: a command for its module, and the event that it replies with.

use contracts::{Command, Error, Event};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use platform::CrashPoint;
use platform::telemetry::{Kind, Scope};

use crate::reactor::Failure;

/// A module's `handle`, boxed: runs a command.
pub type Handle = for<'a> fn(&'a mut AsyncPgConnection, Command) -> BoxFuture<'a, Result<Event, Error>>;

/// Passes a command to the module in the caller's transaction. A refusal is a normal reply: it writes nothing, so one
/// transaction can contain many steps and refuse some of them.
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

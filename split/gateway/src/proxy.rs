//! Forwards requests to services and passes their responses back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use platform::Problem;
use platform::registry::Instance;
use reqwest::Client;

use crate::call::{Answer, Call, NoAnswer};
use crate::dependency::{Dependency, No, Sign};
use crate::fallback::LastGood;
use crate::metrics::Metrics;
use crate::placement::Placement;

/// The maximum number of attempts per request.
const ATTEMPTS: usize = 3;

/// How long a write may wait while its module moves. A move is over or given up well before.
const HELD_AT_MOST: Duration = Duration::from_secs(5);

/// How long a change may take to reach the database that follows.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(500);

/// What to do after a request that certainly did nothing. An earlier one with the same key may have been done, so a new
/// key could order twice: rule 53 (three outcomes).
const AGAIN: &str = "send it again, an order with the same Idempotency-Key";

/// A module behind the gateway, as one worker uses it.
pub struct Upstream {
    /// The module that handles the requests.
    pub module: &'static str,
    /// Which service runs it.
    pub placement: Arc<Placement>,
    /// All services behind this gateway.
    pub dependencies: Arc<[Arc<Dependency>]>,
    /// The HTTP client for this service.
    pub client: Client,
    /// Its metrics.
    pub metrics: Metrics,
    /// Its last good responses, if stale ones may be used for it.
    pub last_good: Option<Arc<LastGood>>,
}

/// Forwards a request and returns the response unchanged, or the last good one if the service fails.
pub async fn forward(
    request: HttpRequest,
    body: web::Payload,
    upstream: web::Data<Upstream>,
) -> Result<HttpResponse, Problem> {
    let call = Call::read(&request, body).await?;
    let _write = match call.reads() {
        true => None,
        false => Some(upstream.placement.write(upstream.module, HELD_AT_MOST).await),
    };
    let dependency = upstream.dependency(upstream.placement.service_of(upstream.module));
    let outcome = upstream.ask(dependency, &call).await;
    if let Ok(answer) = &outcome
        && call.reads()
        && upstream.placement.compares(upstream.module)
    {
        actix_web::rt::spawn(compare(upstream.clone(), call.clone(), answer.body.clone()));
    }
    let Some(last_good) = upstream.last_good.as_ref().filter(|_| call.reads()) else {
        return outcome.map(Answer::pass_on);
    };
    match &outcome {
        Ok(answer) if answer.status == StatusCode::OK => {
            last_good.keep(&call.path, answer.body.clone(), Instant::now());
        }
        Ok(answer) if !answer.status.is_server_error() => {}
        _ => {
            if let Some(stale) = last_good.give(&call.path, Instant::now()) {
                upstream.metrics.degraded(dependency.service);
                return Ok(stale);
            }
        }
    }
    outcome.map(Answer::pass_on)
}

/// The *parallel run* of a module that is about to move: the client has its answer, and both sides are asked and
/// compared. A change that is on its way to the follower makes them differ for a moment, so a difference counts only if
/// it is still there when both are asked again.
async fn compare(upstream: web::Data<Upstream>, call: Call, answered: web::Bytes) {
    let sides = ["monolith", upstream.module].map(|side| upstream.dependency(side));
    let asked = async |side| upstream.ask(side, &call).await.ok().map(|answer| answer.body);
    let here = upstream.placement.service_of(upstream.module);
    let other = sides.into_iter().find(|side| side.service != here).expect("there are two sides");
    let same = asked(other).await.is_some_and(|body| body == answered);
    if !same {
        tokio::time::sleep(FOLLOWS_WITHIN).await;
        let (one, two) = (asked(sides[0]).await, asked(sides[1]).await);
        return upstream.placement.compared(one.is_some() && one == two);
    }
    upstream.placement.compared(true);
}

impl Upstream {
    /// The dependency with this name.
    fn dependency(&self, service: &str) -> &Arc<Dependency> {
        let found = self.dependencies.iter().find(|dependency| dependency.service == service);
        found.expect("every service that a module can be in is a dependency")
    }

    /// Sends the request, and sends it again if that is safe and likely to help.
    async fn ask(&self, dependency: &Dependency, call: &Call) -> Result<Answer, Problem> {
        let service = dependency.service;
        let limits = dependency.limits();
        let deadline = Instant::now() + call.deadline(&limits);
        let _permit = dependency.enter().ok_or_else(|| {
            Problem::unavailable(format!(
                "{} requests to the {service} service are already in progress; this request did nothing, {AGAIN}",
                limits.concurrency
            ))
        })?;
        let (mut tried, mut attempts) = (Vec::new(), 0);
        let (mut last, mut in_doubt) = (None, false);
        loop {
            let attempt = match dependency.attempt(&tried) {
                Ok(attempt) => attempt,
                // The first attempt's error says more than the lack of a second instance.
                Err(no) => return last.unwrap_or_else(|| Err(refused(service, no))),
            };
            let limit = call.limit(&limits).min(deadline.saturating_duration_since(Instant::now()));
            let outcome = self.send(service, call, &attempt.to, limit, attempts).await;
            attempts += 1;
            if outcome.as_ref().err() == Some(&NoAnswer::Unsendable) {
                return Err(unsendable());
            }
            let sign = sign_of(&outcome);
            dependency.note(&attempt, sign, &in_words(&outcome));
            // Only a refused connection certainly did nothing. After any other failure only idempotent requests are
            // sent again.
            let harmless = call.is_idempotent() || outcome.as_ref().err() == Some(&NoAnswer::Refused);
            // A broken connection may just have been an old one on a healthy instance, so that instance may be tried
            // again.
            if outcome.as_ref().err() != Some(&NoAnswer::Lost) {
                tried.push(attempt.to);
            }
            let again = sign != Sign::Healthy
                && harmless
                && attempts < ATTEMPTS
                && Instant::now() < deadline
                && dependency.has_another(&tried)
                && dependency.may_retry();
            in_doubt |= !call.reads() && leaves_doubt(&outcome);
            let outcome = match outcome {
                // The attempt in doubt holds the key, so its own outcome says more than this conflict.
                Ok(answer) if in_doubt && answer.status == StatusCode::CONFLICT => {
                    last.take().unwrap_or_else(|| Err(unknown(service, call)))
                }
                Ok(answer) if in_doubt && answer.status == StatusCode::SERVICE_UNAVAILABLE => {
                    Err(unknown(service, call))
                }
                Err(NoAnswer::Refused) if in_doubt => Err(unknown(service, call)),
                outcome => outcome.map_err(|why| no_answer(service, why, call)),
            };
            if !again {
                return outcome;
            }
            self.metrics.retried(service);
            last = Some(outcome);
        }
    }

    /// One attempt, with its span and its metrics.
    async fn send(
        &self,
        service: &'static str,
        call: &Call,
        to: &Instance,
        limit: Duration,
        earlier: usize,
    ) -> Result<Answer, NoAnswer> {
        let mut span = call.span(to, earlier);
        let began = Instant::now();
        let outcome = call.send(&self.client, to, limit, &span).await;
        self.metrics.called(service, began.elapsed(), in_a_word(&outcome));
        match &outcome {
            Ok(answer) => answer.note_in(&mut span),
            Err(_) => span.failed(in_a_word(&outcome)),
        }
        span.end();
        outcome
    }
}

/// What an attempt says about the instance.
fn sign_of(outcome: &Result<Answer, NoAnswer>) -> Sign {
    match outcome {
        Ok(answer) if !answer.status.is_server_error() => Sign::Healthy,
        Ok(_) => Sign::Failing,
        Err(NoAnswer::Refused) => Sign::Gone,
        Err(NoAnswer::Lost) => Sign::Lost,
        Err(NoAnswer::TimedOut | NoAnswer::Unsendable) => Sign::Silent,
    }
}

/// Whether a failed attempt may have been done. A later attempt that certainly did nothing does not change that:
/// rule 53 (three outcomes).
fn leaves_doubt(outcome: &Result<Answer, NoAnswer>) -> bool {
    match outcome {
        Ok(answer) => answer.status.is_server_error() && answer.status != StatusCode::SERVICE_UNAVAILABLE,
        Err(why) => *why != NoAnswer::Refused,
    }
}

/// The outcome as a metric label: a small fixed set of words.
fn in_a_word(outcome: &Result<Answer, NoAnswer>) -> &'static str {
    match outcome {
        Ok(answer) if answer.status.is_server_error() => "failing",
        Ok(_) => "answered",
        Err(NoAnswer::Refused) => "refused",
        Err(NoAnswer::Lost) => "lost",
        Err(NoAnswer::TimedOut) => "timeout",
        Err(NoAnswer::Unsendable) => "unsendable",
    }
}

fn in_words(outcome: &Result<Answer, NoAnswer>) -> String {
    match outcome {
        Ok(answer) => format!("responded {}", answer.status.as_u16()),
        Err(NoAnswer::Refused) => "refused the connection".into(),
        Err(NoAnswer::Lost) => "lost the connection".into(),
        Err(NoAnswer::TimedOut) => "did not respond in time".into(),
        Err(NoAnswer::Unsendable) => "was not asked".into(),
    }
}

/// For input that passes all checks but still does not make a valid request. It does not count for the breaker:
/// rule 56 (client faults).
fn unsendable() -> Problem {
    Problem::bad_request("invalid_path", "this path, query and headers do not make a valid request")
}

fn refused(service: &str, no: No) -> Problem {
    Problem::unavailable(match no {
        No::Open => format!(
            "the {service} service has failed several times in a row and gets no requests for a moment (its circuit \
             breaker is open); this request did nothing, {AGAIN}"
        ),
        No::Nobody => {
            format!("the {service} service has no known instance; this request did nothing, {AGAIN}")
        }
    })
}

/// A refused connection decided nothing. After any other failure the client has to ask: rule 23 (time-outs).
fn no_answer(service: &str, why: NoAnswer, call: &Call) -> Problem {
    if why == NoAnswer::Refused {
        return Problem::unavailable(format!(
            "the {service} service is unreachable; this request did nothing, {AGAIN}"
        ));
    }
    unknown(service, call)
}

fn unknown(service: &str, call: &Call) -> Problem {
    let no_reply = format!("the {service} service did not reply");
    match call.ask() {
        Some(path) => Problem::outcome_unknown(format!(
            "{no_reply}, so the order may have been placed; send it again with the same Idempotency-Key (never a new \
             one), or look at {path}"
        ))
        .ask_at(path),
        None if call.reads() => Problem::outcome_unknown(format!("{no_reply}; send the request again")),
        None => Problem::outcome_unknown(format!(
            "{no_reply}, so the request may have been done; send the same request again, with the same id"
        )),
    }
}

//! The HTTP server, and what all responses have in common.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use contracts::TraceContext;
use futures_util::future::LocalBoxFuture;

pub use crate::description::OPENAPI;
pub use crate::entrance::{BODY_LIMIT, body_too_large};
use crate::health::Health;
use crate::listen::Listen;
use crate::registration::Registration;
use crate::telemetry::{self, Scope, Telemetry};
use crate::{Problem, entrance, idle};

/// The page that shows [`OPENAPI`] and sends requests. It loads nothing else.
const DOCS: &str = include_str!("docs.html");

/// Allows the page's own inline code and requests to its own server, nothing else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'";

/// How long requests in progress may take after a stop signal, in seconds.
const SHUTDOWN_SECONDS: u64 = 10;

/// How often a stopping server checks whether its connections are closed.
const CLOSED_YET: Duration = Duration::from_millis(5);

/// The longest `Prefer: wait` that is honoured.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// HTTP worker threads: half of the cores, because the databases, the broker and the clients on the same machine need
/// the others. On two cores, one was faster than two.
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// Registers a program's endpoints. A value instead of a type parameter, so that the HTTP server is compiled once in
/// this crate and not again in each program.
pub type Routes = Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>;

/// Serves until the process is told to stop, then finishes the requests in progress.
///
/// With a registration, the program is listed in the registry while it is ready. On shutdown it deregisters first, then
/// keeps serving until every client must have noticed, so that no request hits a closed port.
///
/// `routes` is called once per worker, and the worker's runtime drives what it opens: rule 40 (worker pools).
///
/// The first line on standard output names the address, so that port 0 is usable.
///
/// The future is boxed because otherwise every crate that polls it would compile its body again.
pub fn serve(
    at: Listen,
    telemetry: &Telemetry,
    health: Health,
    registration: Option<Registration>,
    routes: Routes,
) -> LocalBoxFuture<'_, anyhow::Result<()>> {
    Box::pin(serve_until_stopped(at, telemetry, health, registration, routes))
}

async fn serve_until_stopped(
    at: Listen,
    telemetry: &Telemetry,
    health: Health,
    registration: Option<Registration>,
    routes: Routes,
) -> anyhow::Result<()> {
    let listener = at.bind()?;
    let address = listener.local_addr()?;
    if let Some(registration) = &registration {
        registration.check(address)?;
    }
    let connections = Connections::default();
    let server = {
        let (health, telemetry) = (health.clone(), telemetry.clone());
        HttpServer::new(move || {
            App::new()
                .configure(|app| health.routes(app))
                .configure(|app| telemetry.routes(app))
                .configure(common)
                .configure(|app| routes(app))
                .default_service(web::to(async || no_such_route()))
                .wrap(from_fn(entrance::check))
                .wrap(from_fn(telemetry::observe))
        })
        .workers(workers())
        .keep_alive(idle::SERVER)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .on_connect({
            let connections = connections.clone();
            move |_, kept_with_it| _ = kept_with_it.insert(connections.one_more())
        })
        .disable_signals()
        .listen(listener)
        .context("the HTTP server did not start")?
        .run()
    };
    announce(address);
    let registered = registration.map(|registration| registration.begin(address));
    let handle = server.handle();
    // A separate task, so that it can close the remaining connections while the rest of the process ends.
    let server = tokio::spawn(server);
    let stopped = async {
        stop_signal().await;
        health.stopping();
        if let Some(registered) = registered {
            registered.end().await;
        }
        tokio::select! {
            () = handle.stop(true) => {}
            () = connections.all_closed() => {}
        }
        Ok(())
    };
    tokio::select! {
        ended = server => ended?.context("the HTTP server failed"),
        stopped = stopped => stopped,
    }
}

/// Counts the open connections. A stopping server closes each connection as soon as it is idle, but checks only once
/// per second whether all are closed. A rolling deployment would wait for that.
#[derive(Clone, Default)]
struct Connections(Arc<AtomicUsize>);

/// One open connection. Dropped once all of its responses are written and it is closed.
struct Connection(Connections);

impl Connections {
    fn one_more(&self) -> Connection {
        self.0.fetch_add(1, Ordering::Relaxed);
        Connection(self.clone())
    }

    async fn all_closed(&self) {
        while self.0.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(CLOSED_YET).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Prints the address for the parent process. It may not be reading, and that must not stop us.
fn announce(address: std::net::SocketAddr) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{{\"listening\":\"{address}\"}}").and_then(|()| out.flush());
}

/// Completes when the process is told to stop, by SIGTERM or Ctrl-C.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The API description, its page, and errors as problem+json.
fn common(app: &mut web::ServiceConfig) {
    app.app_data(
        web::JsonConfig::default().limit(BODY_LIMIT).error_handler(|error, _| json_problem(error).into()),
    )
    .app_data(web::PayloadConfig::new(BODY_LIMIT))
    .app_data(web::PathConfig::default().error_handler(|error, _| path_problem(error).into()))
    .app_data(web::QueryConfig::default().error_handler(|error, _| query_problem(error).into()))
    .route("/openapi.json", web::get().to(async || openapi()))
    .service(web::redirect("/docs", "/docs/"))
    .route("/docs/", web::get().to(async || docs()));
}

fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(OPENAPI)
}

fn docs() -> HttpResponse {
    let policy = ("content-security-policy", DOCS_POLICY);
    HttpResponse::Ok().content_type("text/html; charset=utf-8").insert_header(policy).body(DOCS)
}

fn no_such_route() -> HttpResponse {
    let detail = "there is no such path; /docs lists all of them";
    actix_web::ResponseError::error_response(&Problem::new(StatusCode::NOT_FOUND, "no_such_route", detail))
}

fn json_problem(error: JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => body_too_large(),
        JsonPayloadError::Payload(error) => entrance::body_problem(&error),
        JsonPayloadError::ContentType => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "send the body with content-type: application/json",
        ),
        JsonPayloadError::Deserialize(error) if error.is_data() => Problem::unprocessable(
            "invalid_body",
            format!("the body is JSON, but not of the expected form: {error}"),
        ),
        other => Problem::bad_request("malformed_body", format!("the body cannot be read as JSON: {other}")),
    }
}

fn path_problem(error: PathError) -> Problem {
    Problem::bad_request("invalid_path", format!("the path is not valid: {error}"))
}

fn query_problem(error: QueryPayloadError) -> Problem {
    Problem::bad_request("invalid_query", format!("the query is not valid: {error}"))
}

/// The position in a trace at which a request is handled: within the request's span if spans are recorded, otherwise in
/// the trace from its header, otherwise in a new one.
pub fn scope_of(request: &HttpRequest) -> Scope {
    if let Some(scope) = request.extensions().get::<Scope>() {
        return scope.clone();
    }
    Telemetry::off().scope(telemetry::brought(request.headers()).unwrap_or_else(TraceContext::root))
}

/// `Prefer: wait=N` (RFC 7240): how long the client is willing to wait for a decision, capped at the maximum. `None` if
/// the header is absent or invalid.
pub fn preferred_wait(request: &HttpRequest) -> Option<Duration> {
    let preferences = request.headers().get("prefer")?.to_str().ok()?;
    let wait =
        preferences.split([',', ';']).find_map(|preference| preference.trim().strip_prefix("wait="))?;
    Some(Duration::from_secs(wait.trim().parse().ok()?).min(LONGEST_WAIT))
}

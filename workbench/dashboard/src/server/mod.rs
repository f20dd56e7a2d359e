//! The server of the page, on loopback by default. A page of another site cannot use it.

use std::net::{SocketAddr, TcpListener};

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::web::{self, Data, Path, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, Result};
use serde::Deserialize;

use super::door::Door;
use super::session::Session;
use super::stories::{self, Kept};
use super::{Dashboard, controls, page, story, tax};
use crate::words;
use control::admission;

/// Only scripts and styles from this server; no inline scripts, so that injected text would not run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The initial history of a page, in seconds.
const HISTORY_S: u64 = 600;

/// A running server.
pub struct Open {
    handle: ServerHandle,
}

impl Open {
    /// Stops it together with its open streams.
    pub async fn close(self) {
        self.handle.stop(false).await;
    }
}

/// Binds the port before anything else starts.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).with_context(|| words::cannot_listen(address))
}

/// Serves the live page.
pub fn live(listener: TcpListener, door: Door, session: Session, dashboard: Data<Dashboard>) -> Result<Open> {
    let touchable = door.token.is_some();
    serve(listener, door, session, move |app| {
        app.app_data(dashboard.clone())
            .route("/api/samples", web::get().to(samples))
            .route("/api/history", web::get().to(history))
            .route("/api/orders/{id}", web::get().to(story::order))
            .route("/api/tax", web::get().to(tax::taxes));
        // If other machines can reach the page, the routes of the controls do not exist.
        if touchable {
            controls::routes(app);
        }
    })
}

/// Serves a recording.
pub fn replay(
    listener: TcpListener,
    door: Door,
    session: Session,
    recording: String,
    stories: Vec<Kept>,
) -> Result<Open> {
    let (recording, stories) = (Data::new(recording), Data::new(stories));
    serve(listener, door, session, move |app| {
        app.app_data(recording.clone()).app_data(stories.clone());
        app.route("/api/recording", web::get().to(recorded)).configure(stories::routes);
    })
}

fn serve(
    listener: TcpListener,
    door: Door,
    session: Session,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> Result<Open> {
    let (door, session) = (Data::new(door), Data::new(session));
    let server = HttpServer::new(move || {
        let headers = DefaultHeaders::new()
            .add((header::CONTENT_SECURITY_POLICY, POLICY))
            .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .add((header::REFERRER_POLICY, "no-referrer"))
            .add(("cross-origin-resource-policy", "same-origin"))
            .add(("cross-origin-opener-policy", "same-origin"))
            .add((header::CACHE_CONTROL, "no-cache"));
        App::new()
            .app_data(door.clone())
            .app_data(session.clone())
            .app_data(admission::bodies())
            .wrap(from_fn(only_permitted))
            .wrap(headers)
            .configure(routes.clone())
            .route("/", web::get().to(shown))
            .route("/orders/{id}", web::get().to(shown))
            .route("/assets/{name}", web::get().to(asset))
            .route("/api/session", web::get().to(told_session))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .with_context(words::server_not_opened)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Open { handle })
}

/// Runs before every handler, so that no handler can forget the check.
async fn only_permitted(
    door: Data<Door>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    door.look(request.request())?;
    // Every method except GET and HEAD counts as a change.
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        door.touch(request.request())?;
    }
    next.call(request).await
}

async fn shown() -> HttpResponse {
    match page::html() {
        Ok(page) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
        Err(why) => HttpResponse::InternalServerError().body(format!("{why:#}")),
    }
}

async fn asset(request: HttpRequest, name: Path<String>) -> HttpResponse {
    let Some(asset) = page::asset(&name) else { return HttpResponse::NotFound().finish() };
    // Assets change only with the program, so the hash of the content is the version.
    let tag =
        format!("\"{}\"", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, asset.text.as_bytes()).simple());
    let known = request.headers().get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
    if known == Some(tag.as_bytes()) {
        return HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish();
    }
    HttpResponse::Ok().content_type(asset.media_type).insert_header((header::ETAG, tag)).body(asset.text)
}

async fn told_session(session: Data<Session>) -> HttpResponse {
    HttpResponse::Ok().json(&**session)
}

async fn samples(request: HttpRequest, dashboard: Data<Dashboard>) -> HttpResponse {
    // An id that is not text is still an id, of another run.
    let last = request.headers().get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(dashboard.feed.stream(last))
}

#[derive(Deserialize)]
struct Seconds {
    #[serde(default = "usual_history")]
    seconds: u64,
}

fn usual_history() -> u64 {
    HISTORY_S
}

async fn history(dashboard: Data<Dashboard>, of: Query<Seconds>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(dashboard.feed.history(of.seconds))
}

async fn recorded(recording: Data<String>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/x-ndjson").body(recording.to_string())
}

#[cfg(test)]
mod tests;

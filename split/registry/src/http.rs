//! The registry's endpoints.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use parking_lot::Mutex;
use platform::Problem;
use platform::health::Health;
use platform::registration::http_url;
use platform::registry::{Heartbeat, Instance, Rhythm, Snapshot};
use platform::settings::{Setting, Settings};
use platform::telemetry::CountOnly;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::directory::Directory;
use crate::kept::Kept;
use crate::local::no_web_pages;
use crate::settings::ALL;

/// The maximum duration of a long poll, in seconds.
const LONGEST_WAIT: u64 = 60;

/// The time limit for checking whether a port is open.
const LOOK: Duration = Duration::from_secs(1);

/// The maximum length of a service's or instance's name.
const LONGEST_NAME: usize = 64;

/// A [`Directory`] that several threads share and whose changes can be awaited. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: Arc<Mutex<Directory>>,
    version: watch::Sender<u64>,
    heartbeat: Duration,
    kept: Option<Kept>,
}

impl Registry {
    /// An empty registry with default settings. Versions start at the current time, so that they are above those of an
    /// earlier run.
    pub fn new(time_to_live: Duration, heartbeat: Duration) -> Registry {
        Registry::with_settings(time_to_live, heartbeat, Settings::default(), None)
    }

    /// An empty registry with these settings. Changes are saved to `kept`.
    pub fn with_settings(
        time_to_live: Duration,
        heartbeat: Duration,
        settings: Settings,
        kept: Option<Kept>,
    ) -> Registry {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let directory = Directory::new(time_to_live, since_1970.as_millis() as u64, settings);
        let version = watch::Sender::new(directory.version());
        Registry { directory: Arc::new(Mutex::new(directory)), version, heartbeat, kept }
    }

    /// Reads or changes the directory, and wakes watchers if its version has changed.
    fn with<T>(&self, work: impl FnOnce(&mut Directory) -> T) -> T {
        let mut directory = self.directory.lock();
        let outcome = work(&mut directory);
        let version = directory.version();
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
        outcome
    }

    /// Marks instances as silent when their leases end, for as long as the process runs.
    pub async fn watch_over_leases(&self) {
        loop {
            let (time_to_live, next) =
                self.with(|directory| (directory.time_to_live(), directory.next_end()));
            // Without any instance, no lease can end before a full time to live has passed.
            let until = next.unwrap_or_else(|| Instant::now() + time_to_live);
            tokio::time::sleep_until(until.into()).await;
            let now = Instant::now();
            if now > until + time_to_live / 2 {
                tracing::warn!("this process was suspended; all leases are extended");
                self.with(|directory| directory.forgive(now));
            }
            for (overdue, is_news) in self.with(|directory| directory.expire(now)) {
                if is_news {
                    let (service, instance) = (&overdue.service, &overdue.instance);
                    tracing::warn!(service, instance, "silent for too long, asked last from now on");
                }
                let registry = self.clone();
                tokio::spawn(async move { registry.look_after(overdue).await });
            }
        }
    }

    /// Removes a silent instance if its port is closed. The kernel accepts connections for a process that is slow or
    /// stopped, so only a closed port proves that the instance is gone.
    async fn look_after(&self, silent: Instance) {
        let Instance { service, instance, address } = silent;
        if !listens(&address).await
            && self.with(|directory| directory.deregister(&service, &instance, Some(&address)))
        {
            tracing::warn!(service, instance, "its port is closed, removed");
        }
    }

    /// Registers the endpoints. Every program sends heartbeats several times per second, so requests are counted but
    /// get no spans.
    pub fn routes(&self, app: &mut web::ServiceConfig) {
        app.app_data(CountOnly).service(
            web::scope("")
                .wrap(from_fn(no_web_pages))
                .app_data(web::Data::new(self.clone()))
                .route("/instances", web::get().to(instances))
                .route("/instances/{service}/{instance}", web::put().to(register))
                .route("/instances/{service}/{instance}", web::delete().to(deregister))
                .route("/settings", web::get().to(settings))
                .route("/settings/{name}", web::put().to(set))
                .route("/watch", web::get().to(watch)),
        );
    }
}

/// Whether the port of this address is open. A time-out counts as open.
async fn listens(address: &str) -> bool {
    let connect = TcpStream::connect(address.trim_start_matches("http://"));
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    !matches!(tokio::time::timeout(LOOK, connect).await, Ok(Err(error)) if refused(&error))
}

type Answer = Result<HttpResponse, Problem>;

/// `PUT /instances/{service}/{instance}`: a heartbeat.
async fn register(
    name: web::Path<(String, String)>,
    body: web::Json<Heartbeat>,
    registry: web::Data<Registry>,
) -> Answer {
    let (service, instance) = &*name;
    [service, instance].into_iter().try_for_each(|name| check_name(name))?;
    check_address(&body.address)?;
    let (news, time_to_live) = registry.with(|directory| {
        (directory.register(service, instance, &body.address, Instant::now()), directory.time_to_live())
    });
    if news {
        tracing::info!(service, instance, address = body.address, "registered");
    }
    let milliseconds = |time: Duration| time.as_millis() as u64;
    Ok(HttpResponse::Ok().json(Rhythm {
        heartbeat_ms: milliseconds(registry.heartbeat),
        time_to_live_ms: milliseconds(time_to_live),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leave {
    address: Option<String>,
}

/// `DELETE /instances/{service}/{instance}?address=URL`: deregisters. Idempotent.
async fn deregister(
    name: web::Path<(String, String)>,
    leave: web::Query<Leave>,
    registry: web::Data<Registry>,
) -> HttpResponse {
    let (service, instance) = &*name;
    if registry.with(|directory| directory.deregister(service, instance, leave.address.as_deref())) {
        tracing::info!(service, instance, "deregistered");
    }
    HttpResponse::NoContent().finish()
}

/// `GET /instances`: all instances, the silent ones last.
async fn instances(registry: web::Data<Registry>) -> HttpResponse {
    let Snapshot { instances, silent, .. } = registry.with(|directory| directory.snapshot());
    let silent = silent.into_iter().map(|Instance { service, instance, address }| {
        json!({ "service": service, "instance": instance, "address": address, "silent": true })
    });
    let all: Vec<Value> = instances.into_iter().map(|there| json!(there)).chain(silent).collect();
    HttpResponse::Ok().json(all)
}

/// `GET /settings`: every setting with its value, default and range.
async fn settings(registry: web::Data<Registry>) -> HttpResponse {
    let set = registry.with(|directory| directory.settings().clone());
    let described = ALL.into_iter().map(|setting| {
        let Setting { name, what, default, least, most } = *setting;
        let value = set.get(setting);
        let described =
            json!({ "value": value, "default": default, "least": least, "most": most, "what": what });
        (name.to_owned(), described)
    });
    HttpResponse::Ok().json(described.collect::<Map<String, Value>>())
}

/// `PUT /settings/{name}` with the value as JSON.
async fn set(name: web::Path<String>, value: web::Json<Value>, registry: web::Data<Registry>) -> Answer {
    let wrong = |detail: String| Problem::unprocessable("invalid_setting", detail);
    let kept = registry.with(|directory| {
        directory.set(&name, &value)?;
        // Saved under the lock; otherwise, of two concurrent changes the older could end up in the file.
        Ok(registry.kept.as_ref().map_or(Ok(()), |kept| kept.write(directory.settings())))
    });
    // The setting is active anyway. It would only be lost on a restart.
    if let Err(error) = kept.map_err(wrong)? {
        tracing::error!(error = format!("{error:#}"), "the settings could not be saved");
    }
    tracing::info!(setting = %name, value = %*value, "set");
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait: u64,
}

/// `GET /watch?after=VERSION&wait=SECONDS`: the complete state, as soon as its version differs from `after` (*long
/// polling*), or when the time is over or the registry stops. Any other version counts, not only a later one: if the
/// clock was set back before a restart, the new versions are lower.
async fn watch(
    question: web::Query<After>,
    registry: web::Data<Registry>,
    health: web::Data<Health>,
) -> HttpResponse {
    let mut version = registry.version.subscribe();
    // Changed or not, the response is the current state.
    tokio::select! {
        _ = version.wait_for(|version| *version != question.after) => {}
        () = tokio::time::sleep(Duration::from_secs(question.wait.min(LONGEST_WAIT))) => {}
        () = health.stops() => {}
    }
    HttpResponse::Ok().json(registry.with(|directory| directory.snapshot()))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "invalid_name",
        format!(
            "{name:?} is not a valid name: it must be 1 to {LONGEST_NAME} lower-case letters, digits or dashes, e.g. orders-2"
        ),
    ))
}

/// The shop's programs listen on loopback only. Requests must not be redirected anywhere else.
fn check_address(address: &str) -> Result<(), Problem> {
    let url = http_url(address);
    if url.as_ref().is_ok_and(|url: &Url| url.host_str() == Some("127.0.0.1")) && !address.ends_with('/') {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "invalid_address",
        format!("{address:?} is not a valid address: it must look like http://127.0.0.1:8001"),
    ))
}

//! The registry's endpoints.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use parking_lot::Mutex;
use platform::Problem;
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

/// The longest that a question for news may stay open, in seconds.
const LONGEST_WAIT: u64 = 60;

/// How long it may take to see whether a port is open.
const LOOK: Duration = Duration::from_secs(1);

/// The longest name of a service or an instance.
const LONGEST_NAME: usize = 64;

/// A [`Directory`] that several threads ask, and whose changes can be waited for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: Arc<Mutex<Directory>>,
    version: watch::Sender<u64>,
    heartbeat: Duration,
    kept: Option<Kept>,
}

impl Registry {
    /// Nobody is there yet, and nothing is set. Versions count from the time of day, so that those of an earlier life lie
    /// below.
    pub fn new(time_to_live: Duration, heartbeat: Duration) -> Registry {
        Registry::with_settings(time_to_live, heartbeat, Settings::default(), None)
    }

    /// Nobody is there yet; this is set, and what will be is kept there.
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

    /// Looks at the directory, or changes it; who waits for a change is told.
    fn with<T>(&self, work: impl FnOnce(&mut Directory) -> T) -> T {
        let mut directory = self.directory.lock();
        let outcome = work(&mut directory);
        let version = directory.version();
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
        outcome
    }

    /// Forgets the silent, each at its time, for as long as the process lives.
    pub async fn watch_over_leases(&self) {
        loop {
            let (time_to_live, next) =
                self.with(|directory| (directory.time_to_live(), directory.next_end()));
            // Where nobody is there, nobody who comes is gone sooner than that.
            let until = next.unwrap_or_else(|| Instant::now() + time_to_live);
            tokio::time::sleep_until(until.into()).await;
            let now = Instant::now();
            if now > until + time_to_live / 2 {
                tracing::warn!("this process stood still; who was there before is believed to be there");
                self.with(|directory| directory.forgive(now));
            }
            for (overdue, is_news) in self.with(|directory| directory.expire(now)) {
                if is_news {
                    let (service, instance) = (&overdue.service, &overdue.instance);
                    tracing::warn!(service, instance, "silent for too long: asked last from now on");
                }
                let registry = self.clone();
                tokio::spawn(async move { registry.look_after(overdue).await });
            }
        }
    }

    /// Looks whether an instance that is silent is gone. The kernel answers for a process, however slow or stopped it is:
    /// only where nobody listens any more is the instance taken out.
    async fn look_after(&self, silent: Instance) {
        let Instance { service, instance, address } = silent;
        if !listens(&address).await
            && self.with(|directory| directory.deregister(&service, &instance, Some(&address)))
        {
            tracing::warn!(service, instance, "nobody listens there: taken out");
        }
    }

    /// The endpoints. Every program beats here several times a second: they are counted, and get no spans.
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

/// Whether a process has the port of this address open. No word in time says nothing against it.
async fn listens(address: &str) -> bool {
    let connect = TcpStream::connect(address.trim_start_matches("http://"));
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    !matches!(tokio::time::timeout(LOOK, connect).await, Ok(Err(error)) if refused(&error))
}

type Answer = Result<HttpResponse, Problem>;

/// `PUT /instances/{service}/{instance}`: it is there, or still there.
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
        tracing::info!(service, instance, address = body.address, "is there");
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

/// `DELETE /instances/{service}/{instance}?address=URL`: it leaves. Whoever has left before has left.
async fn deregister(
    name: web::Path<(String, String)>,
    leave: web::Query<Leave>,
    registry: web::Data<Registry>,
) -> HttpResponse {
    let (service, instance) = &*name;
    if registry.with(|directory| directory.deregister(service, instance, leave.address.as_deref())) {
        tracing::info!(service, instance, "has taken its leave");
    }
    HttpResponse::NoContent().finish()
}

/// `GET /instances`: who is there, and after them who is silent.
async fn instances(registry: web::Data<Registry>) -> HttpResponse {
    let Snapshot { instances, silent, .. } = registry.with(|directory| directory.snapshot());
    let silent = silent.into_iter().map(|Instance { service, instance, address }| {
        json!({ "service": service, "instance": instance, "address": address, "silent": true })
    });
    let all: Vec<Value> = instances.into_iter().map(|there| json!(there)).chain(silent).collect();
    HttpResponse::Ok().json(all)
}

/// `GET /settings`: every setting with its value, and what it may be.
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

/// `PUT /settings/{name}` with its value as JSON.
async fn set(name: web::Path<String>, value: web::Json<Value>, registry: web::Data<Registry>) -> Answer {
    let wrong = |detail: String| Problem::unprocessable("invalid_setting", detail);
    let kept = registry.with(|directory| {
        directory.set(&name, &value)?;
        // Nobody else sets anything meanwhile, or the file might end with the older of two.
        Ok(registry.kept.as_ref().map_or(Ok(()), |kept| kept.write(directory.settings())))
    });
    // It is in force all the same; what is lost is only that it would be after a restart.
    if let Err(error) = kept.map_err(wrong)? {
        tracing::error!(error = format!("{error:#}"), "what is set is not kept");
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

/// `GET /watch?after=VERSION&wait=SECONDS`: all that is known, as soon as it is another version than that (*long
/// polling*), or when the time is over. Another, not a later one: after a restart with the clock set back the
/// registry's versions are lower, and news all the same.
async fn watch(question: web::Query<After>, registry: web::Data<Registry>) -> HttpResponse {
    let mut version = registry.version.subscribe();
    let news = version.wait_for(|version| *version != question.after);
    // Told or not, what is known is the answer.
    let _ = tokio::time::timeout(Duration::from_secs(question.wait.min(LONGEST_WAIT)), news).await;
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
            "{name:?} is no name: 1 to {LONGEST_NAME} small letters, digits and dashes make one, as orders-2"
        ),
    ))
}

/// Programs of the shop listen on loopback only; requests must not be led anywhere else.
fn check_address(address: &str) -> Result<(), Problem> {
    let url = http_url(address);
    if url.as_ref().is_ok_and(|url: &Url| url.host_str() == Some("127.0.0.1")) && !address.ends_with('/') {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "invalid_address",
        format!("{address:?} is no address here: it must look like http://127.0.0.1:8001"),
    ))
}

//! Tests the registry over HTTP, in real time.

use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use platform::health::Health;
use registry::Registry;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// For tests in which no lease may end.
const LONG: Duration = Duration::from_secs(3600);

/// For tests that wait until a lease ends.
const SHORT: Duration = Duration::from_secs(2);

/// How long watchers are willing to wait, in seconds. A response after that long means that they were not woken.
const WAIT: u64 = 60;

/// A guard against hanging.
const BOUND: Duration = Duration::from_secs(120);

/// A running registry that watches its leases, and a client.
struct Asked {
    client: Client,
    address: String,
    health: Health,
    time_to_live: Duration,
}

impl Asked {
    fn start(time_to_live: Duration) -> Asked {
        let registry = Registry::new(time_to_live, time_to_live / 4);
        let watched = registry.clone();
        tokio::spawn(async move { watched.watch_over_leases().await });
        let health = Health::new("registry");
        let of_server = health.clone();
        let server = HttpServer::new(move || {
            App::new().configure(|app| of_server.routes(app)).configure(|app| registry.routes(app))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Asked { client: Client::builder().no_proxy().build().unwrap(), address, health, time_to_live }
    }

    /// The status of the response, and its body if that is JSON.
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.address));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn register(&self, instance: &str) {
        self.register_at(instance, "http://127.0.0.1:8001").await;
    }

    async fn register_at(&self, instance: &str, address: &str) {
        let body = json!({ "address": address });
        let (status, rhythm) =
            self.send(Method::PUT, &format!("/instances/orders/{instance}"), Some(body)).await;
        let ms = self.time_to_live.as_millis();
        assert_eq!((status, rhythm), (200, json!({ "heartbeat_ms": ms / 4, "time_to_live_ms": ms })));
    }

    /// Watches until the state after this version is as asked for.
    async fn watch_until(&self, mut version: u64, done: impl Fn(&Value) -> bool) {
        let watch = async {
            loop {
                let known = self.get(&format!("/watch?after={version}&wait={WAIT}")).await;
                if done(&known) {
                    return;
                }
                assert_ne!(known["version"], version, "watchers were not told: {known}");
                version = known["version"].as_u64().unwrap();
            }
        };
        tokio::time::timeout(BOUND, watch).await.expect("the registry changes");
    }

    async fn version(&self) -> u64 {
        self.get("/watch").await["version"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn an_instance_is_listed_until_it_leaves() {
    let asked = Asked::start(LONG);
    asked.register("orders").await;
    asked.register("orders-2").await;
    let both = asked.get("/instances").await;
    assert_eq!(both[1]["instance"], "orders-2");
    let (status, _) = asked.send(Method::DELETE, "/instances/orders/orders-2", None).await;
    assert_eq!((status, asked.get("/instances").await.as_array().unwrap().len()), (204, 1));

    let version = asked.version().await;
    asked.register("orders").await;
    assert_eq!(asked.version().await, version, "a heartbeat is not a change");
}

#[tokio::test]
async fn a_silent_instance_with_a_closed_port_is_removed() {
    let asked = Asked::start(SHORT);
    let version = asked.version().await;
    let began = Instant::now();
    asked.register("orders").await;
    // It is silent at first, and removed when its port turns out to have no listener.
    let none = json!([]);
    asked.watch_until(version, |known| known["instances"] == none && known["silent"] == none).await;
    assert!(began.elapsed() >= SHORT, "it was removed after {:?}", began.elapsed());
    assert_eq!(asked.get("/instances").await, none);
}

#[tokio::test]
async fn silence_is_not_death() {
    let asked = Asked::start(SHORT);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let version = asked.version().await;
    asked.register_at("orders", &address).await;
    let there = json!({ "service": "orders", "instance": "orders", "address": address });
    // Like a process that is stopped or starved: its port is open, and it sends nothing. It is looked for again and
    // again, and stays.
    for _ in 0..3 {
        tokio::time::timeout(BOUND, listener.accept()).await.expect("it is looked for").unwrap();
    }
    asked.watch_until(version, |known| known["silent"] == json!([there])).await;
    assert_eq!(asked.get("/watch").await["instances"], json!([]));
    assert_eq!(asked.get("/instances").await[0]["silent"], true);

    let version = asked.version().await;
    asked.register_at("orders", &address).await;
    let known = asked.get(&format!("/watch?after={version}&wait={WAIT}")).await;
    let listed = (&known["instances"], &known["silent"]);
    assert_eq!(listed, (&json!([there]), &json!([])), "one heartbeat is enough");
    drop(listener);
    asked.watch_until(version, |known| known["silent"] == json!([]) && known["instances"] == json!([])).await;
    assert_eq!(asked.get("/instances").await, json!([]), "the port is closed now");
}

#[tokio::test]
async fn watchers_are_woken_by_every_change() {
    let asked = Asked::start(LONG);
    let version = asked.version().await;
    let began = Instant::now();
    let change = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        asked.send(Method::PUT, "/settings/gateway.timeout_ms", Some(json!(50))).await
    };
    let path = format!("/watch?after={version}&wait={WAIT}");
    let ((status, _), news) = tokio::join!(change, asked.get(&path));
    assert_eq!((status, &news["settings"]), (204, &json!({ "gateway.timeout_ms": 50 })));
    assert!(began.elapsed() < Duration::from_secs(WAIT), "the change did not wake the watcher");

    let began = Instant::now();
    let same = asked.get(&format!("/watch?after={}&wait=1", news["version"])).await;
    assert_eq!(same["version"], news["version"]);
    assert!(began.elapsed() >= Duration::from_secs(1), "it did not wait");
    // A watcher with a higher version knows an earlier run of the registry.
    let began = Instant::now();
    asked.get(&format!("/watch?after={}&wait={WAIT}", u64::MAX)).await;
    assert!(began.elapsed() < Duration::from_secs(WAIT), "it waited for a version of an earlier run");
}

#[tokio::test]
async fn watchers_do_not_delay_a_stop() {
    let asked = Asked::start(LONG);
    let path = format!("/watch?after={}&wait={WAIT}", asked.version().await);
    let began = Instant::now();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        asked.health.stopping();
    };
    tokio::join!(stop, asked.get(&path));
    assert!(began.elapsed() < Duration::from_secs(WAIT), "the stop did not wake the watcher");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let asked = Asked::start(LONG);
    let version = asked.version().await;
    let good = "http://127.0.0.1:8001";
    let wrong = [
        ("/instances/orders/Orders", json!({ "address": good }), 422, "invalid_name"),
        ("/instances/orders/a%2Fb", json!({ "address": good }), 422, "invalid_name"),
        ("/instances/orders/orders", json!({ "address": "http://example.com:80" }), 422, "invalid_address"),
        ("/instances/orders/orders", json!({ "address": "https://127.0.0.1:1" }), 422, "invalid_address"),
        ("/instances/orders/orders", json!({ "address": format!("{good}/x") }), 422, "invalid_address"),
        ("/settings/gateway.timeout_ms", json!(-1), 422, "invalid_setting"),
        ("/settings/gateway.timeout_ms", json!("1"), 422, "invalid_setting"),
        ("/settings/gateway.timeout", json!(1), 422, "invalid_setting"),
    ];
    for (path, body, status, code) in wrong {
        let (found, problem) = asked.send(Method::PUT, path, Some(body)).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{path}: {problem}");
    }
    let (_, problem) = asked.send(Method::PUT, "/settings/timeout", Some(json!(1))).await;
    let described = asked.get("/settings").await;
    for (name, setting) in described.as_object().unwrap() {
        assert!(problem["detail"].as_str().unwrap().contains(name), "{name} is not named: {problem}");
        assert_eq!(setting["value"], setting["default"]);
    }
    assert_eq!(asked.version().await, version);
}

#[tokio::test]
async fn web_pages_are_turned_away() {
    let asked = Asked::start(LONG);
    let put = || {
        let request = asked.client.put(format!("{}/settings/gateway.timeout_ms", asked.address));
        request.json(&json!(50))
    };
    let port = asked.address.rsplit_once(':').unwrap().1;
    for request in [
        put().header("origin", "http://example.com"),
        put().header("origin", "null"),
        put().header("origin", &asked.address),
        put().header("host", format!("example.com:{port}")),
        put().header("host", "127.0.0.1.example.com"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403);
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
    assert_eq!(asked.get("/settings").await["gateway.timeout_ms"]["value"], 700);
    assert_eq!(put().header("host", format!("localhost:{port}")).send().await.unwrap().status(), 204);
}

//! Tests the registry over HTTP, in real time.

use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use platform::health::Health;
use registry::Registry;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const TIME_TO_LIVE: Duration = Duration::from_millis(400);

/// A generous tolerance for late observations.
const LATE: Duration = Duration::from_millis(300);

/// How long watchers are willing to wait, in seconds. A response after that long means that they were not woken.
const WAIT: u64 = 20;

/// A running registry that watches its leases, and a client.
struct Asked {
    client: Client,
    address: String,
    health: Health,
}

impl Asked {
    fn start() -> Asked {
        let registry = Registry::new(TIME_TO_LIVE, TIME_TO_LIVE / 4);
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
        Asked { client: Client::builder().no_proxy().build().unwrap(), address, health }
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
        assert_eq!((status, rhythm), (200, json!({ "heartbeat_ms": 100, "time_to_live_ms": 400 })));
    }

    async fn version(&self) -> u64 {
        self.get("/watch").await["version"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn an_instance_is_there_until_it_is_silent_or_leaves() {
    let asked = Asked::start();
    asked.register("orders").await;
    asked.register("orders-2").await;
    let both = asked.get("/instances").await;
    assert_eq!(both[1]["instance"], "orders-2");
    let (status, _) = asked.send(Method::DELETE, "/instances/orders/orders-2", None).await;
    assert_eq!((status, asked.get("/instances").await.as_array().unwrap().len()), (204, 1));

    let (began, version) = (Instant::now(), asked.version().await);
    asked.register("orders").await;
    assert_eq!(asked.version().await, version, "a heartbeat is not a change");
    let after = asked.get(&format!("/watch?after={version}&wait={WAIT}")).await;
    assert_eq!(after["instances"], json!([]));
    let took = began.elapsed();
    // Its port has no listener, so it is not only silent but gone.
    tokio::time::sleep(LATE).await;
    assert_eq!(asked.get("/instances").await, json!([]));
    assert!(took >= TIME_TO_LIVE, "it was removed after {took:?}");
    assert!(took < Duration::from_secs(WAIT), "watchers were not told that it was removed");
}

#[tokio::test]
async fn silence_is_not_death() {
    let asked = Asked::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    asked.register_at("orders", &address).await;
    let there = json!({ "service": "orders", "instance": "orders", "address": address });
    // Like a process that is stopped or starved: its port is open, and it sends nothing.
    tokio::time::sleep(3 * TIME_TO_LIVE + LATE).await;
    let known = asked.get("/watch").await;
    assert_eq!((&known["instances"], &known["silent"]), (&json!([]), &json!([there])));
    assert_eq!(asked.get("/instances").await[0]["silent"], true);
    asked.register_at("orders", &address).await;
    let known = asked.get("/watch").await;
    assert_eq!(
        (&known["instances"], &known["silent"]),
        (&json!([there]), &json!([])),
        "one heartbeat is enough"
    );
    drop(listener);
    tokio::time::sleep(TIME_TO_LIVE + LATE).await;
    assert_eq!(asked.get("/instances").await, json!([]), "the port is closed now");
}

#[tokio::test]
async fn who_watches_hears_of_everything_at_once() {
    let asked = Asked::start();
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
async fn who_watches_does_not_delay_a_stop() {
    let asked = Asked::start();
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
    let asked = Asked::start();
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
    let asked = Asked::start();
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

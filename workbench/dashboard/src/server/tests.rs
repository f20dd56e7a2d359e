//! The page's server against a browser with the page, a hostile page, and a rebound name.

use std::net::IpAddr;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::feed::Told;
use crate::load::WantedLoad;
use ::story::made_up::story;
use topology::Driver;

const TOKEN: &str = "0123456789abcdef";
const EXAMPLE: &str = include_str!("../../tests/data/live.jsonl");

/// A dashboard without shops: requests that need one get the error that nothing is up.
struct World {
    open: Open,
    base: String,
    port: u16,
    dashboard: Data<Dashboard>,
    client: Client,
    _folder: tempfile::TempDir,
}

async fn world(listen: &str) -> World {
    terminal::language::set(terminal::language::Language::English);
    let folder = tempfile::tempdir().unwrap();
    let dashboard = Data::new(Dashboard::new(folder.path(), WantedLoad::new(0.0)));
    for (second, line) in EXAMPLE.lines().skip(1).enumerate() {
        dashboard.feed.tell(Told { second: second as u64 + 4, json: line.to_owned() });
    }
    let listen: IpAddr = listen.parse().unwrap();
    let listener = super::listen(SocketAddr::new(listen, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let controls = listen.is_loopback();
    let door = Door { address, public: None, token: controls.then(|| TOKEN.to_owned()) };
    let open =
        live(listener, door, Session::new(chrono::Utc::now(), false, controls), dashboard.clone()).unwrap();
    let base = format!("http://127.0.0.1:{}", address.port());
    let client = Client::builder().no_proxy().timeout(std::time::Duration::from_secs(20)).build().unwrap();
    World { open, base, port: address.port(), dashboard, client, _folder: folder }
}

impl World {
    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// Sets the load as the page does, except for these headers.
    async fn post(&self, headers: &[(&str, &str)]) -> StatusCode {
        let mut all = vec![("content-type", "application/json"), ("x-cleave-token", TOKEN)];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend(headers);
        let mut request = self.client.post(format!("{}/api/load", self.base)).body(r#"{"rate_per_s": 7}"#);
        for (name, value) in all {
            request = request.header(name, value);
        }
        request.send().await.unwrap().status()
    }

    fn rate(&self) -> f64 {
        self.dashboard.wanted().rate_per_s
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_can_change_anything() {
    let world = world("127.0.0.1").await;
    let own = format!("http://127.0.0.1:{}", world.port);
    let refused = [
        // A hostile page: a script of another site, with the headers that it can send.
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://127.0.0.1:1")], 403),
        // A rebound name.
        (vec![("host", "evil.example")], 421),
        (vec![("host", "127.0.0.1")], 421),
        // A form post, which a browser sends without a preflight request.
        (vec![("content-type", "application/x-www-form-urlencoded")], 415),
        (vec![("content-type", "text/plain")], 415),
        // A client without the address from the terminal.
        (vec![("x-cleave-token", "")], 401),
        (vec![("x-cleave-token", "0123456789abcdee")], 401),
        // A cookie does not count as a token.
        (vec![("x-cleave-token", ""), ("cookie", "x-cleave-token=0123456789abcdef")], 401),
    ];
    for (headers, status) in refused {
        assert_eq!(world.post(&headers).await.as_u16(), status, "{headers:?}");
        assert_eq!(world.rate(), 0.0, "{headers:?}");
    }
    assert_eq!(world.post(&[("origin", &own)]).await, StatusCode::OK);
    assert_eq!(world.rate(), 7.0);
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_control_is_behind_the_door() {
    let world = world("127.0.0.1").await;
    for path in ["load", "flash-sale", "faults", "heal", "scale", "deploy", "drivers", "reset"] {
        let url = format!("{}/api/{path}", world.base);
        let bare = world.client.post(&url).json(&json!({})).send().await.unwrap();
        assert_eq!(bare.status().as_u16(), 401, "{path}");
        assert!(bare.headers().keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
        // With the token a request gets as far as the body, or the shops, of which there are none.
        let asked = world.client.post(&url).header("x-cleave-token", TOKEN).json(&json!({ "nonsense": 1 }));
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 422, "{path}");
        let why = answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned();
        assert!(why.contains("nonsense"), "{path}: {why}");
        // A preflight request is not granted.
        let asked =
            world.client.request(reqwest::Method::OPTIONS, &url).header("origin", "http://evil.example");
        let asked = asked.header("access-control-request-method", "POST").send().await.unwrap();
        assert!(!asked.status().is_success(), "{path}");
    }
    let heal = world.client.post(format!("{}/api/heal", world.base)).header("x-cleave-token", TOKEN);
    let answer = heal.json(&json!({})).send().await.unwrap().json::<Value>().await.unwrap();
    assert!(answer["error"].as_str().unwrap().contains("no shop is up"), "{answer}");
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_is_shown_everything_and_no_rebound_name_is() {
    let world = world("127.0.0.1").await;
    for path in ["/", "/orders/01932f10-0000-7000-8000-000000000001"] {
        let page = world.get(path).await;
        let header = |name: &str| page.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/html"));
        assert!(header("content-security-policy").contains("script-src 'self';"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(page.headers().get("set-cookie").is_none());
        assert!(!page.text().await.unwrap().contains(TOKEN), "who gets the page gets no token with it");
    }
    let session: Value = world.get("/api/session").await.json().await.unwrap();
    assert_eq!((&session["controls"], &session["recorded"]), (&json!(true), &json!(false)));
    assert!(!session.to_string().contains(TOKEN));
    let history: Vec<crate::sample::Sample> = world.get("/api/history").await.json().await.unwrap();
    assert_eq!(history.len(), 2);

    for path in ["/", "/assets/page.js", "/api/session", "/api/samples", "/api/history", "/api/orders/x"] {
        let rebound = world.client.get(format!("{}{path}", world.base)).header("host", "evil.example");
        assert_eq!(rebound.send().await.unwrap().status().as_u16(), 421, "{path}");
    }
    assert_eq!(world.get("/assets/../Cargo.toml").await.status().as_u16(), 404);
    assert_eq!(world.get("/api/orders/%3Cscript%3E").await.status().as_u16(), 404);
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_known_is_not_sent_again() {
    let world = world("127.0.0.1").await;
    for asset in page::SCRIPTS.iter().chain(page::STYLES) {
        let path = format!("/assets/{}", asset.name);
        let first = world.get(&path).await;
        let tag = first.headers().get("etag").unwrap().clone();
        assert_eq!(first.headers().get("content-type").unwrap(), asset.media_type);
        let again = world.client.get(format!("{}{path}", world.base)).header("if-none-match", tag);
        assert_eq!(again.send().await.unwrap().status().as_u16(), 304, "{path}");
    }
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_it_broke_off_and_ends_with_the_server() {
    let world = world("127.0.0.1").await;
    let url = format!("{}/api/samples", world.base);
    let mut fresh = world.client.get(&url).send().await.unwrap();
    let latest = String::from_utf8(fresh.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let run = latest.strip_prefix("id: ").and_then(|id| id.split_once("-5\n")).expect("an id of its run").0;
    drop(fresh);
    let last = format!("{run}-4");
    let mut stream = world.client.get(&url).header("last-event-id", last).send().await.unwrap();
    assert_eq!(stream.headers().get("content-type").unwrap(), "text/event-stream");
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(format!("id: {run}-5\ndata: {{").as_bytes()), "{first:?}");
    world.dashboard.feed.tell(Told { second: 6, json: "{}".to_owned() });
    assert_eq!(stream.chunk().await.unwrap().unwrap(), format!("id: {run}-6\ndata: {{}}\n\n"));
    world.dashboard.feed.close();
    assert!(stream.chunk().await.is_ok_and(|end| end.is_none()));
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_than_on_loopback_it_is_only_to_be_looked_at() {
    let world = world("0.0.0.0").await;
    assert_eq!(world.get("/").await.status().as_u16(), 200);
    let session: Value = world.get("/api/session").await.json().await.unwrap();
    assert_eq!(session["controls"], json!(false));
    assert_eq!(world.post(&[]).await.as_u16(), 403, "there are no controls");
    assert_eq!(world.post(&[("host", "evil.example")]).await.as_u16(), 421);
    assert_eq!(world.rate(), 0.0);
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_load_is_explained() {
    let world = world("127.0.0.1").await;
    let bodies = [
        (json!({ "rate_per_s": -1 }), "between 0 and 1000"),
        (json!({ "rate_per_s": 1e9 }), "between 0 and 1000"),
        (json!({ "mix": { "confirmed": 0.5 } }), "sum to 1"),
        (json!({ "mix": { "lost": 1.0 } }), "confirmed, insufficient_funds"),
        (json!("x"), "not valid"),
    ];
    for (body, why) in bodies {
        let request = world.client.post(format!("{}/api/load", world.base)).header("x-cleave-token", TOKEN);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 422, "{body}");
        let said = answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned();
        assert!(said.contains(why), "{body}: {said}");
    }
    world.open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_has_the_recording_and_no_controls() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let session = Session::new(chrono::Utc::now(), true, false);
    let story = story(Driver::Orchestrated, &["client"], Vec::new());
    let known = story.order_id;
    let kept = Kept { shops: vec![Driver::Local, Driver::Orchestrated], stories: vec![story] };
    let open = replay(
        listener,
        Door { address, public: None, token: None },
        session,
        EXAMPLE.to_owned(),
        vec![kept],
    )
    .unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let text =
        client.get(format!("http://{address}/api/recording")).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, EXAMPLE);
    let get = async |path: &str| client.get(format!("http://{address}{path}")).send().await.unwrap();
    let ids: Value = get("/api/stories").await.json().await.unwrap();
    assert_eq!(ids, json!({ "ids": [known] }));
    let told: Value = get(&format!("/api/orders/{known}?lang=ko")).await.json().await.unwrap();
    assert_eq!(told["stories"][1]["order_id"], json!(known));
    assert!(told["stories"][0]["problem"].as_str().unwrap().contains("never received the request"));
    assert_eq!(get(&format!("/api/orders/{}", uuid::Uuid::new_v4())).await.status(), StatusCode::NOT_FOUND);
    let problem: Value = get("/api/orders/1").await.json().await.unwrap();
    assert!(problem["error"].as_str().unwrap().contains("is a UUID"), "{problem}");
    let post =
        client.post(format!("http://{address}/api/load")).header("x-cleave-token", "").json(&json!({}));
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
    assert!(answer.text().await.unwrap().contains("no controls"));
    open.close().await;
}

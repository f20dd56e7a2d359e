//! The control interface of a real `cleave up`: what it does, and which requests it rejects; see rule 39
//! (control access).

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tests::{Stage, eventually};
use tokio::process::{Child, Command};

use crate::docs;

/// The limit for `cleave up`, servers included, on a busy machine.
const UP: Duration = Duration::from_secs(120);
/// The limit for any other command, which guards against hanging. A module moves in many steps, each slow on a busy machine.
const BOUND: Duration = Duration::from_secs(300);

pub async fn up_is_controlled_by_its_owner_alone(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up monolith --proxies --yes", controlled).await
}

pub async fn up_sends_the_load_it_was_asked_for(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up monolith --rate 20/s --yes", orders_are_decided).await
}

/// Starts a shop with this command line, and stops it even if the case fails.
pub async fn while_up(
    stage: &Stage,
    command: &str,
    case: impl AsyncFnOnce(&Path, &Path, &Value) -> Result<()>,
) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    let folder = tempfile::tempdir()?;
    let mut up = Command::new(&cleave);
    up.arg("--folder").arg(folder.path()).args(command.split(' ')).env("LC_ALL", "C");
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
    let state = published(&mut up, folder.path()).await?;
    let outcome = case(&cleave, folder.path(), &state).await;
    // Stop the shop even if the checks have failed.
    let (code, said) = run(&cleave, folder.path(), "down").await?;
    ensure!(code == Some(0), "down: {said}");
    tokio::time::timeout(BOUND, up.wait()).await.context("`cleave up` did not end")??;
    outcome.map(|()| None)
}

/// Orders arrive without any other client, in the usual mix: some are confirmed, some refused.
async fn orders_are_decided(cleave: &Path, folder: &Path, _state: &Value) -> Result<()> {
    let (_, said) = run(cleave, folder, "status --json").await?;
    let status: Value = serde_json::from_str(&said[said.find('{').context("JSON")?..])?;
    let processes = status["shops"][0]["processes"].as_array().context("processes")?;
    let monolith = processes.iter().find(|process| process["name"] == "monolith").context("a monolith")?;
    let metrics = format!("{}/metrics", monolith["address"].as_str().context("it has an address")?);
    eventually("orders are confirmed and refused", async || {
        let told = Client::new().get(&metrics).send().await?.text().await?;
        let decided = |outcome: &str| {
            let of_this = |line: &&str| {
                line.starts_with("cleave_orders_decided_total")
                    && line.contains(outcome)
                    && !line.ends_with(" 0")
            };
            told.lines().any(|line| of_this(&line))
        };
        Ok((decided("\"confirmed\"") && decided("\"out_of_stock\"")).then_some(()))
    })
    .await
}

async fn published(up: &mut Child, folder: &Path) -> Result<Value> {
    let path = folder.join("up.json");
    let look = async {
        loop {
            if let Ok(text) = std::fs::read(&path) {
                return anyhow::Ok(serde_json::from_slice(&text)?);
            }
            if let Some(status) = up.try_wait()? {
                bail!("`cleave up` ended with {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(UP, look).await.context("`cleave up` did not come up")?
}

async fn controlled(cleave: &Path, folder: &Path, state: &Value) -> Result<()> {
    strangers_stay_outside(state).await?;
    let address = state["shops"][0]["address"].as_str().context("a shop has an address")?;

    says(cleave, folder, "scale monolith=2", 0, "monolith, monolith-2").await?;
    says(cleave, folder, "deploy monolith", 0, "no requests came meanwhile").await?;
    a_deployment_tells_which_requests_it_met(cleave, folder, address).await?;
    says(cleave, folder, "scale inventory=2", 2, "these are running: monolith").await?;
    says(cleave, folder, "scale monolith=99", 2, "between 1 and 8").await?;
    says(cleave, folder, "scale monolith", 64, "e.g. inventory=3").await?;

    says(cleave, folder, "fault add latency --link client-gateway --latency 30ms --for 20s", 0, "fault 1")
        .await?;
    ensure!(Client::new().get(format!("{address}/products?limit=1")).send().await?.status().is_success());
    says(cleave, folder, "fault list", 0, "latency on client-gateway").await?;
    says(cleave, folder, "fault add latency --link gateway-catalog --latency 5ms", 2, "in one process")
        .await?;
    says(cleave, folder, "fault add kill_broker", 2, "no broker").await?;
    says(cleave, folder, "fault add fire --process monolith", 64, "latency, bandwidth").await?;
    for (command, code, schema) in [
        ("status --json", 0, "status.schema.json"),
        ("deploy monolith --json", 0, "deploy.schema.json"),
        ("fault list --json", 0, "faults.schema.json"),
        // There are no orders yet.
        ("audit --json", 2, "audit.schema.json"),
        ("doctor --json", 0, "doctor.schema.json"),
    ] {
        let (ended, said) = run(cleave, folder, command).await?;
        let document = said.find('{').and_then(|at| serde_json::from_str(&said[at..]).ok());
        let document =
            document.with_context(|| format!("{command} ended with {ended:?} and said: {said}"))?;
        docs::fits(&document, schema).with_context(|| command)?;
        ensure!(ended == Some(code), "{command} ended with {ended:?}");
    }
    says(cleave, folder, "heal 7", 2, "7").await?;
    says(cleave, folder, "heal", 0, "over").await?;
    says(cleave, folder, "set gateway.timeout_ms=900", 0, "900").await?;
    says(cleave, folder, "set", 0, "breaker.open_ms").await?;
    says(cleave, folder, "set gateway.timeout_ms=1", 2, "10").await?;
    says(cleave, folder, "set nothing=1", 2, "gateway.timeout_ms").await?;
    says(cleave, folder, "set gateway.timeout_ms", 64, "a name and a number").await?;
    says(cleave, folder, "logs nobody", 2, "there is no process nobody").await?;
    says(cleave, folder, "logs monolith-2", 0, "registered with the registry").await?;
    Ok(())
}

/// A deployment under requests counts them, and none of them fails.
async fn a_deployment_tells_which_requests_it_met(cleave: &Path, folder: &Path, address: &str) -> Result<()> {
    let (client, url) = (Client::new(), format!("{address}/products/product-0001"));
    let browsing = tokio::spawn(async move {
        loop {
            let _ = client.get(&url).send().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let (ended, said) = run(cleave, folder, "deploy monolith --json").await?;
    browsing.abort();
    ensure!(ended == Some(0), "{said}");
    let told: Value = serde_json::from_str(&said[said.find('{').context("JSON")?..])?;
    let met = &told["shops"][0]["served"]["browse"];
    ensure!(met["requests"].as_u64() > Some(0) && met["failed"] == json!(0), "{told:#}");
    ensure!(told["shops"][0]["served"]["order"]["requests"] == json!(0), "{told:#}");
    Ok(())
}

/// Tries each known way to bypass the checks, on the real interface.
async fn strangers_stay_outside(state: &Value) -> Result<()> {
    let port = state["control"]["port"].as_u64().context("it has a port")?;
    let token = state["control"]["token"].as_str().context("it has a token")?;
    let url = format!("http://127.0.0.1:{port}/scale");
    let body = json!({ "service": "monolith", "instances": 3 }).to_string();
    let knock = async |headers: &[(&str, &str)]| {
        let mut request = Client::new().post(&url).body(body.clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        anyhow::Ok(request.send().await?.status())
    };
    let (json, key) = (("content-type", "application/json"), ("x-cleave-token", token));
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (what, headers, status) in [
        ("no token", vec![json], StatusCode::UNAUTHORIZED),
        ("a guess", vec![json, ("x-cleave-token", "0")], StatusCode::UNAUTHORIZED),
        ("a hostile page", vec![json, key, ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        ("a rebound name", vec![json, key, ("host", "evil.example")], StatusCode::MISDIRECTED_REQUEST),
        ("a form post", vec![form, key], StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answered = knock(&headers).await?;
        ensure!(answered == status, "{what} got {answered}");
    }
    // The preflight request of a browser, before a page may send JSON. It gets no permission.
    let asked = Client::new().request(reqwest::Method::OPTIONS, &url).header("origin", "http://evil.example");
    let answer = asked.send().await?;
    ensure!(answer.headers().get("access-control-allow-origin").is_none(), "{:?}", answer.headers());
    let there =
        Client::new().get(format!("http://127.0.0.1:{port}/state")).header(key.0, key.1).send().await?;
    let now: Value = there.error_for_status()?.json().await?;
    let processes = now[0]["processes"].as_array().map(Vec::len);
    ensure!(processes == Some(3), "a stranger changed something: {now}");
    Ok(())
}

pub async fn says(cleave: &Path, folder: &Path, command: &str, code: i32, words: &str) -> Result<()> {
    let (ended, said) = run(cleave, folder, command).await?;
    ensure!(ended == Some(code) && said.contains(words), "{command} ended with {ended:?} and said: {said}");
    Ok(())
}

pub async fn run(cleave: &Path, folder: &Path, command: &str) -> Result<(Option<i32>, String)> {
    let mut cleave = Command::new(cleave);
    cleave.arg("--folder").arg(folder).args(command.split(' ')).env("LC_ALL", "C").kill_on_drop(true);
    let output = tokio::time::timeout(BOUND, cleave.output()).await.with_context(|| command.to_owned())??;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

//! Slow is not gone: a starved process, a stopped one, a paused database and a killed process. The shop tells the four
//! apart in what it does and in what it says: rule 55 (silence). Only the killed one is removed.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use audit::{Subject, Verdict, audit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Client;
use serde_json::{Value, json};
use servers::Infrastructure;
use shop::shared::Shared;
use shop::supervisor::Supervisor;
use tests::{Driver, Goods, Line, Stage, eventually, order};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use topology::SERVICES;
use uuid::Uuid;

/// The process that is starved, stopped and killed. A second instance of its service goes on.
const VICTIM: &str = "payments";

/// Programs that use the victim's processor, each of them many times as much as the victim may. With 16 of them it
/// responded within 1.7 to 3 s, and a supervisor that waits for 2 s saw no silence.
const LOOPS: usize = 96;

/// A process that does not respond in this time is silent.
const SILENT: Duration = Duration::from_secs(2);

/// A supervised shop, and what its registry says meanwhile.
struct Scene {
    supervisor: Supervisor,
    infrastructure: Shared<tokio::sync::Mutex<Infrastructure>>,
    client: Client,
    address: String,
    registry: String,
    order: Value,
    /// Instances that were missing in the registry at some moment.
    removed: Arc<Mutex<BTreeSet<String>>>,
    watching: JoinHandle<()>,
}

impl Scene {
    async fn new(stage: &Stage) -> Result<Scene> {
        let infrastructure = stage.new_infrastructure().await?;
        let world = stage.new_world(Driver::Orchestrated, &infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 1, pieces: 1000 }).await?, world.customer(1000).await?);
        let order = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }]);
        let shop = world.into_shop();
        // The worlds of the suite are more patient than a customer.
        shop.set("gateway.write_timeout_ms", 3000).await?;
        let (address, registry) = (shop.address.clone(), shop.address_of("registry")?.to_owned());
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        let infrastructure = Shared::new(tokio::sync::Mutex::new(infrastructure));
        let logs = tempfile::tempdir()?;
        let supervisor = Supervisor::start(shop, infrastructure.clone(), logs.path()).await?;
        let removed = Arc::<Mutex<BTreeSet<String>>>::default();
        let watching = tokio::spawn(watch(client.clone(), registry.clone(), removed.clone()));
        Ok(Scene { supervisor, infrastructure, client, address, registry, order, removed, watching })
    }

    async fn pid(&self) -> Result<u32> {
        self.supervisor.shop().await.pid(VICTIM)
    }

    async fn address_of(&self, process: &str) -> Result<String> {
        Ok(self.supervisor.shop().await.address_of(process)?.to_owned())
    }

    /// The status of `GET /health/live` or `ready` of a process, with the body; `None` if nothing comes.
    async fn health(&self, process: &str, which: &str) -> Result<Option<(u16, Value)>> {
        let url = format!("{}/health/{which}", self.address_of(process).await?);
        let Ok(response) = self.client.get(url).timeout(SILENT).send().await else { return Ok(None) };
        let status = response.status().as_u16();
        Ok(response.json().await.ok().map(|body| (status, body)))
    }

    /// Waits until the registry says of these instances that they are silent, or that they are not.
    async fn until_silent(&self, instances: &[&str], silent: bool) -> Result<()> {
        eventually(&format!("{instances:?}: silent is {silent}"), async || {
            let Some(all) = listed(&self.client, &self.registry).await else { return Ok(None) };
            let is_so = |name: &&str| {
                let known = all.iter().find(|known| known["instance"] == **name);
                known.is_some_and(|known| known["silent"].as_bool().unwrap_or(false) == silent)
            };
            Ok(instances.iter().all(is_so).then_some(()))
        })
        .await
    }

    /// Waits until the supervisor has written this about a process.
    async fn until_told(&self, process: &str, words: &str) -> Result<()> {
        let what = format!("the supervisor says of {process}: {words}");
        let told = eventually(&what, async || {
            let mut entries = self.supervisor.journal().entries().into_iter();
            let told = entries.any(|entry| entry.process == process && entry.message.contains(words));
            Ok(told.then_some(()))
        });
        told.await.with_context(|| format!("it says: {:?}", self.supervisor.journal().entries()))
    }

    /// The registry's log has this about an instance.
    async fn registry_has_said(&self, instance: &str, words: &str) -> Result<()> {
        let log = std::fs::read_to_string(self.supervisor.shop().await.log("registry")?)?;
        let instance = format!("\"{instance}\"");
        ensure!(log.lines().any(|line| line.contains(words) && line.contains(&instance)), "{words}: {log}");
        Ok(())
    }

    /// Orders are accepted and decided again, and nothing but this was removed or restarted.
    async fn goes_on(&self, removed: &[&str]) -> Result<()> {
        let key = Uuid::new_v4().to_string();
        let send = || {
            let request = self.client.post(format!("{}/orders", self.address)).json(&self.order);
            request.header("idempotency-key", &key).header("prefer", "wait=5").send()
        };
        eventually("an order is confirmed", async || {
            let Ok(response) = send().await else { return Ok(None) };
            let answer: Value = response.json().await.unwrap_or_default();
            Ok((answer["status"] == "confirmed").then_some(()))
        })
        .await?;
        let found = self.removed.lock().expect("no panics").clone();
        eventually("the gateway blames no service", async || {
            let report = self.client.get(format!("{}/health/dependencies", self.address)).send().await?;
            let report: Value = report.json().await?;
            let mut all = report.as_array().context("dependencies")?.iter();
            let fine = |dependency: &Value| {
                let mut instances = dependency["instances"].as_array().into_iter().flatten();
                let listed = instances.clone().count() > 0 && dependency["registered"] == true;
                dependency["breaker"]["state"] == "closed"
                    && listed
                    && instances.all(|one| one["ejected"] == false)
            };
            Ok(all.all(fine).then_some(()))
        })
        .await?;
        // A restart may be quicker than the registry's look at the closed port.
        let allowed = found.iter().all(|name| removed.contains(&name.as_str()));
        ensure!(allowed, "the registry has removed {found:?} instead of {removed:?}");
        let restarts = self.supervisor.restarts();
        ensure!(restarts.keys().eq(removed), "restarted: {restarts:?}");
        Ok(())
    }

    /// Audits the shop and stops everything.
    async fn close(self) -> Result<()> {
        self.watching.abort();
        let shop = self.supervisor.release().await?;
        shop.drain(tests::BOUND).await?;
        let findings = audit(&Subject::of(shop.handle())).await?;
        let infrastructure =
            self.infrastructure.take_back().await.context("nothing else uses the servers")?;
        let infrastructure = infrastructure.into_inner();
        shop.stop(&infrastructure).await?;
        infrastructure.stop().await?;
        let mut counted = findings.iter().filter(|finding| finding.invariant != "I9");
        ensure!(counted.all(|finding| finding.verdict == Verdict::Held), "{findings:?}");
        Ok(())
    }
}

async fn listed(client: &Client, registry: &str) -> Option<Vec<Value>> {
    let response = client.get(format!("{registry}/instances")).send().await.ok()?;
    response.json().await.ok()
}

/// Notes each instance that the registry knew and does not list any more.
async fn watch(client: Client, registry: String, removed: Arc<Mutex<BTreeSet<String>>>) {
    let mut known = BTreeSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let Some(all) = listed(&client, &registry).await else { continue };
        let names = all.iter().filter_map(|one| one["instance"].as_str().map(ToOwned::to_owned));
        let names: BTreeSet<String> = names.collect();
        removed.lock().expect("no panics").extend(known.difference(&names).cloned());
        known.extend(names);
    }
}

pub async fn four_kinds_of_silence_are_told_apart(stage: &Stage) -> Result<Option<String>> {
    let scene = Scene::new(stage).await?;
    let all: Vec<String> = {
        let shop = scene.supervisor.shop().await;
        SERVICES.iter().flat_map(|service| shop.instances(service)).collect()
    };
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    scene.until_silent(&all, false).await?;
    let mut skipped = None;
    match Starved::begin(scene.pid().await?) {
        Err(why) => skipped = Some(format!("no process could be starved: {why:#}")),
        Ok(starved) => {
            scene.until_told(VICTIM, "does not respond but is alive and slow: it ").await?;
            drop(starved);
            scene.until_silent(&all, false).await.context("starved")?;
            scene.goes_on(&[]).await.context("starved")?;
        }
    }
    stopped(&scene).await.context("stopped")?;
    scene.until_silent(&all, false).await.context("stopped")?;
    // A supervisor ends a process that stays stopped for 15 s. On a slow machine all of the above takes longer.
    let entries = scene.supervisor.journal().entries();
    let ended = entries.iter().any(|entry| entry.message.contains("it is stopped (SIGSTOP)"));
    let gone: &[&str] = if ended { &[VICTIM] } else { &[] };
    scene.goes_on(gone).await.context("stopped")?;

    paused_database(&scene, &all).await.context("paused database")?;
    scene.until_silent(&all, false).await.context("paused database")?;
    scene.goes_on(gone).await.context("paused database")?;

    killed(&scene).await.context("killed")?;
    scene.until_silent(&all, false).await.context("killed")?;
    scene.goes_on(&[VICTIM]).await.context("killed")?;
    scene.close().await?;
    Ok(skipped)
}

/// A process that gets almost no processor.
struct Starved(Vec<Child>);

impl Starved {
    fn begin(pid: u32) -> Result<Starved> {
        let run = |program: &str, arguments: &[&str]| -> Result<()> {
            let output = Command::new(program).args(arguments).output().context(program.to_owned())?;
            ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Ok(())
        };
        let pid = pid.to_string();
        run("taskset", &["--all-tasks", "--pid", "--cpu-list", "0", &pid])?;
        run("chrt", &["--all-tasks", "--idle", "--pid", "0", &pid])?;
        let busy = |_| {
            let mut busy = Command::new("taskset");
            busy.args(["--cpu-list", "0", "sh", "-c", "while :; do :; done"]).stdin(Stdio::null());
            Ok(busy.spawn()?)
        };
        Ok(Starved((0..LOOPS).map(busy).collect::<Result<_>>()?))
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        for busy in &mut self.0 {
            let _ = busy.kill();
            let _ = busy.wait();
        }
    }
}

/// Its port is open, and it says nothing, not even that it lives.
async fn stopped(scene: &Scene) -> Result<()> {
    scene.supervisor.shop().await.pause(VICTIM).await?;
    let address = scene.address_of(VICTIM).await?;
    TcpStream::connect(address.trim_start_matches("http://")).await.context("its port is closed")?;
    ensure!(scene.health(VICTIM, "live").await?.is_none(), "a stopped process responded");
    scene.until_silent(&[VICTIM], true).await?;
    scene.registry_has_said(VICTIM, "silent for too long, asked last from now on").await?;
    // It fails if the supervisor has just ended it.
    let _ = scene.supervisor.shop().await.resume(VICTIM);
    Ok(())
}

/// Every process of the database server, stopped.
struct PausedDatabase(Vec<Pid>);

impl PausedDatabase {
    fn begin(postmaster: u32) -> Result<PausedDatabase> {
        let postmaster = Pid::from_raw(postmaster.try_into()?);
        // First, so that it starts no others.
        kill(postmaster, Signal::SIGSTOP)?;
        let mut paused = PausedDatabase(vec![postmaster]);
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &postmaster.to_string()]).output()?;
        for child in String::from_utf8(children.stdout)?.split_whitespace() {
            let child = Pid::from_raw(child.parse()?);
            if kill(child, Signal::SIGSTOP).is_ok() {
                paused.0.push(child);
            }
        }
        ensure!(paused.0.len() > 10, "only {} processes were found", paused.0.len());
        Ok(paused)
    }
}

impl Drop for PausedDatabase {
    fn drop(&mut self) {
        for pid in self.0.iter().rev() {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// Each service lives, says that it is not ready, and why.
async fn paused_database(scene: &Scene, all: &[&str]) -> Result<()> {
    let pids = scene.infrastructure.lock().await.postgres.pids();
    let postmaster = *pids.first().context("the database server is not ours")?;
    let paused = PausedDatabase::begin(postmaster)?;
    scene.until_silent(all, true).await?;
    for process in all {
        let live = scene.health(process, "live").await?.with_context(|| format!("{process} is silent"))?;
        ensure!(live.0 == 200, "{process}: {live:?}");
        let ready = scene.health(process, "ready").await?.with_context(|| format!("{process} is silent"))?;
        ensure!(ready.0 == 503 && ready.1["checks"]["database"] == json!(false), "{process}: {ready:?}");
        let waits = ready.1["waits"].as_array().into_iter().flatten();
        let named = waits.clone().any(|wait| wait["part"] == "HTTP server" && wait["on"] == "database");
        ensure!(named, "{process} does not say what it waits for: {ready:?}");
    }
    let request = scene.client.post(format!("{}/orders", scene.address)).json(&scene.order);
    let response = request.header("idempotency-key", Uuid::new_v4().to_string()).send().await?;
    let (status, answer) = (response.status().as_u16(), response.json::<Value>().await?);
    let told = (status, answer["code"].as_str().unwrap_or_default());
    ensure!([(503, "unavailable"), (504, "outcome_unknown")].contains(&told), "{status}: {answer}");
    drop(paused);
    Ok(())
}

/// Its port refuses connections, so it is removed. It is restarted so quickly that the registry may not notice, so it is
/// killed until it stays away for longer.
async fn killed(scene: &Scene) -> Result<()> {
    eventually("the killed process is removed", async || {
        let _ = scene.supervisor.shop().await.kill(VICTIM);
        Ok(scene.removed.lock().expect("no panics").contains(VICTIM).then_some(()))
    })
    .await?;
    scene.registry_has_said(VICTIM, "its port is closed, removed").await?;
    scene.until_told(VICTIM, "ended (signal: 9 (SIGKILL)); restart in").await
}

//! A running shop: its databases, its processes, and the one address that clients talk to.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use uuid::Uuid;

use faults::{Link, Proxy};
use servers::guard::Guard;
use servers::{Broker, Infrastructure};
use topology::{BrokerControl, Databases, Driver, Mode, ProcessHandle, ShopHandle};

mod databases;
mod drain;
pub mod last_owner;
mod links;
mod member;
pub mod seed;
mod start;
pub mod supervisor;

pub use drain::drain;
use links::Links;
pub(crate) use member::{Member, Recipe};
use start::{REGISTRY, Starting};

/// How long a shop may take from the start of its processes until all of them are ready.
const READY: Duration = Duration::from_secs(60);
/// How long a process may take to finish what it has when it is asked to stop.
const GRACE: Duration = Duration::from_secs(15);

/// What can be chosen about a shop.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// The folder of the built programs; see [`servers::binaries::ensure_built`].
    pub programs: PathBuf,
    /// The folder for the processes' logs.
    pub logs: PathBuf,
    /// How often the relays publish every message. More than once shows that a message may come twice.
    pub deliveries: u8,
    /// Connections of each process to its database; `None` leaves it to the program.
    pub pool: Option<u16>,
    /// Rules that its processes leave out on purpose, by the names that `cleave flaws` lists.
    pub flaws: Vec<String>,
    /// Whether a monolith stands behind a gateway, and may have several instances. A split shop always does.
    pub behind_gateway: bool,
    /// Instances of each service, or of a monolith that stands behind a gateway.
    pub instances: usize,
    /// Whether there is a proxy in every link, where faults can be put.
    pub proxied: bool,
    /// Whether its processes record spans and count what they do. They do by themselves; this is to see what it costs.
    pub telemetry: bool,
    /// Whether the OTEL_* variables of our own environment are handed on, by which its processes send their spans to a
    /// collector. What is measured should not depend on what the user's shell happens to hold.
    pub exports: bool,
}

impl ShopOptions {
    /// A plain shop: every message published once, nothing left out, no gateway before a monolith, one instance of
    /// everything, no proxies.
    pub fn new(programs: &Path, logs: impl Into<PathBuf>) -> ShopOptions {
        ShopOptions {
            programs: programs.to_owned(),
            logs: logs.into(),
            deliveries: 1,
            pool: None,
            flaws: Vec::new(),
            behind_gateway: false,
            instances: 1,
            proxied: false,
            telemetry: true,
            exports: false,
        }
    }
}

/// A running shop. Dropping it ends its processes at once; [`Shop::stop`] is the orderly way.
#[derive(Debug)]
pub struct Shop {
    /// How it stays consistent.
    pub driver: Driver,
    /// Where clients send their requests, as `http://127.0.0.1:port`.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// What its exchange and queues are called by, in the split mode.
    pub namespace: Option<String>,
    /// Rules that it leaves out on purpose.
    pub flaws: Vec<String>,
    /// Milliseconds from the start of its processes until all were ready.
    pub ready_ms: f64,
    amqp_url: Option<String>,
    broker: Option<BrokerControl>,
    database_names: Vec<String>,
    guard: Guard,
    links: Links,
    /// The registry is the first, where there is one; the door is the last.
    members: Vec<Member>,
}

impl Shop {
    /// Creates fresh databases, starts the processes and waits until all are ready.
    pub async fn start(
        guard: &Guard,
        driver: Driver,
        infra: &Infrastructure,
        options: &ShopOptions,
    ) -> Result<Shop> {
        std::fs::create_dir_all(&options.logs)
            .with_context(|| format!("cannot create the folder for logs {}", options.logs.display()))?;
        // Several shops share one PostgreSQL and one broker.
        let shop = format!("shop-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let (databases, database_names) = databases::create(driver.mode(), infra, &shop).await?;

        let began = Instant::now();
        let links = Links::new(options.proxied);
        let starting = Starting { guard, driver, options, databases: &databases, links: &links };
        let (members, namespace, amqp_url) = match driver.mode() {
            Mode::Monolith => (starting.monolith().await?, None, None),
            Mode::Split => {
                let amqp_url = infra.amqp_url().context("the split mode needs a broker")?.to_owned();
                (starting.split(&amqp_url, &shop).await?, Some(shop), Some(amqp_url))
            }
        };
        let door = &members.last().context("every mode has a process")?.address;
        let address = links.led(Link::ClientGateway, door)?;
        let mut shop = Shop {
            driver,
            address,
            databases,
            namespace,
            flaws: options.flaws.clone(),
            ready_ms: 0.0,
            amqp_url,
            broker: infra
                .rabbitmq
                .as_ref()
                .and_then(Broker::control)
                .filter(|_| driver.mode() == Mode::Split),
            database_names,
            guard: guard.clone(),
            links,
            members,
        };
        try_join_all(shop.members.iter_mut().map(|member| member.ready(READY))).await?;
        shop.ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(shop)
    }

    /// What others need to know to look at it from outside.
    pub fn handle(&self) -> ShopHandle {
        let process = |member: &Member| ProcessHandle {
            name: member.name().to_owned(),
            pid: member.process.pid(),
            address: member.address.clone(),
        };
        ShopHandle {
            driver: self.driver,
            address: self.address.clone(),
            databases: self.databases.clone(),
            namespace: self.namespace.clone(),
            amqp_url: self.amqp_url.clone(),
            broker: self.broker.clone(),
            processes: self.members.iter().map(process).collect(),
        }
    }

    /// The names of its processes, such as `monolith` or `gateway`, with their process ids.
    pub fn processes(&self) -> Vec<(&str, u32)> {
        self.members.iter().map(|member| (member.name(), member.process.pid())).collect()
    }

    /// The process id of one of its processes.
    pub fn pid(&self, name: &str) -> Result<u32> {
        Ok(self.members[self.index(name)?].process.pid())
    }

    /// The file that a process writes its log to.
    pub fn log(&self, name: &str) -> Result<&Path> {
        Ok(self.members[self.index(name)?].process.log())
    }

    /// Where one of its processes listens, as `http://127.0.0.1:port`.
    pub fn address_of(&self, name: &str) -> Result<&str> {
        Ok(&self.members[self.index(name)?].address)
    }

    /// What one of its processes is an instance of: `orders`, of `orders-2`.
    pub fn service_of(&self, name: &str) -> Result<&str> {
        Ok(self.members[self.index(name)?].service())
    }

    /// Sets a setting of the external configuration, which the registry keeps and the processes follow.
    pub async fn set(&self, name: &str, value: u64) -> Result<()> {
        let url = format!("{}/settings/{name}", self.address_of(REGISTRY)?);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let answer = client.put(url).json(&value).send().await.context("the registry did not answer")?;
        if !answer.status().is_success() {
            bail!("{name} was not set to {value}: {}", answer.text().await?);
        }
        Ok(())
    }

    /// Every setting with its value, and what it may be, as the registry tells it.
    pub async fn settings(&self) -> Result<serde_json::Value> {
        let url = format!("{}/settings", self.address_of(REGISTRY)?);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let answer = client.get(url).send().await.context("the registry did not answer")?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Has the gateway, if there is one, wait for as long as a busy machine may take: for those who ask whether answers
    /// are right, and not how soon they come.
    pub async fn be_patient(&self) -> Result<()> {
        if self.address_of(REGISTRY).is_ok() {
            self.set("gateway.timeout_ms", 10_000).await?;
            self.set("gateway.write_timeout_ms", 30_000).await?;
        }
        Ok(())
    }

    /// The broker's URL, in the split mode.
    pub fn amqp_url(&self) -> Option<&str> {
        self.amqp_url.as_deref()
    }

    /// Ends a process as a crash would (SIGKILL).
    pub fn kill(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.kill()
    }

    /// Stops a process where it stands (SIGSTOP): it lives, keeps its connections, and answers nothing.
    pub fn pause(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.signal(Signal::SIGSTOP)
    }

    /// Lets a process go on that was stopped (SIGCONT).
    pub fn resume(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.signal(Signal::SIGCONT)
    }

    /// How a process ended, or `None` while it runs.
    pub fn ended(&mut self, name: &str) -> Result<Option<ExitStatus>> {
        self.member(name)?.process.try_wait()
    }

    /// Waits, for at most `bound`, until a process ends by itself.
    pub async fn wait_ended(&mut self, name: &str, bound: Duration) -> Result<ExitStatus> {
        let ended = self.member(name)?.process.wait(bound).await?;
        ended.with_context(|| format!("{name} still runs after {bound:?}"))
    }

    /// Starts a process that has ended again, with its own arguments and at the same port, and waits until it is
    /// ready.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        if self.ended(name)?.is_none() {
            bail!("{name} is still running; kill it before it is started again");
        }
        let guard = self.guard.clone();
        let member = self.member(name)?;
        member.restart(&guard, &[])?;
        member.ready(READY).await
    }

    /// Starts a process anew with further arguments, such as `--crash-at`, and waits until it is ready; one that
    /// runs is asked to end first. The next plain restart is without them.
    ///
    /// A process that aborts on its way is no error, because it may have been asked to: see [`Shop::ended`].
    pub async fn restart_with(&mut self, name: &str, arguments: &[String]) -> Result<()> {
        let guard = self.guard.clone();
        let member = self.member(name)?;
        member.process.end(GRACE).await?;
        member.restart(&guard, arguments)?;
        match member.ready(READY).await {
            Err(_) if member.aborted()? => Ok(()),
            ready => ready,
        }
    }

    /// Starts one more instance of a process, with the same settings and a port of its own, and answers its name:
    /// `orders-2` beside `orders`. The gateway hears of it from the registry.
    pub async fn add(&mut self, name: &str) -> Result<String> {
        let recipe = self.recipe(name)?;
        let mut twin = recipe.start(&self.guard, READY).await?;
        twin.ready(READY).await?;
        let name = twin.name().to_owned();
        self.insert(twin);
        Ok(name)
    }

    /// Ends an instance in an orderly way: it takes leave of the registry, finishes what it has, and is a process of the
    /// shop no more.
    pub async fn remove(&mut self, name: &str) -> Result<()> {
        self.take(name)?.stop(GRACE).await
    }

    /// What it takes to start one more instance of what this process is an instance of, under the first name that is
    /// free.
    pub(crate) fn recipe(&self, name: &str) -> Result<Recipe> {
        let recipe = &self.members[self.index(name)?].recipe;
        let taken = |name: &String| self.index(name).is_ok();
        let instance = (2..).map(|n| recipe.instance(n)).find(|name| !taken(name));
        Ok(recipe.twin(&instance.context("there are more instances than numbers")?))
    }

    /// Makes a process one of the shop's.
    pub(crate) fn insert(&mut self, member: Member) {
        self.members.insert(self.members.len() - 1, member);
    }

    /// Gives a process of the shop away, to be ended.
    pub(crate) fn take(&mut self, name: &str) -> Result<Member> {
        let index = self.index(name)?;
        if index == self.members.len() - 1 {
            bail!("{name} is the door of the shop {}, which cannot be taken out", self.driver);
        }
        Ok(self.members.remove(index))
    }

    /// The names of the instances of a service, in the order in which they were started.
    pub fn instances(&self, service: &str) -> Vec<String> {
        let of_it = self.members.iter().filter(|member| member.recipe.service == service);
        of_it.map(|member| member.name().to_owned()).collect()
    }

    /// The proxies in a link: one before each instance between the gateway and a service, one otherwise, none in a shop
    /// without proxies.
    pub fn proxies(&self, link: Link) -> Vec<Arc<Proxy>> {
        let Link::Gateway(service) = link else { return self.links.proxy(link).into_iter().collect() };
        let of_it = self.members.iter().filter(|member| member.recipe.service == service);
        of_it.filter_map(Member::proxy).collect()
    }

    /// Starts a process that has ended again, and does not wait until it is ready.
    pub(crate) fn respawn(&mut self, name: &str, arguments: &[String]) -> Result<()> {
        let guard = self.guard.clone();
        self.member(name)?.restart(&guard, arguments)
    }

    /// What ends its processes should this program be killed.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Waits, for at most `bound`, until no order is pending and no message is on its way.
    pub async fn drain(&self, bound: Duration) -> Result<()> {
        drain(&self.databases, self.driver, bound).await
    }

    /// Asks every process to finish and end, the door first and the registry last, then drops the databases.
    pub async fn stop(mut self, infra: &Infrastructure) -> Result<()> {
        let door = self.members.pop().context("every mode has a process")?;
        door.process.stop(GRACE).await?;
        let after_registry = usize::from(self.members.first().is_some_and(|first| first.name() == REGISTRY));
        try_join_all(self.members.drain(after_registry..).map(|member| member.process.stop(GRACE))).await?;
        try_join_all(self.members.drain(..).map(|registry| registry.process.stop(GRACE))).await?;
        for name in &self.database_names {
            infra.postgres.drop_database(name).await?;
        }
        Ok(())
    }

    fn member(&mut self, name: &str) -> Result<&mut Member> {
        let index = self.index(name)?;
        Ok(&mut self.members[index])
    }

    fn index(&self, name: &str) -> Result<usize> {
        let index = self.members.iter().position(|member| member.name() == name);
        index.with_context(|| format!("the shop {} has no process called {name}", self.driver))
    }
}

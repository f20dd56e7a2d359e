//! A running shop: its databases, its processes, and the address for clients.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use uuid::Uuid;

use faults::{Link, Proxy};
use servers::guard::Guard;
use servers::{Broker, Infrastructure};
use topology::{BrokerControl, Databases, Driver, MONOLITH, Mode, ProcessHandle, ShopHandle};

mod databases;
mod drain;
mod instances;
mod links;
mod member;
pub mod moving;
mod options;
pub mod queues;
pub mod seed;
pub mod shared;
mod start;
pub mod supervisor;
mod words;

pub use drain::drain;
use links::Links;
pub(crate) use member::{Member, Recipe};
pub use options::ShopOptions;
use start::{READY, REGISTRY, Starting};

/// How long a process that is asked to stop may take to finish its work.
const GRACE: Duration = Duration::from_secs(15);

/// A running shop. Dropping it kills its processes; [`Shop::stop`] stops them gracefully.
#[derive(Debug)]
pub struct Shop {
    /// Its driver.
    pub driver: Driver,
    /// Where clients send their requests, as `http://127.0.0.1:port`.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// The prefix of its exchange and queue names, in the split mode.
    pub namespace: Option<String>,
    /// Rules that it leaves out on purpose.
    pub flaws: Vec<String>,
    /// Milliseconds from the start of its processes until all were ready.
    pub ready_ms: f64,
    amqp_url: Option<String>,
    broker: Option<BrokerControl>,
    database_names: Vec<String>,
    /// Databases of services that have left the monolith, by module. One stays when its module comes home.
    service_databases: BTreeMap<String, String>,
    guard: Guard,
    links: Links,
    /// The registry is first, if there is one. The door, to which clients connect, is last.
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
            .with_context(|| words::cannot_create_logs(options.logs.display()))?;
        // Several shops can share one PostgreSQL and one broker.
        let shop = format!("shop-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let (databases, database_names) = databases::create(driver, infra, &shop).await?;

        let began = Instant::now();
        let links = Links::new(options.proxied);
        let starting = Starting { guard, driver, options, databases: &databases, links: &links };
        let (members, namespace, amqp_url) = match driver.mode() {
            Mode::Monolith => (starting.monolith().await?, None, None),
            Mode::Split | Mode::Hybrid => {
                let amqp_url = infra.amqp_url().with_context(words::needs_broker)?.to_owned();
                if queues::stay(infra) {
                    queues::record(&amqp_url, &shop)?;
                }
                (starting.services(&amqp_url, &shop).await?, Some(shop), Some(amqp_url))
            }
        };
        let door = &members.last().context("every mode has a process")?.address;
        let address = links.led(Link::ClientGateway, door)?;
        let mut shop = Shop {
            driver,
            address,
            namespace,
            flaws: options.flaws.clone(),
            ready_ms: 0.0,
            amqp_url,
            broker: infra.rabbitmq.as_ref().and_then(Broker::control).filter(|_| driver.has_messages()),
            database_names,
            service_databases: driver
                .away()
                .into_iter()
                .map(|module| (module.to_owned(), databases.of(module).to_owned()))
                .collect(),
            databases,
            guard: guard.clone(),
            links,
            members,
        };
        try_join_all(shop.members.iter_mut().map(|member| member.ready(READY))).await?;
        shop.ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(shop)
    }

    /// Describes the shop for access from outside.
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

    /// The log file of a process.
    pub fn log(&self, name: &str) -> Result<&Path> {
        Ok(self.members[self.index(name)?].process.log())
    }

    /// The address of a process, as `http://127.0.0.1:port`.
    pub fn address_of(&self, name: &str) -> Result<&str> {
        Ok(&self.members[self.index(name)?].address)
    }

    /// The service of which a process is an instance: `orders` for `orders-2`.
    pub fn service_of(&self, name: &str) -> Result<&str> {
        Ok(self.members[self.index(name)?].service())
    }

    /// Changes a setting in the external configuration store, which the registry keeps and the processes follow.
    pub async fn set(&self, name: &str, value: u64) -> Result<()> {
        let url = format!("{}/settings/{name}", self.address_of(REGISTRY)?);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let answer = client.put(url).json(&value).send().await.with_context(words::registry_silent)?;
        if !answer.status().is_success() {
            bail!(words::not_set(name, value, answer.text().await?));
        }
        Ok(())
    }

    /// All settings with their values and allowed ranges, as the registry reports them.
    pub async fn settings(&self) -> Result<serde_json::Value> {
        let url = format!("{}/settings", self.address_of(REGISTRY)?);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let answer = client.get(url).send().await.with_context(words::registry_silent)?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Raises the gateway's time limits, if there is a gateway, to what a busy machine may need. For tests of
    /// correctness, where speed does not matter.
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

    /// The proxies in a link: one before each instance between the gateway and a service, and one in other links.
    /// None in a shop without proxies.
    pub fn proxies(&self, link: Link) -> Vec<Arc<Proxy>> {
        let Link::Gateway(service) = link else { return self.links.proxy(link).into_iter().collect() };
        let of_it = self.members.iter().filter(|member| member.recipe.service == service);
        of_it.filter_map(Member::proxy).collect()
    }

    /// The guard, which kills the processes if this program is killed.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Waits, for at most `bound`, until no order is pending and no message is on its way.
    pub async fn drain(&self, bound: Duration) -> Result<()> {
        drain(&self.databases, self.driver, bound).await
    }

    /// Stops every process gracefully, the door first and the registry last, then drops the databases.
    pub async fn stop(mut self, infra: &Infrastructure) -> Result<()> {
        let door = self.members.pop().context("every mode has a process")?;
        door.process.stop(GRACE).await?;
        let after_registry = usize::from(self.members.first().is_some_and(|first| first.name() == REGISTRY));
        try_join_all(self.members.drain(after_registry..).map(|member| member.process.stop(GRACE))).await?;
        try_join_all(self.members.drain(..).map(|registry| registry.process.stop(GRACE))).await?;
        for name in &self.database_names {
            infra.postgres.drop_database(name).await?;
        }
        // A private broker is removed together with its queues.
        if let (true, Some(url), Some(namespace)) = (queues::stay(infra), &self.amqp_url, &self.namespace) {
            queues::delete(url, namespace).await?;
        }
        Ok(())
    }

    /// The database of a module's service, if it has or had one.
    pub(crate) fn service_database(&self, module: &str) -> Option<&str> {
        self.service_databases.get(module).map(String::as_str)
    }

    /// Lets the shop use a broker from now on. Returns the prefix of its queues.
    pub(crate) fn connect_broker(&mut self, infra: &Infrastructure, url: &str) -> Result<String> {
        let first = self.database_names.first().context("every shop has a database")?;
        let namespace = first.trim_end_matches(&format!("-{MONOLITH}")).to_owned();
        if queues::stay(infra) {
            queues::record(url, &namespace)?;
        }
        self.amqp_url = Some(url.to_owned());
        self.broker = infra.rabbitmq.as_ref().and_then(Broker::control);
        self.namespace = Some(namespace.clone());
        Ok(namespace)
    }

    /// The recipe for a module's service beside the monolith, with the monolith's settings.
    pub(crate) fn service_recipe(&self, module: &'static str, url: &str) -> Result<Recipe> {
        let index = self.members.iter().position(|member| member.recipe.service == MONOLITH);
        let monolith = &self.members[index.with_context(|| words::no_instance(MONOLITH))?].recipe;
        let amqp_url = self.amqp_url.clone().with_context(words::needs_broker)?;
        let environment = vec![("DATABASE_URL", url.to_owned()), ("AMQP_URL", amqp_url)];
        Ok(monolith.for_service(module, self.links.through(module, environment)?))
    }

    fn member(&mut self, name: &str) -> Result<&mut Member> {
        let index = self.index(name)?;
        Ok(&mut self.members[index])
    }

    fn index(&self, name: &str) -> Result<usize> {
        let index = self.members.iter().position(|member| member.name() == name);
        index.with_context(|| words::no_process(self.driver, name))
    }
}

//! A running shop: its databases, its processes, and the one address that clients talk to.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::guard::Guard;
use crate::infra::Infrastructure;
pub use crate::run::Mode;

mod drain;
mod member;

pub use drain::drain;
use member::Member;

/// How long a shop may take from the start of its processes until all of them are ready.
const READY: Duration = Duration::from_secs(60);
/// How long a process may take to finish what it has when it is asked to stop.
const GRACE: Duration = Duration::from_secs(15);

/// The modules that become a service and a database each in the split mode.
pub const SERVICES: [&str; 5] = ["catalog", "inventory", "orders", "payments", "shipping"];

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 2] = [Mode::Monolith, Mode::Split];

    /// The programs that it consists of, as cargo's packages are called.
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Mode::Monolith => &["monolith"],
            Mode::Split => &[
                "catalog-service",
                "inventory-service",
                "orders-service",
                "payments-service",
                "shipping-service",
                "gateway",
            ],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Monolith => "monolith",
            Mode::Split => "split",
        })
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let known = Mode::ALL.into_iter().find(|mode| mode.to_string() == word);
        known.ok_or_else(|| format!("there is no mode \"{word}\"; the modes are monolith and split"))
    }
}

/// The URLs of a shop's databases, a module each. In the monolith all are the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Databases {
    /// Products, prices, time sales.
    pub catalog: String,
    /// Stock.
    pub inventory: String,
    /// Orders; in the split mode the sagas too.
    pub orders: String,
    /// Wallets and the ledger.
    pub payments: String,
    /// Shipments.
    pub shipping: String,
}

impl Databases {
    /// Each database once, with the name of its (first) module.
    pub fn distinct(&self) -> Vec<(&'static str, &str)> {
        let all = [&self.catalog, &self.inventory, &self.orders, &self.payments, &self.shipping];
        let mut distinct: Vec<(&str, &str)> = Vec::new();
        for (name, url) in SERVICES.into_iter().zip(all) {
            if !distinct.iter().any(|(_, known)| known == url) {
                distinct.push((name, url));
            }
        }
        distinct
    }
}

/// What can be chosen about a shop.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// The folder of the built programs; see [`crate::binaries::ensure_built`].
    pub programs: PathBuf,
    /// The folder for the processes' logs.
    pub logs: PathBuf,
    /// How often the relays publish every message. More than once shows that a message may come twice.
    pub deliveries: u8,
    /// Connections of each process to its database; `None` leaves it to the program.
    pub pool: Option<u16>,
}

/// A running shop. Dropping it ends its processes at once; [`Shop::stop`] is the orderly way.
#[derive(Debug)]
pub struct Shop {
    /// Which architecture.
    pub mode: Mode,
    /// Where clients send their requests, as `http://127.0.0.1:port`.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// What its exchange and queues are called by, in the split mode.
    pub namespace: Option<String>,
    /// Milliseconds from the start of its processes until all were ready.
    pub ready_ms: f64,
    amqp_url: Option<String>,
    database_names: Vec<String>,
    guard: Guard,
    members: Vec<Member>,
}

impl Shop {
    /// Creates fresh databases, starts the processes and waits until all are ready.
    pub async fn start(
        guard: &Guard,
        mode: Mode,
        infra: &Infrastructure,
        options: &ShopOptions,
    ) -> Result<Shop> {
        std::fs::create_dir_all(&options.logs)
            .with_context(|| format!("cannot create the folder for logs {}", options.logs.display()))?;
        // Several shops share one PostgreSQL and one broker.
        let shop = format!("shop-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let (databases, database_names) = create_databases(mode, infra, &shop).await?;

        let began = Instant::now();
        let starting = Starting { guard, options, databases: &databases };
        let (members, namespace, amqp_url) = match mode {
            Mode::Monolith => (starting.monolith().await?, None, None),
            Mode::Split => {
                let amqp_url = infra.amqp_url().context("the split mode needs a broker")?.to_owned();
                (starting.split(&amqp_url, &shop).await?, Some(shop), Some(amqp_url))
            }
        };
        let address = members.last().context("every mode has a process")?.address.clone();
        let mut shop = Shop {
            mode,
            address,
            databases,
            namespace,
            ready_ms: 0.0,
            amqp_url,
            database_names,
            guard: guard.clone(),
            members,
        };
        try_join_all(shop.members.iter_mut().map(|member| member.ready(READY))).await?;
        shop.ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(shop)
    }

    /// The names of its processes, such as `monolith` or `gateway`, with their process ids.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        self.members.iter().map(|member| (member.name, member.process.pid())).collect()
    }

    /// The process id of one of its processes.
    pub fn pid(&self, name: &str) -> Result<u32> {
        Ok(self.members[self.index(name)?].process.pid())
    }

    /// The broker's URL, in the split mode.
    pub fn amqp_url(&self) -> Option<&str> {
        self.amqp_url.as_deref()
    }

    /// Ends a process as a crash would (SIGKILL).
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let index = self.index(name)?;
        self.members[index].process.kill()
    }

    /// Starts a process that has ended again, with the same arguments and at the same port, and waits until it
    /// is ready.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        let index = self.index(name)?;
        self.members[index].restart(&self.guard)?;
        self.members[index].ready(READY).await
    }

    /// Waits, for at most `bound`, until no order is pending and no message is on its way.
    pub async fn drain(&self, bound: Duration) -> Result<()> {
        drain(&self.databases, self.mode, bound).await
    }

    /// Asks every process to finish and end, the door first, then drops the databases.
    pub async fn stop(mut self, infra: &Infrastructure) -> Result<()> {
        let door = self.members.pop().context("every mode has a process")?;
        door.process.stop(GRACE).await?;
        try_join_all(self.members.drain(..).map(|member| member.process.stop(GRACE))).await?;
        for name in &self.database_names {
            infra.postgres.drop_database(name).await?;
        }
        Ok(())
    }

    fn index(&self, name: &str) -> Result<usize> {
        let index = self.members.iter().position(|member| member.name == name);
        index.with_context(|| format!("the {} has no process called {name}", self.mode))
    }
}

/// What is needed to start processes.
struct Starting<'a> {
    guard: &'a Guard,
    options: &'a ShopOptions,
    databases: &'a Databases,
}

impl Starting<'_> {
    async fn monolith(&self) -> Result<Vec<Member>> {
        let url = ("DATABASE_URL", self.databases.orders.clone());
        Ok(vec![self.member("monolith", "monolith", self.pool(), vec![url]).await?])
    }

    /// The services side by side, then the gateway, which has to be told where they are.
    async fn split(&self, amqp_url: &str, namespace: &str) -> Result<Vec<Member>> {
        let services = self.databases.distinct().into_iter().map(|(name, database_url)| {
            let mut arguments = self.pool();
            arguments.extend(["--namespace".into(), namespace.into()]);
            arguments.extend(["--deliveries".into(), self.options.deliveries.to_string()]);
            // In the environment, because everybody on the machine can read a command line.
            let urls = vec![("DATABASE_URL", database_url.into()), ("AMQP_URL", amqp_url.into())];
            async move { self.member(name, &format!("{name}-service"), arguments, urls).await }
        });
        let mut members = try_join_all(services).await?;
        let addresses =
            members.iter().flat_map(|member| [format!("--{}", member.name), member.address.clone()]);
        let gateway = self.member("gateway", "gateway", addresses.collect(), vec![]).await?;
        members.push(gateway);
        Ok(members)
    }

    fn pool(&self) -> Vec<String> {
        self.options.pool.iter().flat_map(|pool| ["--pool".into(), pool.to_string()]).collect()
    }

    async fn member(
        &self,
        name: &'static str,
        program: &str,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Member> {
        let program = self.options.programs.join(program);
        let log = self.options.logs.join(format!("{name}.log"));
        Member::start(self.guard, name, program, arguments, environment, &log, READY).await
    }
}

/// One database for the monolith, five for the services; with their names, to drop them by.
async fn create_databases(
    mode: Mode,
    infra: &Infrastructure,
    shop: &str,
) -> Result<(Databases, Vec<String>)> {
    let modules: &[&str] = if mode == Mode::Monolith { &["monolith"] } else { &SERVICES };
    let names: Vec<String> = modules.iter().map(|module| format!("{shop}-{module}")).collect();
    let urls = try_join_all(names.iter().map(|name| infra.postgres.create_database(name))).await?;
    // The services' databases are in the modules' order; the monolith's one is every module's.
    let url = |module: usize| urls[module.min(urls.len() - 1)].clone();
    let databases =
        Databases { catalog: url(0), inventory: url(1), orders: url(2), payments: url(3), shipping: url(4) };
    Ok((databases, names))
}

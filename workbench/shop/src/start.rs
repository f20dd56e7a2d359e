//! Defines the processes of a shop and their arguments.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

use super::ShopOptions;
use super::links::Links;
use super::member::{Member, Recipe};
use servers::guard::Guard;
use topology::{Databases, Driver, MONOLITH, Mode};

/// How long a shop may take from the start of its processes until all of them are ready.
pub(super) const READY: Duration = Duration::from_secs(180);

/// The name of the registry's process.
pub(super) const REGISTRY: &str = "registry";

/// The name of the gateway's process.
pub(super) const GATEWAY: &str = "gateway";

/// Shared inputs for starting the processes.
pub(super) struct Starting<'a> {
    pub(super) guard: &'a Guard,
    pub(super) driver: Driver,
    pub(super) options: &'a ShopOptions,
    pub(super) databases: &'a Databases,
    pub(super) links: &'a Links,
}

impl Starting<'_> {
    /// Starts the monolith. If it runs behind a gateway, also starts registry and gateway.
    pub(super) async fn monolith(&self) -> Result<Vec<Member>> {
        let mut arguments = self.settings();
        if self.driver != Driver::Local {
            arguments.extend(["--transaction".into(), self.driver.name().into()]);
            arguments.extend(["--coordinator".into(), "monolith".into()]);
        }
        let url = ("DATABASE_URL", self.databases.orders.clone());
        if !self.options.behind_gateway {
            return Ok(vec![self.member("monolith", "monolith", arguments, vec![url]).await?]);
        }
        let registry = self.registry().await?;
        arguments.extend(known_to(&registry, "monolith"));
        let monoliths = self.instances("monolith", "monolith", arguments, vec![url]).await?;
        let gateway = self.gateway(&registry, "monolith").await?;
        Ok([registry].into_iter().chain(monoliths).chain([gateway]).collect())
    }

    /// Starts the registry, then the services, which register with it, and the gateway, which looks them up there. In a
    /// hybrid one of the services is the monolith.
    pub(super) async fn services(&self, amqp_url: &str, namespace: &str) -> Result<Vec<Member>> {
        let registry = self.registry().await?;
        let services = self.driver.services().into_iter().map(|name| {
            let mut arguments = self.settings();
            arguments.extend(known_to(&registry, name));
            arguments.extend(["--namespace".into(), namespace.into()]);
            arguments.extend(["--deliveries".into(), self.options.deliveries.to_string()]);
            let program = match name {
                MONOLITH => {
                    arguments.push("--hybrid".into());
                    arguments.extend(self.away());
                    MONOLITH.to_owned()
                }
                service => {
                    if self.driver.mode() == Mode::Split && self.driver != Driver::Orchestrated {
                        arguments.extend(["--saga".into(), self.driver.name().into()]);
                    }
                    format!("{service}-service")
                }
            };
            // In the environment, because other users of the machine can read command lines.
            let urls = vec![("DATABASE_URL", self.databases.of(name).into()), ("AMQP_URL", amqp_url.into())];
            async move { self.instances(name, &program, arguments, urls).await }
        });
        let routes = if self.driver.mode() == Mode::Hybrid { MONOLITH } else { "split" };
        let (services, gateway) = tokio::try_join!(try_join_all(services), self.gateway(&registry, routes))?;
        Ok([registry].into_iter().chain(services.into_iter().flatten()).chain([gateway]).collect())
    }

    /// The argument that says which modules have left a monolith.
    fn away(&self) -> Vec<String> {
        match self.driver.away() {
            away if away.is_empty() => Vec::new(),
            away => vec!["--away".into(), away.join(",")],
        }
    }

    /// Settings are stored in a file, so a registry that the supervisor restarts keeps the same time-outs.
    async fn registry(&self) -> Result<Member> {
        let settings = self.options.logs.join("settings.json").display().to_string();
        self.member(REGISTRY, "registry", vec!["--settings".into(), settings], vec![]).await
    }

    async fn gateway(&self, registry: &Member, routes: &str) -> Result<Member> {
        let mut arguments = ["--registry", &registry.address, "--routes", routes].map(String::from).to_vec();
        arguments.extend(self.away());
        self.member(GATEWAY, "gateway", arguments, vec![]).await
    }

    /// The arguments for every program with a database.
    fn settings(&self) -> Vec<String> {
        let pool = self.options.pool.iter().flat_map(|pool| ["--pool".into(), pool.to_string()]);
        let flaws = Some(self.options.flaws.join(",")).filter(|flaws| !flaws.is_empty());
        pool.chain(flaws.into_iter().flat_map(|flaws| ["--flaws".into(), flaws])).collect()
    }

    async fn member(
        &self,
        name: &str,
        program: &str,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Member> {
        self.recipe(name, program, arguments, environment)?.start(self.guard, READY).await
    }

    /// Starts all instances of a service.
    async fn instances(
        &self,
        name: &str,
        program: &str,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Vec<Member>> {
        let first = self.recipe(name, program, arguments, environment)?;
        let twins: Vec<Recipe> =
            (2..=self.options.instances).map(|n| first.twin(&first.instance(n))).collect();
        let all = [first].into_iter().chain(twins);
        try_join_all(all.map(|recipe| recipe.start(self.guard, READY))).await
    }

    fn recipe(
        &self,
        name: &str,
        program: &str,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Recipe> {
        let mut arguments = arguments;
        if !self.options.telemetry {
            arguments.extend(["--telemetry", "off"].map(String::from));
        }
        Ok(Recipe {
            name: name.to_owned(),
            service: name.to_owned(),
            program: self.options.programs.join(program),
            arguments,
            environment: self.links.through(name, environment)?,
            exports: self.options.exports,
            log: self.options.logs.join(format!("{name}.log")),
            behind_proxy: self.options.proxied && ![REGISTRY, GATEWAY].contains(&name),
        })
    }
}

/// The arguments with which a program registers.
fn known_to(registry: &Member, instance: &str) -> [String; 4] {
    ["--registry", &registry.address, "--instance", instance].map(String::from)
}

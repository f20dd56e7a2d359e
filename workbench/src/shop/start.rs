//! Which processes a shop consists of, and what each is told.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::member::Member;
use super::{Databases, READY, ShopOptions};
use crate::driver::Driver;
use crate::guard::Guard;

/// What is needed to start processes.
pub(super) struct Starting<'a> {
    pub(super) guard: &'a Guard,
    pub(super) driver: Driver,
    pub(super) options: &'a ShopOptions,
    pub(super) databases: &'a Databases,
}

impl Starting<'_> {
    pub(super) async fn monolith(&self) -> Result<Vec<Member>> {
        let mut arguments = self.settings();
        if self.driver != Driver::Local {
            arguments.extend(["--transaction".into(), self.driver.name().into()]);
        }
        let url = ("DATABASE_URL", self.databases.orders.clone());
        Ok(vec![self.member("monolith", "monolith", arguments, vec![url]).await?])
    }

    /// The services side by side, then the gateway, which has to be told where they are.
    pub(super) async fn split(&self, amqp_url: &str, namespace: &str) -> Result<Vec<Member>> {
        let services = self.databases.distinct().into_iter().map(|(name, database_url)| {
            let mut arguments = self.settings();
            arguments.extend(["--namespace".into(), namespace.into()]);
            arguments.extend(["--deliveries".into(), self.options.deliveries.to_string()]);
            if self.driver != Driver::Orchestrated {
                arguments.extend(["--saga".into(), self.driver.name().into()]);
            }
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

    /// What every program with a database is told.
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
        let program = self.options.programs.join(program);
        let log = self.options.logs.join(format!("{name}.log"));
        Member::start(self.guard, name, program, arguments, environment, &log, READY).await
    }
}

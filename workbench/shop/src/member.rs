//! A process of a shop.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::words;
use faults::Proxy;
use servers::guard::Guard;
use servers::process::{self, Process};
use terminal::language::seconds;

/// The polling interval: short compared with the time that a process takes to start.
const TICK: Duration = Duration::from_millis(10);

/// The arguments that tell a program its own name.
const NAMES: [&str; 2] = ["--instance", "--coordinator"];

/// The target of a proxy before its process has reported an address: the *discard* port, on which nothing listens.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// Everything needed to start or restart a process of a shop.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// The name of the process: `orders-2`.
    pub(super) name: String,
    /// The service of which it is an instance: `orders`.
    pub(super) service: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Whether it inherits the OTEL_* variables.
    pub(super) exports: bool,
    /// The log file for its output.
    pub(super) log: PathBuf,
    /// Whether it registers with the address of a proxy, in which faults can be injected.
    pub(super) behind_proxy: bool,
}

/// A process of a shop.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) recipe: Recipe,
    /// Where it listens, as `http://127.0.0.1:port`.
    pub(super) address: String,
    pub(super) process: Process,
    /// The proxy in front of it, if there is one.
    proxy: Option<Arc<Proxy>>,
}

/// The log line in which a program of the shop reports its address.
#[derive(Deserialize)]
struct Announcement {
    listening: String,
}

impl Recipe {
    /// The name of the n-th instance, such as `orders-2`. The first instance has the name of the service.
    pub(super) fn instance(&self, n: usize) -> String {
        format!("{}-{n}", self.service)
    }

    /// The same recipe under another name, with a log file beside this one's. Arguments that contain the process's
    /// own name are changed too.
    pub(crate) fn twin(&self, name: &str) -> Recipe {
        let mut twin = self.clone();
        twin.name = name.to_owned();
        twin.log = self.log.with_file_name(format!("{name}.log"));
        for flag in NAMES {
            if let Some(at) = twin.arguments.iter().position(|argument| argument == flag) {
                twin.arguments[at + 1] = name.to_owned();
            }
        }
        twin
    }

    /// The recipe of a service beside this monolith: the same settings, but for those that only the monolith has.
    pub(super) fn for_service(
        &self,
        module: &'static str,
        environment: Vec<(&'static str, String)>,
    ) -> Recipe {
        let mut arguments = Vec::new();
        let mut given = self.arguments.iter().cloned();
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--hybrid" => {}
                "--away" | "--serves" => _ = given.next(),
                _ => arguments.push(argument),
            }
        }
        let recipe = Recipe {
            service: module.to_owned(),
            program: self.program.with_file_name(format!("{module}-service")),
            arguments,
            environment,
            ..self.clone()
        };
        recipe.twin(module)
    }

    /// Starts the program at a free port, and waits until it reports the port.
    pub(crate) async fn start(self, guard: &Guard, limit: Duration) -> Result<Member> {
        let proxy =
            self.behind_proxy.then(|| Proxy::start(&self.name, NOWHERE, 0)).transpose()?.map(Arc::new);
        // An earlier process of this name may have written to the same file.
        let earlier = fs::metadata(&self.log).map_or(0, |log| log.len() as usize);
        let process = spawn(guard, &self, proxy.as_deref(), "0", &[])?;
        let mut member = Member { recipe: self, address: String::new(), process, proxy };
        let listening = member.announced(earlier, limit).await?;
        if let Some(proxy) = &member.proxy {
            proxy.set_upstream(listening);
        }
        member.address = format!("http://{listening}");
        Ok(member)
    }
}

impl Member {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.recipe.name
    }

    /// The service of which it is an instance.
    pub(crate) fn service(&self) -> &str {
        &self.recipe.service
    }

    /// The proxy in front of it, if there is one.
    pub(crate) fn proxy(&self) -> Option<Arc<Proxy>> {
        self.proxy.clone()
    }

    /// Stops it with SIGTERM, and kills it after `grace`. Its proxy is removed with it.
    pub(crate) async fn stop(self, grace: Duration) -> Result<()> {
        self.process.stop(grace).await
    }

    /// Restarts the program after it has ended, at its previous port, with `extra` after its own arguments.
    pub(super) fn restart(&mut self, guard: &Guard, extra: &[String]) -> Result<()> {
        let (_, port) = self.address.rsplit_once(':').context("an address ends with its port")?;
        self.process = spawn(guard, &self.recipe, self.proxy.as_deref(), port, extra)?;
        Ok(())
    }

    /// Whether a signal ended it, as in an abort.
    pub(super) fn aborted(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some_and(|status| status.signal().is_some()))
    }

    /// Waits for the announcement in the log after the first `earlier` bytes. It need not be the first line, because
    /// other output goes to the same file.
    async fn announced(&mut self, earlier: usize, limit: Duration) -> Result<SocketAddr> {
        let deadline = Instant::now() + limit;
        loop {
            // Check in this order. Otherwise a process that writes the line and ends in between is missed.
            let running = self.running();
            let log = fs::read_to_string(self.process.log()).unwrap_or_default();
            let announcement = log
                .get(earlier..)
                .unwrap_or_default()
                .lines()
                .find_map(|line| serde_json::from_str::<Announcement>(line).ok());
            if let Some(Announcement { listening }) = announcement {
                return listening.parse().with_context(|| words::bad_address(self.name(), &listening));
            }
            running?;
            if Instant::now() > deadline {
                bail!(words::no_announcement(self.name(), seconds(limit), self.process.log_tail()));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until it reports that it is ready.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let probe = format!("{}/health/ready", self.address);
        let deadline = Instant::now() + limit;
        loop {
            self.running()?;
            let answer = match client.get(&probe).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => response.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                let tail = self.process.log_tail();
                bail!(words::not_ready(self.name(), seconds(limit), answer, tail));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Returns an error with the end of its log if it has ended.
    fn running(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            Some(status) => Err(self.process.ended(status)),
            None => Ok(()),
        }
    }
}

fn spawn(
    guard: &Guard,
    recipe: &Recipe,
    proxy: Option<&Proxy>,
    port: &str,
    extra: &[String],
) -> Result<Process> {
    let Recipe { name, program, arguments, environment, exports, log, .. } = recipe;
    let mut command = process::command(program);
    command.args(["--port", port]).args(arguments).args(extra);
    if let Some(proxy) = proxy {
        command.args(["--advertise".to_owned(), format!("http://{}", proxy.address())]);
    }
    if !exports {
        let names = std::env::vars_os().map(|(name, _)| name);
        names.filter(|name| name.to_string_lossy().starts_with("OTEL_")).for_each(|name| {
            command.env_remove(name);
        });
    }
    command.envs(environment.iter().map(|(name, url)| (name, url)));
    Process::start(guard, name, command, log)
}

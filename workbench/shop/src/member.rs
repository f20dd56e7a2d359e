//! One process of a shop.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use faults::Proxy;
use servers::guard::Guard;
use servers::process::{self, Process};

/// How often a wait looks again: short against the time that a process takes to start.
const TICK: Duration = Duration::from_millis(10);

/// The arguments by which a program is told its own name.
const NAMES: [&str; 2] = ["--instance", "--coordinator"];

/// Where a proxy leads to before its process has said where it listens: the port of the *discard* service, where nobody
/// is.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// What it takes to start a process of a shop, now or again.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// What the process is called: `orders-2`.
    pub(super) name: String,
    /// What it is an instance of: `orders`.
    pub(super) service: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Whether it inherits the OTEL_* variables.
    pub(super) exports: bool,
    /// The file for its output.
    pub(super) log: PathBuf,
    /// Whether those who find it in the registry come through a proxy, where faults can be put.
    pub(super) behind_proxy: bool,
}

/// A process of a shop.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) recipe: Recipe,
    /// Where it listens, as `http://127.0.0.1:port`.
    pub(super) address: String,
    pub(super) process: Process,
    /// The proxy before it, if it stands behind one.
    proxy: Option<Arc<Proxy>>,
}

/// The line by which a program of the shop says where it listens.
#[derive(Deserialize)]
struct Announcement {
    listening: String,
}

impl Recipe {
    /// The name of the n-th instance: `orders-2`; the first is called as the service is.
    pub(super) fn instance(&self, n: usize) -> String {
        format!("{}-{n}", self.service)
    }

    /// The same under another name; its log lies beside this one's. Where the program is told a name of its own, that
    /// one is told the other.
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

    /// Starts the program at a free port, and waits until it has said which.
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
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.recipe.name
    }

    /// What it is an instance of.
    pub(crate) fn service(&self) -> &str {
        &self.recipe.service
    }

    /// The proxy before it, if it stands behind one.
    pub(crate) fn proxy(&self) -> Option<Arc<Proxy>> {
        self.proxy.clone()
    }

    /// Asks it to end, and ends it when it has not after `grace`. Its proxy goes with it.
    pub(crate) async fn stop(self, grace: Duration) -> Result<()> {
        self.process.stop(grace).await
    }

    /// Starts the program, which has ended, again: at the port that it had, with these arguments after its own.
    pub(super) fn restart(&mut self, guard: &Guard, extra: &[String]) -> Result<()> {
        let (_, port) = self.address.rsplit_once(':').context("an address ends with its port")?;
        self.process = spawn(guard, &self.recipe, self.proxy.as_deref(), port, extra)?;
        Ok(())
    }

    /// Whether it has ended by a signal, as a process does that aborts.
    pub(super) fn aborted(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some_and(|status| status.signal().is_some()))
    }

    /// Waits for the announcement, behind what was `earlier` in the log. Logs go to the same file, so it need not be the
    /// first line.
    async fn announced(&mut self, earlier: usize, limit: Duration) -> Result<SocketAddr> {
        let deadline = Instant::now() + limit;
        loop {
            // In this order, or the line of a process that wrote it and ended in between is missed.
            let running = self.running();
            let log = fs::read_to_string(self.process.log()).unwrap_or_default();
            let announcement = log
                .get(earlier..)
                .unwrap_or_default()
                .lines()
                .find_map(|line| serde_json::from_str::<Announcement>(line).ok());
            if let Some(Announcement { listening }) = announcement {
                return listening.parse().with_context(|| format!("{} listens at {listening}", self.name()));
            }
            running?;
            if Instant::now() > deadline {
                bail!(
                    "{} did not say where it listens for {limit:?}{}",
                    self.name(),
                    self.process.log_tail()
                );
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until it answers that it is ready for work.
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
                bail!("{} was not ready after {limit:?}; its last answer: {answer}{tail}", self.name());
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// An error with its last words, if it has ended.
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

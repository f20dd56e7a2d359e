//! One process of a shop.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::guard::Guard;
use crate::process::{self, Process};

/// How often a wait looks again: short against the time that a process takes to start.
const TICK: Duration = Duration::from_millis(10);

/// The arguments by which a program is told its own name.
const NAMES: [&str; 2] = ["--instance", "--coordinator"];

/// A process of a shop, with what it takes to start it again.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where it listens, as `http://127.0.0.1:port`.
    pub(super) address: String,
    pub(super) process: Process,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// The line by which a program of the shop says where it listens.
#[derive(Deserialize)]
struct Announcement {
    listening: String,
}

impl Member {
    /// Starts a program at a free port, and waits until it has said which.
    pub(super) async fn start(
        guard: &Guard,
        name: &str,
        program: PathBuf,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
        log: &Path,
        limit: Duration,
    ) -> Result<Member> {
        let process = spawn(guard, name, &program, "0", &arguments, &environment, log)?;
        let name = name.to_owned();
        let mut member = Member { name, address: String::new(), process, program, arguments, environment };
        member.address = member.announced(limit).await?;
        Ok(member)
    }

    /// Starts the same program once more, under another name and at a port of its own; its log lies beside this one's.
    /// Where the program was told a name of its own, this one is told the other.
    pub(super) async fn twin(&self, guard: &Guard, name: &str, limit: Duration) -> Result<Member> {
        let log = self.process.log().with_file_name(format!("{name}.log"));
        let mut arguments = self.arguments.clone();
        for flag in NAMES {
            if let Some(at) = arguments.iter().position(|argument| argument == flag) {
                arguments[at + 1] = name.to_owned();
            }
        }
        let (program, environment) = (self.program.clone(), self.environment.clone());
        Member::start(guard, name, program, arguments, environment, &log, limit).await
    }

    /// Starts the program, which has ended, again: at the port that it had, with these arguments after its own.
    pub(super) fn restart(&mut self, guard: &Guard, extra: &[String]) -> Result<()> {
        let (_, port) = self.address.rsplit_once(':').context("an address ends with its port")?;
        let log = self.process.log().to_owned();
        let arguments = [&self.arguments[..], extra].concat();
        self.process = spawn(guard, &self.name, &self.program, port, &arguments, &self.environment, &log)?;
        Ok(())
    }

    /// Whether it has ended by a signal, as a process does that aborts.
    pub(super) fn aborted(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some_and(|status| status.signal().is_some()))
    }

    /// Waits for the announcement. Logs go to the same file, so it need not be the first line.
    async fn announced(&mut self, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            // In this order, or the line of a process that wrote it and ended in between is missed.
            let running = self.running();
            let log = fs::read_to_string(self.process.log()).unwrap_or_default();
            let announcement = log.lines().find_map(|line| serde_json::from_str::<Announcement>(line).ok());
            if let Some(Announcement { listening }) = announcement {
                return Ok(format!("http://{listening}"));
            }
            running?;
            if Instant::now() > deadline {
                bail!("{} did not say where it listens for {limit:?}{}", self.name, self.process.log_tail());
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until it answers that it is ready for work.
    pub(super) async fn ready(&mut self, limit: Duration) -> Result<()> {
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
                bail!("{} was not ready after {limit:?}; its last answer: {answer}{tail}", self.name);
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
    name: &str,
    program: &Path,
    port: &str,
    arguments: &[String],
    environment: &[(&'static str, String)],
    log: &Path,
) -> Result<Process> {
    let mut command = process::command(program);
    command.args(["--port", port]).args(arguments).envs(environment.iter().map(|(name, url)| (name, url)));
    Process::start(guard, name, command, log)
}

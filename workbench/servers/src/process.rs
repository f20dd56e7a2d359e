//! Processes that Cleave starts. Each is in its own process group, writes to a log file, and is known to the
//! [`Guard`] before it executes its first instruction.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use crate::guard::Guard;
use crate::process_tree::{is_stopped, kill_tree, nix_pid};
use crate::words;
use terminal::language::seconds;

/// The polling interval.
const TICK: Duration = Duration::from_millis(10);
/// How long SIGSTOP may take. It waits for a system call that cannot be interrupted, such as a write to a slow disk.
const PAUSES: Duration = Duration::from_secs(20);
/// How many log lines an error quotes.
const TAIL: usize = 15;

/// A running process, with all its descendants. Dropping it kills them all.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    guard: Guard,
}

/// A command for [`Process::start`]: `program`, started through a shell that waits for permission.
///
/// The parent could be killed after it has started a child and before it has told the guard. Then the child would
/// never be cleaned up. So a shell first reads one line from the parent, then replaces itself with the program (same
/// pid). If the parent dies before it has written that line, the pipe closes and the shell ends.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"read -r _ && exec "$@" </dev/null"#, "door"]).arg(program);
    command
}

impl Process {
    /// Starts a command created by [`command`]. Its standard output and error are appended to the file `log`.
    pub fn start(guard: &Guard, name: &str, mut command: Command, log: &Path) -> Result<Process> {
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| words::cannot_write_log(name, log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .with_context(|| words::cannot_start(name))?;
        let mut process = Process { name: name.to_owned(), child, log: log.to_owned(), guard: guard.clone() };
        guard.watch_process(process.pid())?;
        let mut door = process.child.stdin.take().context("the pipe was asked for above")?;
        door.write_all(b"\n").with_context(|| words::ended_at_once(name))?;
        Ok(process)
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is also the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its exit status, or `None` while it runs.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| words::cannot_wait_for(&self.name))
    }

    /// Waits until it ends by itself, for at most `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            match self.try_wait()? {
                None if Instant::now() < deadline => tokio::time::sleep(TICK).await,
                status => return Ok(status),
            }
        }
    }

    /// Waits until a command succeeds.
    pub async fn finish(mut self, limit: Duration) -> Result<()> {
        match self.wait(limit).await? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.ended(status)),
            None => bail!("{}{}", words::took_too_long(&self.name, seconds(limit)), self.log_tail()),
        }
    }

    /// Waits for the first line of its output, in which a server of Cleave reports its address.
    pub async fn first_line(&mut self, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            // Check in this order. Otherwise a process that writes the line and ends in between is missed.
            let ended = self.try_wait()?;
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            if let Some((line, _)) = text.split_once('\n') {
                return Ok(line.to_owned());
            }
            if let Some(status) = ended {
                return Err(self.ended(status));
            }
            if Instant::now() > deadline {
                bail!(words::said_nothing_for(&self.name, seconds(limit)));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Sends a signal to the process alone, not to its children.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // The id of a process that was waited for may have been reused.
        if self.try_wait()?.is_none() {
            kill(nix_pid(self.pid()), signal).with_context(|| words::cannot_signal(&self.name))?;
        }
        Ok(())
    }

    /// Pauses it with SIGSTOP, and waits until none of its threads goes on. The signal alone is no more than a
    /// request: on a busy machine a thread still did half a transaction after `kill` had returned.
    pub async fn pause(&mut self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        let deadline = Instant::now() + PAUSES;
        while self.try_wait()?.is_none() && !is_stopped(self.pid()) {
            if Instant::now() > deadline {
                bail!(words::does_not_pause(&self.name, seconds(PAUSES)));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    /// Stops it with SIGTERM, and kills it after `grace`.
    pub async fn stop(self, grace: Duration) -> Result<()> {
        self.stop_with(Signal::SIGTERM, grace).await
    }

    /// Stops it with the given signal, and kills it after `grace`.
    pub async fn stop_with(mut self, signal: Signal, grace: Duration) -> Result<()> {
        self.end_with(signal, grace).await
    }

    /// [`Process::stop`] for a process that will be restarted.
    pub async fn end(&mut self, grace: Duration) -> Result<()> {
        self.end_with(Signal::SIGTERM, grace).await
    }

    async fn end_with(&mut self, signal: Signal, grace: Duration) -> Result<()> {
        self.signal(signal)?;
        self.wait(grace).await?;
        self.kill()
    }

    /// Kills it and all its descendants at once, as a crash would.
    pub fn kill(&mut self) -> Result<()> {
        if self.try_wait()?.is_none() {
            kill_tree(self.pid());
            self.child.wait().with_context(|| words::cannot_wait_for(&self.name))?;
        }
        self.guard.forget_process(self.pid());
        Ok(())
    }

    /// The error for a process that ended unexpectedly: its exit status and the end of its log.
    pub fn ended(&self, status: ExitStatus) -> anyhow::Error {
        let said = self.log_tail();
        anyhow::anyhow!(match (status.code(), status.signal()) {
            (Some(code), _) => words::ended_with(&self.name, code, said),
            (None, signal) => words::ended_by_signal(&self.name, signal.unwrap_or_default(), said),
        })
    }

    /// Its state according to the system, for a message about a process that takes too long.
    pub fn state(&self) -> String {
        let pid = sysinfo::Pid::from_u32(self.pid());
        let Ok(mut system) = System::new() else { return words::state_unknown() };
        let what = ProcessRefreshKind::nothing().with_cpu();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        system.process(pid).map_or_else(words::state_gone, |process| {
            words::state(process.status(), process.accumulated_cpu_time())
        })
    }

    /// The last lines of its log, formatted for the end of a message.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(TAIL)..];
        if last.is_empty() { words::wrote_nothing() } else { words::wrote(last.join("\n  ")) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After an error the guard ends the process.
        let _ = self.kill();
    }
}

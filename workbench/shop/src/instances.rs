//! What can be done to a shop's processes: kill, pause, restart, add, remove.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use terminal::language::seconds;

use crate::start::READY;
use crate::{GRACE, Member, Recipe, Shop, words};

impl Shop {
    /// Kills a process with SIGKILL, as a crash would.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.kill()
    }

    /// Pauses a process with SIGSTOP: it keeps its connections but does not respond.
    pub async fn pause(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.pause().await
    }

    /// Continues a paused process with SIGCONT.
    pub fn resume(&mut self, name: &str) -> Result<()> {
        self.member(name)?.process.signal(Signal::SIGCONT)
    }

    /// The exit status of a process, or `None` while it runs.
    pub fn ended(&mut self, name: &str) -> Result<Option<ExitStatus>> {
        self.member(name)?.process.try_wait()
    }

    /// Waits, for at most `bound`, until a process ends by itself.
    pub async fn wait_ended(&mut self, name: &str, bound: Duration) -> Result<ExitStatus> {
        let ended = self.member(name)?.process.wait(bound).await?;
        ended.with_context(|| words::still_runs(name, seconds(bound)))
    }

    /// Restarts an ended process with its own arguments and at the same port, and waits until it is ready.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        if self.ended(name)?.is_none() {
            bail!(words::runs_already(name));
        }
        let guard = self.guard.clone();
        let member = self.member(name)?;
        member.restart(&guard, &[])?;
        member.ready(READY).await
    }

    /// Restarts a process with extra arguments, such as `--crash-at`, and waits until it is ready. If it is running,
    /// it is stopped first. The next plain restart drops the extra arguments.
    ///
    /// A process that aborts while it starts is not an error, because the arguments may ask for that: see
    /// [`Shop::ended`].
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

    /// Starts one more instance of a process, with the same settings and its own port, and returns its name:
    /// `orders-2` beside `orders`. The gateway learns of it from the registry.
    pub async fn add(&mut self, name: &str) -> Result<String> {
        let recipe = self.recipe(name)?;
        let mut twin = recipe.start(&self.guard, READY).await?;
        twin.ready(READY).await?;
        let name = twin.name().to_owned();
        self.insert(twin);
        Ok(name)
    }

    /// Stops an instance gracefully and removes it from the shop: it deregisters, finishes its work and ends.
    pub async fn remove(&mut self, name: &str) -> Result<()> {
        self.take(name)?.stop(GRACE).await
    }

    /// The recipe for one more instance of the same service, with the first free name.
    pub(crate) fn recipe(&self, name: &str) -> Result<Recipe> {
        let recipe = &self.members[self.index(name)?].recipe;
        let taken = |name: &String| self.index(name).is_ok();
        let instance = (2..).map(|n| recipe.instance(n)).find(|name| !taken(name));
        Ok(recipe.twin(&instance.context("there are more instances than numbers")?))
    }

    /// Adds a process to the shop.
    pub(crate) fn insert(&mut self, member: Member) {
        self.members.insert(self.members.len() - 1, member);
    }

    /// Removes a process from the shop and returns it, to be stopped.
    pub(crate) fn take(&mut self, name: &str) -> Result<Member> {
        let index = self.index(name)?;
        if index == self.members.len() - 1 {
            bail!(words::is_the_door(name, self.driver));
        }
        Ok(self.members.remove(index))
    }

    /// The instances of a service, in the order in which they were started.
    pub fn instances(&self, service: &str) -> Vec<String> {
        let of_it = self.members.iter().filter(|member| member.recipe.service == service);
        of_it.map(|member| member.name().to_owned()).collect()
    }

    /// Restarts an ended process without waiting until it is ready.
    pub(crate) fn respawn(&mut self, name: &str, arguments: &[String]) -> Result<()> {
        let guard = self.guard.clone();
        self.member(name)?.restart(&guard, arguments)
    }
}

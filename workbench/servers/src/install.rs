//! Installing the servers' programs with the system's package manager.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use nix::unistd::Uid;
use tokio::sync::oneshot;

use super::programs::{self, PostgresPrograms, RabbitPrograms};

/// A server whose programs we need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL, with `psql` and `pgbench`.
    PostgreSql,
    /// RabbitMQ, with Erlang.
    RabbitMq,
}

impl Server {
    /// Its name as its makers write it.
    pub fn name(self) -> &'static str {
        match self {
            Server::PostgreSql => "PostgreSQL",
            Server::RabbitMq => "RabbitMQ",
        }
    }

    /// Whether its programs are on this machine.
    pub fn is_here(self) -> bool {
        match self {
            Server::PostgreSql => PostgresPrograms::find().is_some(),
            Server::RabbitMq => RabbitPrograms::find().is_some(),
        }
    }
}

/// A package manager, and what it calls things.
struct Packager {
    program: &'static str,
    arguments: &'static str,
    postgresql: &'static str,
    rabbitmq: &'static str,
    needs_root: bool,
}

const PACKAGERS: &[Packager] = &[
    Packager {
        program: "apt-get",
        arguments: "install -y --no-install-recommends",
        postgresql: "postgresql",
        rabbitmq: "rabbitmq-server",
        needs_root: true,
    },
    Packager {
        program: "dnf",
        arguments: "install -y",
        postgresql: "postgresql-server postgresql-contrib",
        rabbitmq: "rabbitmq-server",
        needs_root: true,
    },
    Packager {
        program: "pacman",
        arguments: "-S --noconfirm",
        postgresql: "postgresql",
        rabbitmq: "rabbitmq",
        needs_root: true,
    },
    Packager {
        program: "brew",
        arguments: "install",
        postgresql: "postgresql@17",
        rabbitmq: "rabbitmq",
        needs_root: false,
    },
];

/// What apt-get is wrapped in; `$@` is the install command.
///
/// Debian starts a server as it installs it; ours are private, and a system-wide one (with its `epmd`) would be
/// left running by us. `policy-rc.d` is Debian's switch for that. One that is there is the owner's decision and
/// stays; ours goes away however the script ends. The lists of packages are only fetched when the install fails
/// without, since on most machines they are there.
const APT: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    trap "exit 130" HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
set -- "$@" -o DPkg::Lock::Timeout=120
"$@" || { apt-get update -o DPkg::Lock::Timeout=120 && "$@"; }
"#;

/// The one command that installs these servers here, as a person would type it, or `None` where we know of no
/// package manager.
pub fn command(servers: &[Server]) -> Option<String> {
    let packager = packager()?;
    let sudo = if packager.needs_root && !Uid::effective().is_root() { "sudo " } else { "" };
    Some(format!("{sudo}{}", packager.line(servers)))
}

/// Installs what is missing of these servers: asks at a terminal, does it when told so by `yes` or `CI=true`, and
/// otherwise fails with the command that does it.
pub async fn install(servers: &[Server], yes: bool) -> Result<()> {
    // While it waits for an answer or for the package manager, Ctrl-C must be heard. So not here; nor on the
    // runtime's threads for blocking work, for whose end it would wait.
    let (done, result) = oneshot::channel();
    let servers = servers.to_vec();
    std::thread::spawn(move || done.send(install_now(&servers, yes)));
    result.await.context("the installation broke off")?
}

fn install_now(servers: &[Server], yes: bool) -> Result<()> {
    // Two that start at once would both ask, and both install. The second finds it done.
    let lock = std::env::temp_dir().join(format!("cleave-install-{}.lock", Uid::effective()));
    let lock =
        File::options().create(true).append(true).open(&lock).with_context(|| lock.display().to_string())?;
    lock.lock().context("cannot lock the installation")?;
    let missing: Vec<Server> = servers.iter().copied().filter(|server| !server.is_here()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|server| server.name()).collect::<Vec<_>>().join(" and ");
    let (Some(packager), Some(command)) = (packager(), command(&missing)) else {
        bail!(
            "{names} not found on this machine, nor a package manager (apt-get, dnf, pacman, brew) to install it \
             with; install it by hand, or name running servers with --database-url and --amqp-url"
        );
    };
    if !consent(&names, &command, yes)? {
        bail!("{names} not found on this machine. Install with: {command} (or run again with --yes)");
    }
    packager.run(&missing, &names, &command)?;
    match missing.iter().find(|server| !server.is_here()) {
        None => Ok(()),
        Some(server) => bail!("{} is still not found after: {command}", server.name()),
    }
}

fn consent(names: &str, command: &str, yes: bool) -> Result<bool> {
    if yes || std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    // Not terminal::note_part!, which a test's harness would keep to itself while we wait for an answer.
    write!(io::stderr(), "{names} not found on this machine. Install with `{command}`? [Y/n] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn packager() -> Option<&'static Packager> {
    PACKAGERS.iter().find(|packager| programs::on_path(packager.program).is_some())
}

impl Packager {
    fn line(&self, servers: &[Server]) -> String {
        let packages = servers.iter().map(|server| match server {
            Server::PostgreSql => self.postgresql,
            Server::RabbitMq => self.rabbitmq,
        });
        format!("{} {} {}", self.program, self.arguments, packages.collect::<Vec<_>>().join(" "))
    }

    fn run(&self, servers: &[Server], names: &str, shown: &str) -> Result<()> {
        let mut command = Command::new("sh");
        if self.needs_root && !Uid::effective().is_root() {
            if programs::on_path("sudo").is_none() {
                bail!(
                    "{names} not found on this machine, and installing it needs root. As root, run: {shown}"
                );
            }
            // Let it ask for the password now, before there is a spinner to write over the question.
            let allowed = Command::new("sudo").arg("--validate").status().context("cannot run sudo")?;
            if !allowed.success() {
                bail!("sudo refused. Install {names} with: {shown}");
            }
            command = Command::new("sudo");
            command.arg("sh");
        }
        let script = if self.program == "apt-get" { APT } else { r#""$@""# };
        command.args(["-c", script, "install"]).args(self.line(servers).split(' '));
        let mut log = tempfile::NamedTempFile::new()?;
        let spinner = spinner(format!("Installing {names}: {shown}"));
        let status = command
            .stdin(Stdio::null())
            .stdout(log.as_file().try_clone()?)
            .stderr(log.as_file().try_clone()?)
            .status()
            .context("cannot run the package manager")?;
        spinner.finish_and_clear();
        if !status.success() {
            let mut text = String::new();
            io::Seek::rewind(&mut log)?;
            io::Read::read_to_string(&mut log, &mut text)?;
            let last: Vec<&str> = text.lines().rev().take(15).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            bail!("{shown} failed ({status}):\n  {}", last.join("\n  "));
        }
        Ok(())
    }
}

/// Shows that something is going on: moving at a terminal, one plain line elsewhere.
pub(super) fn spinner(message: String) -> ProgressBar {
    if !io::stderr().is_terminal() {
        terminal::note!("{message}");
    }
    let spinner = ProgressBar::new_spinner().with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_all_that_is_missing() {
        let line = PACKAGERS[0].line(&[Server::PostgreSql, Server::RabbitMq]);
        assert_eq!(line, "apt-get install -y --no-install-recommends postgresql rabbitmq-server");
    }
}

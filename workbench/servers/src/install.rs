//! Installs the servers' programs with the system's package manager.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use nix::unistd::Uid;
use tokio::sync::oneshot;

use super::packages::{self, Package};
use super::programs::{self, PostgresPrograms, RabbitPrograms};
use super::words;

/// A server whose programs are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL, with `psql` and `pgbench`.
    PostgreSql,
    /// RabbitMQ, with Erlang.
    RabbitMq,
}

impl Server {
    /// Its name, as its makers write it.
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

/// A package manager, with its commands and package names.
struct Packager {
    program: &'static str,
    arguments: &'static str,
    postgresql: &'static str,
    rabbitmq: &'static str,
    /// Command that succeeds if the package named after it is installed.
    query: &'static str,
    /// Command that removes the packages named after it.
    removal: &'static str,
    needs_root: bool,
}

const PACKAGERS: &[Packager] = &[
    Packager {
        program: "apt-get",
        arguments: "install -y --no-install-recommends",
        postgresql: "postgresql",
        rabbitmq: "rabbitmq-server",
        query: "dpkg-query -W",
        removal: "apt-get remove -y",
        needs_root: true,
    },
    Packager {
        program: "dnf",
        arguments: "install -y",
        postgresql: "postgresql-server postgresql-contrib",
        rabbitmq: "rabbitmq-server",
        query: "rpm -q",
        removal: "dnf remove -y",
        needs_root: true,
    },
    Packager {
        program: "pacman",
        arguments: "-S --noconfirm",
        postgresql: "postgresql",
        rabbitmq: "rabbitmq",
        query: "pacman -Q",
        removal: "pacman -R --noconfirm",
        needs_root: true,
    },
    Packager {
        program: "brew",
        arguments: "install",
        postgresql: "postgresql@17",
        rabbitmq: "rabbitmq",
        query: "brew list",
        removal: "brew uninstall",
        needs_root: false,
    },
];

/// The script around apt-get; `$@` is the install command.
///
/// Debian starts a server when it is installed. Cleave starts private ones, and must not leave a system-wide one
/// (with its `epmd`) running. `policy-rc.d` is Debian's switch for that. An existing one belongs to the user and
/// stays. Cleave's own is removed however the script ends. The package lists are fetched only if the install fails
/// without that, because most machines have them.
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

/// The single command that installs these servers here, as a person would type it; `None` if no package manager is
/// known.
pub fn command(servers: &[Server]) -> Option<String> {
    let packager = packager()?;
    let sudo = if packager.needs_root && !Uid::effective().is_root() { "sudo " } else { "" };
    Some(format!("{sudo}{}", packager.line(servers)))
}

/// Installs the missing servers. Asks at a terminal, needs no confirmation with `yes` or `CI=true`, and otherwise
/// fails with the install command in the error.
pub async fn install(servers: &[Server], yes: bool) -> Result<()> {
    // Ctrl-C must work while this waits for an answer or for the package manager. So it runs neither here nor on the
    // runtime's blocking threads, because the runtime would wait for those.
    let (done, result) = oneshot::channel();
    let servers = servers.to_vec();
    std::thread::spawn(move || done.send(install_now(&servers, yes)));
    result.await.with_context(words::installation_broke_off)?
}

fn install_now(servers: &[Server], yes: bool) -> Result<()> {
    // If two processes start at once, the second waits and finds the servers installed.
    let lock = std::env::temp_dir().join(format!("cleave-install-{}.lock", Uid::effective()));
    let lock =
        File::options().create(true).append(true).open(&lock).with_context(|| lock.display().to_string())?;
    lock.lock().with_context(words::cannot_lock_installation)?;
    let missing: Vec<Server> = servers.iter().copied().filter(|server| !server.is_here()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = match missing.as_slice() {
        [one, other] => words::and(one.name(), other.name()),
        several => several.iter().map(|server| server.name()).collect(),
    };
    let (Some(packager), Some(command)) = (packager(), command(&missing)) else {
        bail!(words::no_package_manager(names));
    };
    if !consent(&names, &command, yes)? {
        bail!(words::not_found(names, command));
    }
    let new = packager.packages(&missing).filter(|name| !packages::is_installed(packager.query, name));
    let new =
        new.map(|name| Package { manager: packager.program.to_owned(), name: name.to_owned() }).collect();
    packager.run(&packager.line(&missing), &names, &command, &words::installing(&names, &command))?;
    packages::record(new)?;
    match missing.iter().find(|server| !server.is_here()) {
        None => Ok(()),
        Some(server) => bail!(words::still_not_found(server.name(), command)),
    }
}

/// Removes packages that Cleave installed, and their record.
pub fn uninstall(gone: &[Package]) -> Result<()> {
    for packager in PACKAGERS {
        let own = gone.iter().filter(|package| package.manager == packager.program);
        let own: Vec<Package> = own.cloned().collect();
        if own.is_empty() {
            continue;
        }
        ensure!(programs::on_path(packager.program).is_some(), words::another_manager(packager.program));
        let names = own.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(" ");
        let line = format!("{} {names}", packager.removal);
        let sudo = if packager.needs_root && !Uid::effective().is_root() { "sudo " } else { "" };
        let shown = format!("{sudo}{line}");
        packager.run(&line, &names, &shown, &words::removing(&shown))?;
        packages::forget(&own)?;
    }
    Ok(())
}

fn consent(names: &str, command: &str, yes: bool) -> Result<bool> {
    if yes || std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    // Not terminal::note_part!, because a test harness would capture it while this waits for an answer.
    write!(io::stderr(), "{}", words::ask_to_install(names, command))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn packager() -> Option<&'static Packager> {
    PACKAGERS.iter().find(|packager| programs::on_path(packager.program).is_some())
}

impl Packager {
    fn packages(&self, servers: &[Server]) -> impl Iterator<Item = &'static str> {
        let packages = servers.iter().map(move |server| match server {
            Server::PostgreSql => self.postgresql,
            Server::RabbitMq => self.rabbitmq,
        });
        packages.flat_map(|names| names.split(' '))
    }

    fn line(&self, servers: &[Server]) -> String {
        let packages: Vec<&str> = self.packages(servers).collect();
        format!("{} {} {}", self.program, self.arguments, packages.join(" "))
    }

    /// Runs a command line of the package manager, as root if necessary. `shown` is the line as a person would type
    /// it.
    fn run(&self, line: &str, names: &str, shown: &str, what: &str) -> Result<()> {
        let mut command = Command::new("sh");
        if self.needs_root && !Uid::effective().is_root() {
            if programs::on_path("sudo").is_none() {
                bail!(words::needs_root(names, shown));
            }
            // sudo asks for the password now, before a spinner could overwrite its prompt.
            let allowed =
                Command::new("sudo").arg("--validate").status().with_context(|| words::cannot_run("sudo"))?;
            if !allowed.success() {
                bail!(words::sudo_refused(names, shown));
            }
            command = Command::new("sudo");
            command.arg("sh");
        }
        let script = if self.program == "apt-get" { APT } else { r#""$@""# };
        command.args(["-c", script, "install"]).args(line.split(' '));
        let mut log = tempfile::NamedTempFile::new()?;
        let spinner = spinner(what.to_owned());
        let status = command
            .stdin(Stdio::null())
            .stdout(log.as_file().try_clone()?)
            .stderr(log.as_file().try_clone()?)
            .status()
            .with_context(words::cannot_run_package_manager)?;
        spinner.finish_and_clear();
        if !status.success() {
            let mut text = String::new();
            io::Seek::rewind(&mut log)?;
            io::Read::read_to_string(&mut log, &mut text)?;
            let last: Vec<&str> = text.lines().rev().take(15).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            bail!(words::command_failed(shown, status, last.join("\n  ")));
        }
        Ok(())
    }
}

/// Shows activity: a spinner at a terminal, one plain line elsewhere.
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

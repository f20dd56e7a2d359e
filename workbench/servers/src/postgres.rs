//! A private PostgreSQL with its own data folder, port and password, and with full durability.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use super::disk::Ballast;
use super::folder::{self, Account};
use super::programs::PostgresPrograms;
use super::{database, ports, words};
use crate::guard::Guard;
use crate::process::{self, Process};
use terminal::language::seconds;

/// How long `initdb` may take, on a slow disk.
const INITDB: Duration = Duration::from_secs(180);
/// How long it may take to respond. This includes recovery after a crash, which reads every page written since the
/// last checkpoint. On a busy disk this has taken more than 20 s.
const READY: Duration = Duration::from_secs(180);
/// How long its last checkpoint may take.
const GRACE: Duration = Duration::from_secs(20);
/// How many ports are tried. Another program may take a port between the check and the server's bind.
const ATTEMPTS: usize = 5;

/// Settings that differ from PostgreSQL's defaults. Durability does not: fsync, full_page_writes and
/// synchronous_commit stay on.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    // No Unix socket: its path would have to fit into 107 characters, and it is not needed.
    ("unix_socket_directories", ""),
    ("max_connections", "400"),
    // For two-phase commit: rule 33 (prepared limit).
    ("max_prepared_transactions", "128"),
    // For modules that move to another database: logical replication.
    ("wal_level", "logical"),
    ("max_replication_slots", "32"),
    ("max_wal_senders", "32"),
    ("max_worker_processes", "24"),
    ("max_logical_replication_workers", "16"),
    // Shows the real order of commits.
    ("track_commit_timestamp", "on"),
    ("shared_buffers", "64MB"),
    // With the default of 1 GB, checkpoints would fall into the measured time.
    ("max_wal_size", "2GB"),
    ("log_line_prefix", "%m [%p] %d "),
];

/// A running private PostgreSQL. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    port: u16,
    // Declared before `folder`: fields are dropped in this order, and the server must end before its data is removed.
    server: Process,
    ballast: Option<Ballast>,
    folder: TempDir,
    guard: Guard,
}

/// A database cluster: the part that stays the same when the server restarts.
#[derive(Debug)]
struct Cluster {
    programs: PostgresPrograms,
    account: Option<Account>,
    folder: PathBuf,
    on_small_disk: bool,
    password: String,
}

impl Postgres {
    /// Creates a database cluster and starts a server on it. `logs` is the folder for the server's log; with `None`
    /// it is the server's own folder. The data goes into its own folder in `disk`, or with `None` in the common
    /// parent of all servers.
    pub async fn start(
        guard: &Guard,
        programs: &PostgresPrograms,
        logs: Option<&Path>,
        disk: Option<&Path>,
    ) -> Result<Postgres> {
        let folder = folder::create(guard, disk.unwrap_or(&folder::base()))?;
        let cluster = Cluster {
            programs: programs.clone(),
            account: Account::for_postgres()?,
            folder: folder.path().to_owned(),
            on_small_disk: disk.is_some(),
            password: Uuid::new_v4().simple().to_string(),
        };
        cluster.initdb(guard).await?;
        let log = logs.unwrap_or(folder.path()).join("postgres.log");
        for _ in 0..ATTEMPTS {
            let port = ports::free()?;
            match cluster.serve(guard, port, &log).await {
                Ok(server) => {
                    return Ok(Postgres {
                        cluster,
                        port,
                        server,
                        ballast: None,
                        folder,
                        guard: guard.clone(),
                    });
                }
                Err(error) if error.to_string().contains("Address already in use") => continue,
                Err(error) => return Err(error),
            }
        }
        bail!(words::ports_taken(ATTEMPTS))
    }

    /// The URL of one of its databases. `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(self.port, database)
    }

    /// The server's version, such as `15.14`.
    pub fn version(&self) -> &str {
        &self.cluster.programs.version
    }

    /// The root process of the server.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The port of 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it gracefully, even if clients are connected, and removes its data.
    pub async fn stop(self) -> Result<()> {
        self.server.stop_with(Signal::SIGINT, GRACE).await
    }

    /// Kills all its processes at once, as in a power cut. Its data stays, for [`Postgres::restart`].
    pub fn kill_hard(&mut self) -> Result<()> {
        self.server.kill()
    }

    /// Fills the rest of its disk, until [`Postgres::free_disk`].
    pub async fn fill_disk(&mut self) -> Result<()> {
        let folder = self.folder.path().to_owned();
        let log = self.server.log().to_owned();
        self.ballast = Some(tokio::task::spawn_blocking(move || Ballast::load(&folder, &log)).await??);
        Ok(())
    }

    /// Frees its disk, and restarts it if it has ended. Returns how often it found the disk full.
    pub async fn free_disk(&mut self) -> Result<u64> {
        let refused = self.ballast.take().map_or(0, |ballast| ballast.refused());
        if self.server.try_wait()?.is_some() {
            self.restart().await?;
        }
        Ok(refused)
    }

    /// Starts it on the same data and port, and waits until it has recovered and responds.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill()?;
        let log = self.server.log().to_owned();
        self.server = self.cluster.serve(&self.guard, self.port, &log).await?;
        Ok(())
    }
}

impl Cluster {
    fn url(&self, port: u16, database: &str) -> String {
        format!("postgres://cleave:{}@127.0.0.1:{port}/{database}", self.password)
    }

    async fn initdb(&self, guard: &Guard) -> Result<()> {
        // In a file, because other users can read the arguments of a process.
        let mut password = tempfile::NamedTempFile::new_in(&self.folder)?;
        writeln!(password, "{}", self.password)?;
        if let Some(account) = self.account {
            account.own(&self.folder)?;
            account.own(password.path())?;
        }
        let mut command = self.command("initdb");
        command
            .args(["--username=cleave", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            // Nothing is lost if this fails. The server itself does sync.
            .arg("--no-sync")
            .arg(format!("--pwfile={}", password.path().display()))
            .arg(self.folder.join("data"));
        let log = self.folder.join("initdb.log");
        Process::start(guard, "initdb", command, &log)?.finish(INITDB).await
    }

    /// Starts the server and waits until it responds.
    async fn serve(&self, guard: &Guard, port: u16, log: &Path) -> Result<Process> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-p").arg(port.to_string());
        let small = [("max_wal_size", "96MB"), ("min_wal_size", "32MB")];
        let small: &[_] = if self.on_small_disk { &small } else { &[] };
        for (name, value) in SETTINGS.iter().chain(small) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut server = Process::start(guard, "PostgreSQL", command, log)?;
        let deadline = Instant::now() + READY;
        loop {
            if let Some(status) = server.try_wait()? {
                return Err(server.ended(status));
            }
            match database::connect(&self.url(port, "postgres")).await {
                Ok(_) => return Ok(server),
                Err(error) if Instant::now() > deadline => {
                    let said = server.log_tail();
                    return Err(error).with_context(|| words::postgres_not_ready(seconds(READY), said));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = process::command(&self.programs.program(program));
        // The other user may not have access to the current folder.
        command.current_dir(&self.folder);
        // Environment variables for libpq, meant for another server, would affect this one.
        for (variable, _) in
            std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG"))
        {
            command.env_remove(variable);
        }
        if let Some(Account { uid, gid }) = self.account {
            // This also drops root's supplementary groups.
            command.uid(uid).gid(gid);
        }
        command
    }
}

//! What is on this machine, what is missing, and the one command that brings it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use serde::Serialize;
use sysinfo::{MemoryRefreshKind, System};

use servers::{PostgresPrograms, RabbitPrograms, Server};

/// Memory, in bytes, below which a comparison of both modes gets tight.
const MEMORY: u64 = 2 << 30;
/// Free disk, in bytes, below which a build and a run may not fit.
const DISK: u64 = 4 << 30;
/// Free memory of the kind that processes share, in bytes, below which PostgreSQL may not start.
const SHARED: u64 = 64 << 20;
/// How long the clocks are looked at, and how far they may move apart in that time.
const LOOK: Duration = Duration::from_millis(200);
const STRAY: Duration = Duration::from_millis(10);

/// The doctor's findings.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The version of this document's form: `cleave.doctor/1`.
    pub schema: &'static str,
    /// Whether nothing that is needed is missing.
    pub ready: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// The one command that installs what is missing, if something is.
    pub fix: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was found, for people.
    pub found: String,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is there.
    Ok,
    /// It is not as it should be, but things work without.
    Note,
    /// It is needed and not there.
    Missing,
}

/// Looks at this machine.
pub async fn examine() -> Findings {
    let postgres = PostgresPrograms::find();
    let rabbitmq = RabbitPrograms::find();
    let docker = servers::containers::engine().await;
    let mut checks =
        vec![program("Rust", "cargo", State::Missing), program("C linker", "cc", State::Missing)];
    checks.push(match &postgres {
        Some(found) => Check::ok("PostgreSQL", format!("{} in {}", found.version, found.folder.display())),
        None => Check { name: "PostgreSQL", state: State::Missing, found: "not found".into() },
    });
    checks.push(match &rabbitmq {
        Some(found) => Check::ok("RabbitMQ", format!("{} in {}", found.version, found.folder.display())),
        None => Check { name: "RabbitMQ", state: State::Missing, found: "not found".into() },
    });
    checks.push(match postgres.as_ref().and_then(PostgresPrograms::pgbench) {
        Some(path) => Check::ok("pgbench", path.display().to_string()),
        None => Check::note("pgbench", "not found; `cleave bench limit` needs it"),
    });
    checks.push(match &docker {
        Ok(()) => Check::ok("Docker engine", "answers".into()),
        Err(reason) => Check::note("Docker engine", &format!("{reason:#}; not needed")),
    });
    checks.extend(machine());
    let missing: Vec<Server> =
        [(Server::PostgreSql, postgres.is_none()), (Server::RabbitMq, rabbitmq.is_none())]
            .into_iter()
            .filter_map(|(server, missing)| missing.then_some(server))
            .collect();
    let fix = if missing.is_empty() { None } else { servers::install_command(&missing) };
    let ready = checks.iter().all(|check| check.state != State::Missing);
    Findings { schema: "cleave.doctor/1", ready, checks, fix }
}

/// Examines, mends with `fix`, prints a table to standard output, or JSON to `json` (`-` is standard output).
/// Answers the exit status: 0 all is there, 2 something is missing.
pub async fn run(fix: bool, yes: bool, json: Option<&str>) -> Result<u8> {
    let mut findings = examine().await;
    if fix && findings.fix.is_some() {
        servers::install(&[Server::PostgreSql, Server::RabbitMq], yes).await?;
        findings = examine().await;
    }
    match json {
        Some("-") => terminal::say!("{}", serde_json::to_string_pretty(&findings)?),
        Some(path) => std::fs::write(path, serde_json::to_string_pretty(&findings)?)
            .with_context(|| format!("cannot write {path}"))?,
        None => terminal::say!("{}", findings.table()),
    }
    if let Some(command) = &findings.fix {
        terminal::note!("To install what is missing: {command}   (or: cleave doctor --fix)");
    }
    Ok(if findings.ready { 0 } else { 2 })
}

impl Findings {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for check in &self.checks {
            let mark = match check.state {
                State::Ok => "ok",
                State::Note => "note",
                State::Missing => "MISSING",
            };
            table.add_row([check.name, mark, &check.found]);
        }
        table
    }
}

impl Check {
    fn ok(name: &'static str, found: String) -> Check {
        Check { name, state: State::Ok, found }
    }

    fn note(name: &'static str, found: &str) -> Check {
        Check { name, state: State::Note, found: found.to_owned() }
    }

    /// Enough of something, or a note on what there is.
    fn at_least(name: &'static str, enough: bool, found: String) -> Check {
        Check { name, state: if enough { State::Ok } else { State::Note }, found }
    }
}

fn program(name: &'static str, program: &str, otherwise: State) -> Check {
    match servers::on_path(program) {
        Some(path) => {
            let version = servers::program_version(&path).unwrap_or_default();
            Check::ok(name, format!("{program} {version} in {}", path.display()))
        }
        None => Check { name, state: otherwise, found: format!("{program} is not on PATH") },
    }
}

fn machine() -> Vec<Check> {
    let memory = System::new().map_or(0, |mut system| {
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        system.available_memory()
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = servers::data_folder();
    let free = free_disk(&folder);
    let place = folder.display();
    let durable = !servers::in_memory(&folder);
    let mut checks = limits();
    checks.extend([
        enough(
            "processor cores",
            cores >= 2,
            cores.to_string(),
            "both shops and the servers share it: expect slow ones",
        ),
        enough(
            "memory available",
            memory >= MEMORY,
            gigabytes(memory),
            "close what you do not need, or run one mode",
        ),
        enough("disk free", free >= DISK, format!("{} in {place}", gigabytes(free)), "make room there"),
    ]);
    checks.extend([Check::at_least(
        "data folder",
        durable,
        if durable {
            format!("{place}, on a disk")
        } else {
            format!(
                "{place} is memory, where an fsync costs nothing: figures will be too good; \
                     make /var/tmp a folder on a disk"
            )
        },
    )]);
    checks
}

/// What this process and the machine are allowed, and whether the machine has time for us.
fn limits() -> Vec<Check> {
    let mut checks = Vec::new();
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let found =
            if hard > i32::MAX as u64 { "unlimited".to_owned() } else { format!("{hard} for each process") };
        let advice = "raise it (ulimit -Hn, limits.conf), or a load generator runs out of connections";
        checks.push(enough("open files", hard >= load::OPEN_FILES, found, advice));
    }
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        let free = free_disk(shared);
        let advice = "PostgreSQL needs some: give a container more (docker run --shm-size=256m)";
        checks.push(enough(
            "shared memory",
            free >= SHARED,
            format!("{} free in /dev/shm", gigabytes(free)),
            advice,
        ));
    }
    let step = clock_step();
    let found =
        format!("strayed by {} ms against the steady clock in {} ms", step.as_millis(), LOOK.as_millis());
    checks.push(enough(
        "clock",
        step < STRAY,
        found,
        "let it settle (after sleep, or under WSL: wsl --shutdown)",
    ));
    match servers::busy::now() {
        Some(busy) => {
            checks.push(Check::note("busy", &format!("{busy}; figures will be those of the crowd")))
        }
        None => checks.push(Check::ok("busy", "the machine has time".into())),
    }
    checks
}

/// Enough of something, or what there is and what to do about it.
fn enough(name: &'static str, enough: bool, found: String, advice: &str) -> Check {
    let found = if enough { found } else { format!("{found}: {advice}") };
    Check::at_least(name, enough, found)
}

/// How far the wall clock moves apart from the steady one: decisions are dated by the first, latencies by the second.
fn clock_step() -> Duration {
    let (wall, steady) = (SystemTime::now(), Instant::now());
    std::thread::sleep(LOOK);
    let steady = steady.elapsed();
    wall.elapsed().map_or(steady, |wall| wall.abs_diff(steady))
}

// The types of these fields differ between systems.
#[allow(clippy::unnecessary_cast)]
fn free_disk(folder: &Path) -> u64 {
    statvfs(folder).map_or(0, |found| found.blocks_available() as u64 * found.fragment_size() as u64)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

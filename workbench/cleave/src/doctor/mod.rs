//! `cleave doctor`: checks this machine, and shows the command that installs what is missing. Its JSON is English.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use serde::Serialize;
use sysinfo::{MemoryRefreshKind, System};

use servers::{PostgresPrograms, RabbitPrograms, Server};
use terminal::language::{self, Language};

mod words;

/// Below this much memory, in bytes, a comparison of both modes may run out of it.
const MEMORY: u64 = 2 << 30;
/// Below this much free disk, in bytes, a build and a run may not fit.
const DISK: u64 = 4 << 30;
/// Below this much free shared memory, in bytes, PostgreSQL may not start.
const SHARED: u64 = 64 << 20;
/// The duration of the clock comparison; below it is the largest accepted drift.
const LOOK: Duration = Duration::from_millis(200);
const STRAY: Duration = Duration::from_millis(10);

/// What `cleave doctor` found: `docs/doctor.schema.json`.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The format: `cleave.doctor/1`.
    pub schema: &'static str,
    /// Whether everything that is needed is there.
    pub ready: bool,
    /// In the order in which they are printed.
    pub checks: Vec<Check>,
    /// The command that installs what is missing, if anything is.
    pub fix: Option<String>,
}

/// One thing that Cleave needs or prefers.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was looked for, such as `PostgreSQL`, in the language of the user.
    pub name: String,
    /// The result.
    pub state: CheckState,
    /// A version and path, or what is missing and why it matters.
    pub found: String,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Not as it should be, but Cleave works without it.
    Note,
    /// Needed and missing.
    Missing,
}

/// Checks this machine. It changes nothing, and a check that fails is a finding, not an error.
pub async fn examine() -> Findings {
    let postgres = PostgresPrograms::find();
    let rabbitmq = RabbitPrograms::find();
    let docker = servers::containers::engine().await;
    let mut checks = Vec::new();
    if !servers::binaries::are_installed() {
        checks.push(program("Rust".into(), "cargo", CheckState::Missing));
        checks.push(program(words::linker(), "cc", CheckState::Missing));
    }
    checks.push(server(
        Server::PostgreSql,
        postgres.as_ref().map(|found| (found.version.as_str(), found.folder.as_path())),
    ));
    checks.push(server(
        Server::RabbitMq,
        rabbitmq.as_ref().map(|found| (found.version.as_str(), found.folder.as_path())),
    ));
    checks.push(match postgres.as_ref().and_then(PostgresPrograms::pgbench) {
        Some(path) => Check::ok("pgbench".into(), path.display().to_string()),
        None => Check::note("pgbench".into(), words::no_pgbench()),
    });
    checks.push(match &docker {
        Ok(engine) => Check::ok(words::docker(), words::docker_responds(&engine.host, &engine.found_by)),
        Err(reason) => Check::note(words::docker(), words::not_needed(format!("{reason:#}"))),
    });
    checks.extend(machine());
    let missing: Vec<Server> =
        [(Server::PostgreSql, postgres.is_none()), (Server::RabbitMq, rabbitmq.is_none())]
            .into_iter()
            .filter_map(|(server, missing)| missing.then_some(server))
            .collect();
    let fix = if missing.is_empty() { None } else { servers::install_command(&missing) };
    let ready = checks.iter().all(|check| check.state != CheckState::Missing);
    Findings { schema: "cleave.doctor/1", ready, checks, fix }
}

/// Examines, installs what is missing with `fix`, and prints a table, or JSON to `json` (`-` is standard output).
/// Returns the exit status: 0 if nothing is missing, 2 otherwise.
pub async fn run(fix: bool, yes: bool, json: Option<&str>) -> Result<u8> {
    if json.is_some() {
        language::set(Language::English);
    }
    let mut findings = examine().await;
    if fix && findings.fix.is_some() {
        servers::install(&[Server::PostgreSql, Server::RabbitMq], yes).await?;
        findings = examine().await;
    }
    match json {
        Some("-") => terminal::say!("{}", serde_json::to_string_pretty(&findings)?),
        Some(path) => std::fs::write(path, serde_json::to_string_pretty(&findings)?)
            .with_context(|| crate::words::cannot_write(path))?,
        None => terminal::say!("{}", findings.table()),
    }
    if let Some(command) = &findings.fix {
        terminal::note!("{}", words::install_missing(command));
    }
    Ok(if findings.ready { 0 } else { 2 })
}

impl Findings {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for check in &self.checks {
            let mark = match check.state {
                CheckState::Ok => words::ok(),
                CheckState::Note => words::note(),
                CheckState::Missing => words::missing(),
            };
            table.add_row([&check.name, &mark, &check.found]);
        }
        table
    }
}

impl Check {
    fn ok(name: String, found: String) -> Check {
        Check { name, state: CheckState::Ok, found }
    }

    fn note(name: String, found: String) -> Check {
        Check { name, state: CheckState::Note, found }
    }

    /// OK if there is enough, otherwise a note.
    fn at_least(name: String, enough: bool, found: String) -> Check {
        Check { name, state: if enough { CheckState::Ok } else { CheckState::Note }, found }
    }
}

fn program(name: String, program: &str, otherwise: CheckState) -> Check {
    match servers::on_path(program) {
        Some(path) => {
            let version = servers::program_version(&path).unwrap_or_default();
            Check::ok(name, words::found_in(format!("{program} {version}"), path.display()))
        }
        None => Check { name, state: otherwise, found: words::not_on_path(program) },
    }
}

/// A server's programs, with version and folder.
fn server(server: Server, found: Option<(&str, &Path)>) -> Check {
    let name = server.name().to_owned();
    match found {
        Some((version, folder)) => Check::ok(name, words::found_in(version, folder.display())),
        None => Check { name, state: CheckState::Missing, found: words::not_found() },
    }
}

fn machine() -> Vec<Check> {
    let memory = System::new().map_or(0, |mut system| {
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        // In a container, the memory that its limit still allows.
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
        system.available_memory().min(limit)
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = servers::data_folder();
    let free = free_disk(&folder);
    let place = folder.display();
    let durable = !servers::in_memory(&folder);
    let mut checks = limits();
    checks.extend([
        enough(words::cores(), cores >= 2, cores.to_string(), words::share_cores()),
        enough(words::memory(), memory >= MEMORY, gigabytes(memory), words::close_programs()),
        enough(words::disk(), free >= DISK, words::in_place(gigabytes(free), &place), words::make_room()),
    ]);
    checks.extend([Check::at_least(
        words::data_folder(),
        durable,
        if durable { words::on_a_disk(&place) } else { words::in_memory(&place) },
    )]);
    checks
}

/// The limits of this process and the machine, and whether the machine is busy.
fn limits() -> Vec<Check> {
    let mut checks = Vec::new();
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let found = if hard > i32::MAX as u64 { words::unlimited() } else { words::per_process(hard) };
        checks.push(enough(words::open_files(), hard >= load::OPEN_FILES, found, words::raise_limit()));
    }
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        let free = free_disk(shared);
        checks.push(enough(
            words::shared_memory(),
            free >= SHARED,
            words::free_in_shm(gigabytes(free)),
            words::shm_size(),
        ));
    }
    let step = clock_step();
    let found = words::clock_moved(step.as_millis(), LOOK.as_millis());
    checks.push(enough(words::clock(), step < STRAY, found, words::let_it_settle()));
    match servers::busy::now() {
        Some(busy) => {
            checks.push(Check::note(words::busy(), words::busy_figures(busy)));
        }
        None => checks.push(Check::ok(words::busy(), words::not_busy())),
    }
    checks
}

/// OK if there is enough, otherwise a note with advice.
fn enough(name: String, enough: bool, found: String, advice: String) -> Check {
    let found = if enough { found } else { format!("{found}: {advice}") };
    Check::at_least(name, enough, found)
}

/// How far the wall clock drifts from the monotonic clock. Decisions are dated by the first, latencies by the second.
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

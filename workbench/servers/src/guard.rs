//! The guard: a small process that outlives its parent and ends what the parent has started.
//!
//! Destructors run after success, failure, Ctrl-C and a panic, but not after `kill -9`. The guard does not depend on
//! them. It is this same program, run as `cleave guard`, and reads its standard input. That pipe stays open while the
//! parent is alive. When the parent ends, for any reason, the kernel closes the pipe. The guard then cleans up
//! everything that was registered and not removed again.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::{self, BufRead, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::unistd::Pid;

use crate::process_tree::{kill_tree, nix_pid, start_time};
use crate::words;

/// The hidden subcommand that runs this program as a guard.
pub const COMMAND: &str = "guard";

/// How long processes that are left may take to end by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// The parent's end of the pipe. Cheap to clone. The guard acts when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // `None` only while it is being dropped: closing the pipe makes the guard act.
    pipe: Mutex<Option<PipeWriter>>,
    guard: Mutex<Child>,
}

impl Guard {
    /// Starts a guard for this process.
    pub fn start() -> Result<Guard> {
        let program = executable()?;
        let (input, pipe) = io::pipe()?;
        let guard = Command::new(&program)
            .arg(COMMAND)
            // A Ctrl-C at the terminal only reaches the foreground process group.
            .process_group(0)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| words::cannot_start(format!("{} {COMMAND}", program.display())))?;
        Ok(Guard(Arc::new(Inner { pipe: Mutex::new(Some(pipe)), guard: Mutex::new(guard) })))
    }

    /// Registers a process: the guard will end it, its group and its descendants, unless it is removed from the list
    /// first.
    pub fn watch_process(&self, pid: u32) -> Result<()> {
        self.tell(&format!("process {pid}"))
    }

    /// Removes a process from the list after it was waited for, because its id may be reused.
    pub fn forget_process(&self, pid: u32) {
        self.forget(&format!("process {pid}"));
    }

    /// Registers a folder, to be removed by the guard.
    pub fn watch_folder(&self, path: &Path) -> Result<()> {
        self.tell(&format!("folder {}", path.display()))
    }

    /// Registers a database, to be dropped by the guard. `admin` is the URL of another one on the same server.
    pub fn watch_database(&self, admin: &str, name: &str) -> Result<()> {
        self.tell(&format!("database {name} {admin}"))
    }

    /// Removes a database from the list after it was dropped.
    pub fn forget_database(&self, admin: &str, name: &str) {
        self.forget(&format!("database {name} {admin}"));
    }

    /// Registers the containers of this owner, to be removed by the guard: those that run, and one that is just being
    /// created.
    pub fn watch_containers(&self, owner: &str) -> Result<()> {
        self.tell(&format!("containers {owner}"))
    }

    fn forget(&self, line: &str) {
        // Not an error: a guard that has ended has no list.
        let _ = self.tell(&format!("forget {line}"));
    }

    fn tell(&self, line: &str) -> Result<()> {
        let mut pipe = self.0.pipe.lock();
        let pipe = pipe.as_mut().context("the guard is told before it is dropped")?;
        pipe.write_all(format!("{line}\n").as_bytes()).with_context(words::guard_gone)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Close the pipe, then wait for the guard, so that everything is cleaned up when the program has ended.
        self.pipe.lock().take();
        let _ = self.guard.lock().wait();
    }
}

/// The path of the `cleave` program: this one, or the one beside it (a test's executable is in `deps`).
pub fn executable() -> Result<PathBuf> {
    let here = std::env::current_exe().with_context(words::no_own_path)?;
    if here.file_stem().is_some_and(|name| name == "cleave") {
        return Ok(here);
    }
    let folder = here.parent().context("a program stands in a folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let program = folder.join("cleave");
    if !program.is_file() {
        bail!(words::program_missing(program.display()));
    }
    Ok(program)
}

/// Something that the guard has to clean up.
#[derive(Debug)]
pub enum Watched {
    /// A process. Its id and start time together identify it uniquely.
    Process {
        /// Its id.
        pid: u32,
        /// Seconds since 1970; `None` if it had already ended.
        started: Option<u64>,
    },
    /// A folder with its contents.
    Folder(PathBuf),
    /// A database.
    Database {
        /// Its name.
        name: String,
        /// The URL of another database on the same server.
        admin: String,
    },
    /// All containers with this owner.
    Containers(String),
}

impl Watched {
    fn parse(line: &str) -> Option<Watched> {
        let (what, value) = line.split_once(' ')?;
        match what {
            "process" => {
                let pid = value.parse().ok()?;
                Some(Watched::Process { pid, started: start_time(pid) })
            }
            "folder" => Some(Watched::Folder(value.into())),
            "database" => {
                let (name, admin) = value.split_once(' ')?;
                Some(Watched::Database { name: name.into(), admin: admin.into() })
            }
            "containers" => Some(Watched::Containers(value.into())),
            _ => None,
        }
    }
}

/// Runs the guard. It reads until its parent has ended, then ends the processes and removes the folders. It calls
/// `put_away` for databases and containers.
pub fn run(put_away: impl AsyncFn(&Watched) -> Result<()>) -> Result<()> {
    // Signals from a closing terminal or a supervisor must not end the guard before it has cleaned up.
    SigSet::all().thread_block().with_context(words::cannot_block_signals)?;
    let mut watched = HashMap::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(forgotten) = line.strip_prefix("forget ") {
            watched.remove(forgotten);
        } else if let Some(new) = Watched::parse(&line) {
            watched.insert(line, new);
        }
    }
    let watched: Vec<Watched> = watched.into_values().collect();
    // Processes first, because they use the folders and databases.
    end_processes(&watched);
    remove_the_rest(&watched, put_away)
}

fn end_processes(watched: &[Watched]) {
    let ours = watched.iter().filter_map(|watched| match watched {
        // A process with this id but another start time is an unrelated one. If there is none, the id still
        // identifies the group of the ended process, as long as the group has members.
        Watched::Process { pid, started } => {
            start_time(*pid).is_none_or(|now| Some(now) == *started).then_some(*pid)
        }
        _ => None,
    });
    let ours: Vec<u32> = ours.collect();
    for pid in &ours {
        let _ = killpg(nix_pid(*pid), Signal::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    while ours.iter().any(|pid| group_lives(*pid)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    for pid in ours.iter().filter(|pid| group_lives(**pid)) {
        kill_tree(*pid);
    }
}

fn remove_the_rest(watched: &[Watched], put_away: impl AsyncFn(&Watched) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for watched in watched {
        // There is nowhere left to report an error. Continue with the rest.
        let _ = match watched {
            Watched::Process { .. } => Ok(()),
            Watched::Folder(path) => std::fs::remove_dir_all(path).map_err(Into::into),
            Watched::Database { .. } | Watched::Containers(_) => runtime.block_on(put_away(watched)),
        };
    }
    Ok(())
}

fn group_lives(pid: u32) -> bool {
    kill(Pid::from_raw(-pid.cast_signed()), None).is_ok()
}

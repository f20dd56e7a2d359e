//! The net under everything: a small process that outlives its parent and ends what the parent has started.
//!
//! Destructors run after success, failure, Ctrl-C and a panic, but not after `kill -9`. The guard does not depend
//! on them. It is this same program, run as `cleave guard`, and reads its standard input: while the parent lives
//! that pipe stays open; once the parent is gone, for whatever reason, the kernel closes it, and the guard
//! cleans up all that it was told of and was not told to forget.

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

/// The hidden subcommand by which this program becomes a guard.
pub const COMMAND: &str = "guard";

/// How long what was left behind may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// The parent's end of the pipe. Cheap to clone; the guard acts when the last clone is gone.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // `None` only while it is dropped: closing the pipe is what sets the guard to work.
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
            // Ctrl-C at the terminal reaches the foreground group only.
            .process_group(0)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| words::cannot_start(format!("{} {COMMAND}", program.display())))?;
        Ok(Guard(Arc::new(Inner { pipe: Mutex::new(Some(pipe)), guard: Mutex::new(guard) })))
    }

    /// Ends this process, its group and its descendants, should we not come to it.
    pub fn watch_process(&self, pid: u32) -> Result<()> {
        self.tell(&format!("process {pid}"))
    }

    /// The process has ended and was waited for: its id may soon be another's.
    pub fn forget_process(&self, pid: u32) {
        self.forget(&format!("process {pid}"));
    }

    /// Removes this folder, should we not come to it.
    pub fn watch_folder(&self, path: &Path) -> Result<()> {
        self.tell(&format!("folder {}", path.display()))
    }

    /// Drops this database, should we not come to it. `admin` is the URL of another one on the same server.
    pub fn watch_database(&self, admin: &str, name: &str) -> Result<()> {
        self.tell(&format!("database {name} {admin}"))
    }

    /// The database has been dropped.
    pub fn forget_database(&self, admin: &str, name: &str) {
        self.forget(&format!("database {name} {admin}"));
    }

    /// Removes this container, should we not come to it.
    pub fn watch_container(&self, id: &str) -> Result<()> {
        self.tell(&format!("container {id}"))
    }

    fn forget(&self, line: &str) {
        // Not an error: a guard that is gone has nothing to forget.
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
        // Close the pipe, then wait for the guard: when the program has ended, nothing of it is left.
        self.pipe.lock().take();
        let _ = self.guard.lock().wait();
    }
}

/// The `cleave` program: this one, or the one beside this one (a test's executable stands in `deps`).
pub fn executable() -> Result<PathBuf> {
    let here = std::env::current_exe().context("cannot find the path of this program")?;
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

/// Something that the guard has to put away.
#[derive(Debug)]
pub enum Watched {
    /// A process, with the time at which it started: together they name it for good.
    Process {
        /// Its id.
        pid: u32,
        /// In seconds since 1970; `None` where it had ended already.
        started: Option<u64>,
    },
    /// A folder with all that is in it.
    Folder(PathBuf),
    /// A database.
    Database {
        /// Its name.
        name: String,
        /// The URL of another database on the same server.
        admin: String,
    },
    /// A container, by its id.
    Container(String),
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
            "container" => Some(Watched::Container(value.into())),
            _ => None,
        }
    }
}

/// The guard itself: listens until its parent is gone, then ends the processes, removes the folders, and has databases
/// and containers put away by `put_away`, which knows the servers.
pub fn run(put_away: impl AsyncFn(&Watched) -> Result<()>) -> Result<()> {
    // A terminal that hangs up, or a supervisor that ends us all, must not end the one who cleans up.
    SigSet::all().thread_block().context("cannot block signals")?;
    let mut watched = HashMap::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(forgotten) = line.strip_prefix("forget ") {
            watched.remove(forgotten);
        } else if let Some(new) = Watched::parse(&line) {
            watched.insert(line, new);
        }
    }
    let watched: Vec<Watched> = watched.into_values().collect();
    // Folders and databases are in use until the processes have ended.
    end_processes(&watched);
    remove_the_rest(&watched, put_away)
}

fn end_processes(watched: &[Watched]) {
    let ours = watched.iter().filter_map(|watched| match watched {
        // A process with this id but another start time is a stranger. If there is none, the id still names the
        // group that the dead one led, as long as that has members.
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
        // Nobody is left to tell of an error; the next one is put away all the same.
        let _ = match watched {
            Watched::Process { .. } => Ok(()),
            Watched::Folder(path) => std::fs::remove_dir_all(path).map_err(Into::into),
            Watched::Database { .. } | Watched::Container(_) => runtime.block_on(put_away(watched)),
        };
    }
    Ok(())
}

fn group_lives(pid: u32) -> bool {
    kill(Pid::from_raw(-pid.cast_signed()), None).is_ok()
}

//! Finds what remains if Cleave was killed together with its guard. Folders are marked by a file, databases by a
//! comment. `cleave clean` lists and removes them.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::database::{connect, quoted};
use crate::folder;
use crate::process_tree::start_time;
use crate::words;

/// The file that marks a folder as created by Cleave.
const MARK: &str = ".cleave-owner.json";
/// The comment that marks a database as created by Cleave.
const COMMENT: &str = "made by cleave";

/// The process that owns something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pid: u32,
    /// Seconds since 1970. The id alone may have been reused.
    started: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Owner {
        let pid = std::process::id();
        Owner { pid, started: start_time(pid).unwrap_or_default() }
    }

    /// Whether it still runs.
    pub fn lives(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

impl Display for Owner {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.pid, self.started)
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Owner, String> {
        let read = || {
            let (pid, started) = text.split_once(':')?;
            Some(Owner { pid: pid.parse().ok()?, started: started.parse().ok()? })
        };
        read().ok_or_else(|| text.to_owned())
    }
}

/// Marks a folder as owned by this process.
pub(crate) fn mark(folder: &Path) -> Result<()> {
    let path = folder.join(MARK);
    fs::write(&path, serde_json::to_vec(&Owner::this())?).with_context(|| words::cannot_write(path.display()))
}

/// A folder of a private server.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Whether the `cleave` process that created it still runs, or another process uses it.
    pub in_use: bool,
}

/// The marked folders of private servers on this machine.
pub fn folders(open: &OpenPaths) -> Vec<Folder> {
    let entries = fs::read_dir(folder::base()).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("cleave-"));
    ours.filter_map(|entry| {
        let path = entry.path();
        let owner: Owner = serde_json::from_slice(&fs::read(path.join(MARK)).ok()?).ok()?;
        let in_use = owner.lives() || open.holds(&path);
        Some(Folder { path, in_use })
    })
    .collect()
}

/// Paths in use by running processes: as a working folder, as an argument, or as an open file (on Linux).
#[derive(Debug)]
pub struct OpenPaths(BTreeSet<PathBuf>);

impl OpenPaths {
    /// Reads the paths of all processes that this user can inspect, except this one.
    pub fn look() -> OpenPaths {
        let mut paths = BTreeSet::new();
        let Ok(mut system) = System::new() else { return OpenPaths(paths) };
        let what = ProcessRefreshKind::nothing().with_cwd(UpdateKind::Always).with_cmd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        for process in system.processes().values() {
            if process.pid().as_u32() == std::process::id() {
                continue;
            }
            paths.extend(process.cwd().map(Path::to_owned));
            paths.extend(process.cmd().iter().map(PathBuf::from).filter(|path| path.is_absolute()));
            let open = fs::read_dir(format!("/proc/{}/fd", process.pid())).into_iter().flatten().flatten();
            paths.extend(open.filter_map(|file| fs::read_link(file.path()).ok()));
        }
        OpenPaths(paths)
    }

    /// Whether a process uses this folder or something in it.
    pub fn holds(&self, folder: &Path) -> bool {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.0.iter().any(|path| path.starts_with(&folder))
    }
}

/// A database on the user's server.
#[derive(Debug, QueryableByName)]
pub struct Database {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its size.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Number of connections to it.
    #[diesel(sql_type = BigInt)]
    pub sessions: i64,
}

/// The statement that marks a database.
pub(crate) fn comment_on(name: &str) -> String {
    format!("COMMENT ON DATABASE {} IS '{COMMENT}'", quoted(name))
}

/// The databases that Cleave made on this server.
pub async fn databases(url: &str) -> Result<Vec<Database>> {
    let query = "SELECT datname::text AS name, pg_database_size(oid) AS bytes,
                     (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid) AS sessions
                 FROM pg_database d
                 WHERE datname ~ '^cleave_[0-9a-f]{8}_' AND shobj_description(oid, 'pg_database') = $1
                 ORDER BY datname";
    let mut connection = connect(url).await?;
    let found = diesel::sql_query(query).bind::<Text, _>(COMMENT).load::<Database>(&mut connection).await;
    found.context("cannot list the databases")
}

/// Drops a database that [`databases`] has returned. The server refuses this while it is in use.
pub async fn remove_database(url: &str, name: &str) -> Result<()> {
    let drop = format!("DROP DATABASE {}", quoted(name));
    let dropped = connect(url).await?.batch_execute(&drop).await;
    dropped.with_context(|| words::cannot_drop_database(name))
}

/// Removes a folder that [`folders`] has returned.
pub fn remove_folder(folder: &Folder) -> Result<()> {
    ensure!(!folder.in_use, words::in_use(folder.path.display()));
    if !folder.path.join(MARK).is_file() {
        bail!(words::cannot_look_at(folder.path.join(MARK).display()));
    }
    fs::remove_dir_all(&folder.path).with_context(|| words::cannot_remove(folder.path.display()))
}

/// The total size of the files in a folder, in bytes. Links are not followed.
pub fn size(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}

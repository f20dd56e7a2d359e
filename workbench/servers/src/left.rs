//! Finds what remains if Cleave was killed together with its guard. Folders are marked by a file, databases by a
//! comment. `cleave clean` lists and removes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::database::{connect, quoted};
use crate::folder;
use crate::mark::{COMMENT, MARK, Owner};
use crate::words;

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

/// The databases that Cleave made on this server.
pub async fn databases(url: &str) -> Result<Vec<Database>> {
    let query = "SELECT datname::text AS name, pg_database_size(oid) AS bytes,
                     (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid) AS sessions
                 FROM pg_database d
                 WHERE datname ~ '^cleave_[0-9a-f]{8}_' AND shobj_description(oid, 'pg_database') = $1
                 ORDER BY datname";
    let mut connection = connect(url).await?;
    let found = diesel::sql_query(query).bind::<Text, _>(COMMENT).load::<Database>(&mut connection).await;
    found.with_context(words::cannot_list_databases)
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

//! The data folders and user accounts of private servers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, chown};
use tempfile::TempDir;

use crate::guard::Guard;
use crate::{mark, words};

/// A user account under which a server runs.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// The user's id.
    pub uid: u32,
    /// The id of the user's own group.
    pub gid: u32,
}

impl Account {
    /// The account for PostgreSQL, which refuses to run as root: rule 43 (initdb). If Cleave runs as root, the server
    /// gets another account; otherwise `None`.
    pub fn for_postgres() -> Result<Option<Account>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name).with_context(words::cannot_read_users)? {
                return Ok(Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        anyhow::bail!(words::no_user_for_postgres())
    }

    /// Makes this account the owner of a path.
    pub fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .with_context(|| words::cannot_chown(path.display(), self.uid))
    }
}

/// Creates a folder that no other user can read. It is removed when dropped, or by the guard.
pub fn create(guard: &Guard, base: &Path) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("cleave-")
        .tempdir_in(base)
        .with_context(|| words::cannot_create_folder(base.display()))?;
    guard.watch_folder(folder.path())?;
    mark::mark(folder.path())?;
    Ok(folder)
}

/// The parent of the servers' data folders.
///
/// Not below the checkout, which may be in a home folder that another user (see [`Account`]) cannot access. Not in
/// `/tmp` if possible: if that is in memory, an fsync costs nothing and the figures would be too good.
pub fn base() -> PathBuf {
    let disk = Path::new("/var/tmp");
    if tempfile::tempfile_in(disk).is_ok() { disk.to_owned() } else { std::env::temp_dir() }
}

/// Whether a folder is on a file system in memory, which gives no durability.
#[cfg(target_os = "linux")]
pub fn in_memory(folder: &Path) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, statfs};
    statfs(folder).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC)
}

/// Whether a folder is on a file system in memory, which gives no durability.
#[cfg(not(target_os = "linux"))]
pub fn in_memory(_folder: &Path) -> bool {
    false
}

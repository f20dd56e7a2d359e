//! Marks what Cleave creates on a machine, so that `cleave clean` can recognise it.

use std::fmt::{Display, Formatter};
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::process_tree::start_time;
use crate::words;

/// The file that marks a folder as created by Cleave.
pub(crate) const MARK: &str = ".cleave-owner.json";
/// The comment that marks a database as created by Cleave.
pub(crate) const COMMENT: &str = "made by cleave";

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

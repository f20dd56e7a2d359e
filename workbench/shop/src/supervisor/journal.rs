//! What the supervisor saw and did, in a file beside the logs of the processes and in memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parking_lot::Mutex;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::words;

/// Entries that are kept in memory. The file keeps all.
const KEPT: usize = 10_000;

/// Something that happened to a process. In the file it looks like a line of a process's own log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub timestamp: DateTime<Utc>,
    /// How bad it is: `INFO` or `WARN`.
    pub level: String,
    /// The process.
    pub process: String,
    /// What happened, in words.
    pub message: String,
}

/// All entries. Safe to write to from anywhere.
#[derive(Debug)]
pub struct Journal {
    file: Mutex<File>,
    kept: Mutex<Vec<Entry>>,
}

impl Journal {
    /// A journal in `supervisor.log` of this folder.
    pub fn open(logs: &Path) -> Result<Journal> {
        let path = logs.join("supervisor.log");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| words::cannot_write(path.display()))?;
        Ok(Journal { file: Mutex::new(file), kept: Mutex::new(Vec::new()) })
    }

    /// It happened, as it should.
    pub fn info(&self, process: &str, message: impl Into<String>) {
        self.write("INFO", process, message.into());
    }

    /// It happened, and should not have.
    pub fn warn(&self, process: &str, message: impl Into<String>) {
        self.write("WARN", process, message.into());
    }

    fn write(&self, level: &str, process: &str, message: String) {
        let entry =
            Entry { timestamp: Utc::now(), level: level.to_owned(), process: process.to_owned(), message };
        if let Ok(line) = serde_json::to_string(&entry) {
            // A full disk is no reason to let the shop down.
            let _ = writeln!(self.file.lock(), "{line}");
        }
        let mut kept = self.kept.lock();
        if kept.len() < KEPT {
            kept.push(entry);
        }
    }

    /// What was written after this moment, the oldest first.
    pub fn since(&self, moment: DateTime<Utc>) -> Vec<Entry> {
        let kept = self.kept.lock();
        let first = kept.partition_point(|entry| entry.timestamp <= moment);
        kept[first..].to_vec()
    }

    /// What was written so far, the oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.kept.lock().clone()
    }
}

//! The supervisor's log, in memory and in a file beside the logs of the processes.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parking_lot::Mutex;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::words;

/// Maximum number of entries in memory. The file keeps all.
const KEPT: usize = 10_000;

/// An event of a process. In the file it has the format of a process's own log lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// The level: `INFO` or `WARN`.
    pub level: String,
    /// The name of the process.
    pub process: String,
    /// What happened.
    pub message: String,
}

/// All entries. Can be written from any task.
#[derive(Debug)]
pub struct Journal {
    file: Mutex<File>,
    kept: Mutex<Vec<Entry>>,
}

impl Journal {
    /// Opens a journal in `supervisor.log` of this folder.
    pub fn open(logs: &Path) -> Result<Journal> {
        let path = logs.join("supervisor.log");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| words::cannot_write(path.display()))?;
        Ok(Journal { file: Mutex::new(file), kept: Mutex::new(Vec::new()) })
    }

    /// Records a normal event.
    pub fn info(&self, process: &str, message: impl Into<String>) {
        self.write("INFO", process, message.into());
    }

    /// Records a failure.
    pub fn warn(&self, process: &str, message: impl Into<String>) {
        self.write("WARN", process, message.into());
    }

    fn write(&self, level: &str, process: &str, message: String) {
        let entry =
            Entry { timestamp: Utc::now(), level: level.to_owned(), process: process.to_owned(), message };
        if let Ok(line) = serde_json::to_string(&entry) {
            // Ignored, because the shop must go on even if the disk is full.
            let _ = writeln!(self.file.lock(), "{line}");
        }
        let mut kept = self.kept.lock();
        if kept.len() < KEPT {
            kept.push(entry);
        }
    }

    /// The entries after this moment, oldest first.
    pub fn since(&self, moment: DateTime<Utc>) -> Vec<Entry> {
        let kept = self.kept.lock();
        let first = kept.partition_point(|entry| entry.timestamp <= moment);
        kept[first..].to_vec()
    }

    /// All entries so far, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.kept.lock().clone()
    }
}

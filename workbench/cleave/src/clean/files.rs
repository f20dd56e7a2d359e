//! Runs and logs in the folder of runs and state.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Item, Kind, Removal};
use crate::words;
use servers::left::{OpenPaths, size};

/// A run has at least one of these.
const OF_RUNS: [&str; 3] = ["run.json", "live.jsonl", "logs"];
/// Folders that contain one log folder per run.
const WITH_LOGS: [&str; 4] = ["bench-logs", "crash-matrix", "flaws", "soak"];

/// The runs, the latest first. Removes them if requested, except for the latest ones to keep.
pub(super) async fn runs(folder: &Path, wanted: &Removal, open: &OpenPaths) -> Vec<Item> {
    let folder = folder.join("runs");
    let mut runs = dated(&folder);
    runs.retain(|run| OF_RUNS.iter().any(|file| run.join(file).exists()));
    runs.reverse();
    let mut items = Vec::new();
    for (newer, run) in runs.iter().enumerate() {
        let remove = wanted.includes(Kind::Runs) && newer >= wanted.keep;
        items.push(item(Kind::Runs, run, remove, open).await);
    }
    // The link to the latest run is removed together with it.
    let link = folder.join("latest");
    if link.is_symlink() && !link.exists() {
        let _ = fs::remove_file(link);
    }
    items
}

pub(super) async fn logs(folder: &Path, wanted: &Removal, open: &OpenPaths) -> Vec<Item> {
    let mut logs: Vec<PathBuf> = WITH_LOGS.iter().flat_map(|name| dated(&folder.join(name))).collect();
    let of_up = folder.join(control::LOGS);
    if of_up.is_dir() {
        logs.push(of_up);
    }
    logs.retain(|folder| has_only_logs(folder));
    let mut items = Vec::new();
    for folder in logs {
        items.push(item(Kind::Logs, &folder, wanted.includes(Kind::Logs), open).await);
    }
    items
}

async fn item(kind: Kind, folder: &Path, remove: bool, open: &OpenPaths) -> Item {
    let mut item = Item::new(kind, folder.display(), Some(size(folder)), open.holds(folder));
    if remove {
        item.remove(async { remove_folder(folder) }).await;
    }
    item
}

fn remove_folder(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| words::cannot_remove(folder.display()))
}

/// Folders whose names begin with a time, such as `20260131T093000Z`, in the order of time.
fn dated(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_folder && begins_with_a_time(&entry.file_name().to_string_lossy())
    });
    let mut found: Vec<PathBuf> = ours.map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn begins_with_a_time(name: &str) -> bool {
    let form = "00000000T000000Z";
    name.len() >= form.len()
        && form.chars().zip(name.chars()).all(|(form, is)| match form {
            '0' => is.is_ascii_digit(),
            letter => is == letter,
        })
}

/// Whether a folder contains only logs and folders of logs.
fn has_only_logs(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.all(|entry| {
            let Ok(entry) = entry else { return false };
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => has_only_logs(&path),
                Ok(kind) if kind.is_file() => path.extension().is_some_and(|end| end == "log"),
                _ => false,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_runs_go_and_the_latest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let runs_folder = folder.path().join("runs");
        let make = |name: &str, file: &str| {
            fs::create_dir_all(runs_folder.join(name)).unwrap();
            fs::write(runs_folder.join(name).join(file), "{}").unwrap();
        };
        make("20260101T000000Z-1", "run.json");
        make("20260102T000000Z-live", "live.jsonl");
        make("20260103T000000Z-1", "run.json");
        make("20260104T000000Z-thesis", "chapter.tex");
        make("mine", "run.json");
        let used = fs::File::open(runs_folder.join("20260101T000000Z-1/run.json")).unwrap();
        let mut holder = std::process::Command::new("sleep").arg("600").stdin(used).spawn().unwrap();
        let wanted = Removal { kinds: vec![Kind::All], keep: 1, database_url: None, amqp_url: None };
        let items = runs(folder.path(), &wanted, &OpenPaths::look()).await;
        holder.kill().unwrap();
        holder.wait().unwrap();

        let told: Vec<(bool, bool)> = items.iter().map(|item| (item.removed, item.in_use)).collect();
        let there = |name: &str| runs_folder.join(name).exists();
        assert!(there("20260103T000000Z-1"), "it is the latest");
        assert!(there("20260104T000000Z-thesis") && there("mine"), "they are not ours");
        if cfg!(target_os = "linux") {
            assert_eq!(told, [(false, false), (true, false), (false, true)]);
            assert!(
                !there("20260102T000000Z-live") && there("20260101T000000Z-1"),
                "a process uses the other"
            );
        }
    }

    #[tokio::test]
    async fn a_folder_of_logs_with_anything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        for (name, file) in [("20260101T000000Z", "orders.log"), ("20260102T000000Z", "notes.txt")] {
            fs::create_dir_all(folder.path().join("bench-logs").join(name)).unwrap();
            fs::write(folder.path().join("bench-logs").join(name).join(file), "x").unwrap();
        }
        let wanted = Removal { kinds: vec![Kind::Logs], keep: 0, database_url: None, amqp_url: None };
        let items = logs(folder.path(), &wanted, &OpenPaths::look()).await;
        assert_eq!(items.len(), 1);
        assert!(!folder.path().join("bench-logs/20260101T000000Z").exists());
        assert!(folder.path().join("bench-logs/20260102T000000Z/notes.txt").exists());
    }
}

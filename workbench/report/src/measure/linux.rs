//! Measures processes by `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

/// All processes at one moment.
pub(super) struct Snapshot {
    children: HashMap<u32, Vec<u32>>,
    ticks: HashMap<u32, u64>,
}

impl Snapshot {
    pub(super) fn take() -> Snapshot {
        let mut snapshot = Snapshot { children: HashMap::new(), ticks: HashMap::new() };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            // The process may have ended since the folder was listed.
            let Some((parent, ticks)) = stat(pid) else { continue };
            snapshot.children.entry(parent).or_default().push(pid);
            snapshot.ticks.insert(pid, ticks);
        }
        snapshot
    }

    /// Processor time of these processes and all their descendants, including those that have ended. `None` if one of
    /// the processes themselves cannot be read.
    pub(super) fn cpu(&self, mut roots: impl Iterator<Item = u32>) -> Option<Duration> {
        let per_second = sysconf(SysconfVar::CLK_TCK).ok()?? as f64;
        let ticks = roots.try_fold(0, |sum, root| {
            self.ticks.get(&root)?;
            Some(sum + self.tree(root).iter().filter_map(|pid| self.ticks.get(pid)).sum::<u64>())
        })?;
        Some(Duration::from_secs_f64(ticks as f64 / per_second))
    }

    /// Bytes that a process and its descendants hold; a shared page counts proportionally. `None` if the process itself
    /// cannot be read.
    pub(super) fn memory(&self, root: u32) -> Option<u64> {
        let own = proportional_set_size(root)?;
        let below = self.tree(root).into_iter().filter(|pid| *pid != root);
        Some(own + below.filter_map(proportional_set_size).sum::<u64>())
    }

    fn tree(&self, root: u32) -> Vec<u32> {
        let mut tree = vec![root];
        let mut next = 0;
        while let Some(pid) = tree.get(next) {
            tree.extend(self.children.get(pid).into_iter().flatten());
            next += 1;
        }
        tree
    }
}

/// The parent of a process, and its clock ticks: its own, and those of its children that have ended.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses, and may itself contain spaces and parentheses.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Fields 4 and 14 to 17 of proc(5), which counts from 1 and starts with the pid.
    let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
    Some((u32::try_from(number(1)?).ok()?, ticks))
}

/// `None` if the process has ended, or if this user may not read it.
fn proportional_set_size(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

//! Measures processes on systems without `/proc`: without the time of processes that have ended, and with shared pages
//! counted once per process.

use std::time::Duration;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// All processes at one moment.
pub(super) struct Snapshot(Option<System>);

impl Snapshot {
    pub(super) fn take() -> Snapshot {
        let Ok(mut system) = System::new() else { return Snapshot(None) };
        let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
        Snapshot(Some(system))
    }

    /// Processor time of these processes and all their descendants.
    pub(super) fn cpu(&self, roots: impl Iterator<Item = u32>) -> Option<Duration> {
        let mut sum = Duration::ZERO;
        for root in roots {
            let tree = self.tree(root);
            if tree.is_empty() {
                return None;
            }
            sum += Duration::from_millis(tree.into_iter().map(Process::accumulated_cpu_time).sum());
        }
        Some(sum)
    }

    /// Bytes that a process and its descendants hold (resident set size). `None` if the process itself cannot be read.
    pub(super) fn memory(&self, root: u32) -> Option<u64> {
        let tree = self.tree(root);
        (!tree.is_empty()).then(|| tree.into_iter().map(Process::memory).sum())
    }

    fn tree(&self, root: u32) -> Vec<&Process> {
        let Some(system) = &self.0 else { return Vec::new() };
        let mut tree: Vec<&Process> = system.process(Pid::from_u32(root)).into_iter().collect();
        let mut next = 0;
        while let Some(parent) = tree.get(next).map(|process| process.pid()) {
            tree.extend(system.processes().values().filter(|process| process.parent() == Some(parent)));
            next += 1;
        }
        tree
    }
}

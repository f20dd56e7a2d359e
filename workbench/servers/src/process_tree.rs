//! Process trees by process id. Start times distinguish a process from a later one with the same id.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// The polling interval.
const TICK: Duration = Duration::from_millis(10);

/// Kills a process, its group and all its descendants, and waits (bounded) until they have ended.
///
/// Killing the group is not enough, because children of PostgreSQL and Erlang create their own sessions. The parent
/// is paused first, so that it starts no more children while they are listed.
pub fn kill_tree(pid: u32) {
    let _ = kill(nix_pid(pid), Signal::SIGSTOP);
    let tree = tree(pid);
    let _ = killpg(nix_pid(pid), Signal::SIGKILL);
    for (pid, _) in &tree {
        let _ = kill(nix_pid(*pid), Signal::SIGKILL);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while tree.iter().any(|(pid, started)| start_time(*pid) == Some(*started)) && Instant::now() < deadline {
        std::thread::sleep(TICK);
    }
}

/// A process and all its descendants, with the time at which each started.
fn tree(root: u32) -> Vec<(u32, u64)> {
    // Without a list of processes, only the group can be killed.
    let Ok(mut system) = System::new() else { return Vec::new() };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    let mut found = vec![sysinfo::Pid::from_u32(root)];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        let children = system.processes().values().filter(|process| process.parent() == Some(parent));
        found.extend(children.filter(|process| process.thread_kind().is_none()).map(|process| process.pid()));
        next += 1;
    }
    let tree = found.iter().filter_map(|pid| system.process(*pid));
    tree.map(|process| (process.pid().as_u32(), process.start_time())).collect()
}

/// The start time of the running process with this id, if there is one. Id and start time together identify a process
/// uniquely, while an id alone may have been reused.
pub fn start_time(pid: u32) -> Option<u64> {
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    let process = system.process(pid)?;
    // A zombie no longer runs; its parent just has not waited for it yet.
    (process.status() != sysinfo::ProcessStatus::Zombie).then(|| process.start_time())
}

/// Whether a process is stopped, by SIGSTOP or a debugger. Its threads stop together.
pub fn is_stopped(pid: u32) -> bool {
    let pid = sysinfo::Pid::from_u32(pid);
    let Ok(mut system) = System::new() else { return false };
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    let status = system.process(pid).map(sysinfo::Process::status);
    matches!(status, Some(sysinfo::ProcessStatus::Stop | sysinfo::ProcessStatus::Tracing))
}

/// The id as system calls take it.
pub fn nix_pid(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_process_is_told_from_a_running_one() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        assert!(!is_stopped(child.id()));
        kill(nix_pid(child.id()), Signal::SIGSTOP).unwrap();
        let stopped = (0..500).any(|_| {
            std::thread::sleep(TICK);
            is_stopped(child.id())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(stopped);
        assert!(!is_stopped(child.id()), "it has ended");
    }
}

//! Measures how long a process ran on a processor and how long it waited for one.

use std::fs;
use std::time::Duration;

use servers::process_tree::is_stopped;

/// Totals over all current threads of a process, each since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort {
    /// Whether it is stopped, by SIGSTOP or a debugger.
    pub stopped: bool,
    /// Whether a thread is on a processor or waits for one now. A thread that got no processor for all this time has no
    /// waiting time yet: the kernel counts it when the wait ends.
    pub ready: bool,
    /// Time on a processor.
    pub ran: Duration,
    /// Time in which it was ready to run and waited for a processor.
    pub waited: Duration,
}

/// Reads the totals of a process; `None` if it has ended or the system is not Linux.
pub(super) fn of(pid: u32) -> Option<Effort> {
    let (mut ran, mut waited, mut ready) = (0, 0, false);
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        // A thread may end while its file is read.
        let Ok(times) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let (on, off) = read(&times)?;
        (ran, waited) = (ran + on, waited + off);
        ready |= fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| is_ready(&stat));
    }
    let stopped = is_stopped(pid);
    Some(Effort { stopped, ready, ran: Duration::from_nanos(ran), waited: Duration::from_nanos(waited) })
}

/// Nanoseconds on a processor, and waiting for one.
fn read(times: &str) -> Option<(u64, u64)> {
    let mut numbers = times.split_whitespace().map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Whether the state of a thread is `R`. It follows the name, which stands in parentheses and may contain some.
fn is_ready(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(read("5 7 2\n"), Some((5, 7)));
        assert_eq!(read("5\n"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_state_of_a_thread_is_read() {
        assert!(is_ready("7 (a (b) R) R 1 7"));
        assert!(!is_ready("7 (a R) S 1 7"));
        assert!(!is_ready(""));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_is_there_has_an_effort() {
        assert!(of(std::process::id()).is_some_and(|effort| !effort.stopped));
        assert_eq!(of(u32::MAX), None);
    }
}

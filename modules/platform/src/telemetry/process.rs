//! The process's own resource use, from Linux's `/proc`. Other systems report nothing.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Linux reports processor time to user space in hundredths of a second on every platform (`USER_HZ`, times(2)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time used so far, in seconds.
pub(super) fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The process name is in parentheses and may itself contain spaces and parentheses. Then fields 14 and 15 of
    // proc(5).
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory, in bytes.
pub(super) fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<i64>().ok()? * 1024)
}

/// The current time, in seconds since 1970.
pub(super) fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself() {
        assert!(resident_bytes().unwrap() > 1024 * 1024);
        let before = cpu_seconds().unwrap();
        let began = std::time::Instant::now();
        while cpu_seconds().unwrap() < before + 0.02 {
            assert!(began.elapsed().as_secs() < 60, "the processor time does not increase");
        }
    }
}

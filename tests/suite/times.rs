//! How long each case took. For information only: no case fails for its time.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How many of the slowest cases are printed at the end.
const SLOWEST: usize = 10;

/// The times of finished cases.
#[derive(Debug, Default)]
pub struct Times(Mutex<Vec<(Duration, String)>>);

impl Times {
    /// Runs a case and records its time. If `TEST_TIMES` is set, prints it at once.
    pub fn of<T>(&self, name: &str, case: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let outcome = case();
        let time = began.elapsed();
        if std::env::var_os("TEST_TIMES").is_some() {
            eprintln!("{}", line(time, name));
        }
        self.0.lock().push((time, name.to_owned()));
        outcome
    }

    /// Whether this case ran, with any driver.
    pub fn ran(&self, case: &str) -> bool {
        self.0.lock().iter().any(|(_, name)| name.ends_with(case))
    }

    /// Prints the slowest cases.
    pub fn tell(&self) {
        let mut times = self.0.lock();
        times.sort_by(|one, other| other.cmp(one));
        let sum: Duration = times.iter().map(|(time, _)| *time).sum();
        eprintln!("{} cases took {:.0} s one after the other; the slowest:", times.len(), sum.as_secs_f64());
        for (time, name) in times.iter().take(SLOWEST) {
            eprintln!("{}", line(*time, name));
        }
    }
}

fn line(time: Duration, name: &str) -> String {
    format!("{:7.1} s  {name}", time.as_secs_f64())
}

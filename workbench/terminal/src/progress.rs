//! Progress of a long command, on standard error so that figures on standard output can be piped.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar at a terminal; otherwise one line per phase.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
}

impl Progress {
    /// Starts progress over this number of steps.
    pub fn new(steps: u64) -> Progress {
        let style = ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len}  {wide_msg} {elapsed}");
        let bar = ProgressBar::new(steps).with_style(style.expect("the template is a constant"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, terminal: io::stderr().is_terminal() }
    }

    /// Shows the current phase.
    pub fn phase(&self, what: String) {
        if !self.terminal {
            crate::note!("{what}");
        }
        self.bar.set_message(what);
    }

    /// Prints a line that stays after the bar is removed.
    pub fn note(&self, what: &str) {
        self.bar.suspend(|| crate::note!("{what}"));
    }

    /// Counts one step as done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

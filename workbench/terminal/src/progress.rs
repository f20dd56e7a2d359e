//! What a long command tells the people who wait for it: on standard error, so that figures can be piped.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with the current phase at a terminal; a line for each phase elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
}

impl Progress {
    /// Progress over so many steps.
    pub fn new(steps: u64) -> Progress {
        let style = ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len}  {wide_msg} {elapsed}");
        let bar = ProgressBar::new(steps).with_style(style.expect("the template is a constant"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, terminal: io::stderr().is_terminal() }
    }

    /// What is being done now.
    pub fn phase(&self, what: String) {
        if !self.terminal {
            crate::note!("{what}");
        }
        self.bar.set_message(what);
    }

    /// Something that should still be there when the bar is gone.
    pub fn note(&self, what: &str) {
        self.bar.suspend(|| crate::note!("{what}"));
    }

    /// One step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// All is done: the bar goes.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

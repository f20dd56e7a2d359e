//! The dashboard of `cleave up`: a separate process, so that its usage is not counted as the shops'.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::words;
use dashboard::DashboardOptions;
use servers::guard::executable;
use terminal::language;

/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// The process of the dashboard. It also ends by itself when nothing is up any more.
pub(super) struct Page(Child);

impl Page {
    /// Starts `cleave dashboard` for this folder.
    pub(super) fn start(folder: &Path, options: &DashboardOptions) -> Result<Page> {
        let mut command = Command::new(executable()?);
        command.arg("--folder").arg(folder).arg("dashboard").args(options.arguments());
        // What these say is among the options.
        for variable in ["DASHBOARD_LISTEN", "DASHBOARD_PORT", "DASHBOARD_PUBLIC_ADDRESS"] {
            command.env_remove(variable);
        }
        // Ctrl-C at a terminal is for this process, which then ends the dashboard.
        command.process_group(0).kill_on_drop(true).stdin(Stdio::null()).envs([language::passed_on()]);
        Ok(Page(command.spawn().with_context(words::cannot_start_dashboard)?))
    }

    /// Asks it to end, and waits for that.
    pub(super) async fn end(mut self) {
        if let Some(pid) = self.0.id() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
        }
        // If it does not end by itself, dropping it ends it.
        let _ = tokio::time::timeout(GRACE, self.0.wait()).await;
    }
}

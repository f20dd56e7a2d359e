//! The command line of `cleave dashboard` and `cleave replay`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::values::{Modes, ServerArgs, address, modes, port, public_address, rate_within};
use super::{HELD, interrupted};
use crate::up;
use dashboard::controls::RATE_MOST;
use dashboard::lesson::Lesson;
use dashboard::replay;

#[derive(Debug, Args)]
pub(super) struct Dashboard {
    /// What to start if no shop is up: monolith, split, both, or a driver, e.g. split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    modes: Modes,
    #[command(flatten)]
    page: PageArgs,
    /// Orders per second for each shop at the start.
    #[arg(long, value_name = "N/s", default_value = "20/s", value_parser = rate)]
    rate: f64,
    /// Write a recording as one HTML page that opens anywhere, instead.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Folder of the recording to export; by default the latest. Two recordings of one shop each are shown side by side.
    #[arg(long, value_name = "DIR", requires = "export", num_args = 1..=2)]
    run: Vec<PathBuf>,
    /// Put a lesson beside the exported recording: its steps in a TOML file, e.g. docs/lesson.toml.
    #[arg(long, value_name = "FILE", requires_all = ["export", "comparison"])]
    lesson: Option<PathBuf>,
    /// Folder of the `cleave compare` run that the lesson shows.
    #[arg(long, value_name = "DIR", requires = "lesson")]
    comparison: Option<PathBuf>,
    #[command(flatten)]
    servers: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Folder of the recording, in .cleave/runs; by default the latest. Two recordings of one shop each are shown side by
    /// side.
    #[arg(value_name = "DIR", num_args = 0..=2)]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
}

/// The address of the page.
#[derive(Debug, Args)]
struct PageArgs {
    /// Port of the page; 0 takes a free one.
    #[arg(long, env = "DASHBOARD_PORT", default_value_t = 0, value_parser = port)]
    port: u16,
    /// Address to listen on. Other than on loopback, the page has no controls.
    #[arg(long, env = "DASHBOARD_LISTEN", value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = address)]
    listen: IpAddr,
    /// Host and port by which browsers reach the page, if a container or a proxy publishes another one. No other is
    /// accepted. If it is on loopback, the page has its controls.
    #[arg(long, env = "DASHBOARD_PUBLIC_ADDRESS", value_name = "HOST:PORT", value_parser = public_address)]
    public_address: Option<String>,
    /// Open the page in the browser.
    #[arg(long)]
    open: bool,
}

impl PageArgs {
    fn options(&self, rate_per_s: f64) -> dashboard::DashboardOptions {
        let public = self.public_address.clone();
        dashboard::DashboardOptions {
            listen: self.listen,
            port: self.port,
            public,
            open: self.open,
            rate_per_s,
        }
    }
}

/// Ctrl-C ends it normally.
pub(super) async fn dashboard(asked: Dashboard, folder: &Path) -> Result<u8> {
    let Dashboard { modes: Modes(drivers), page, rate, export, run, lesson, comparison, servers } = asked;
    if let Some(file) = export {
        let lesson = lesson.map(|file| Lesson::read(&file)).transpose()?;
        let lesson = lesson.as_ref().zip(comparison.as_deref());
        replay::export(&replay::chosen(&run, folder)?, lesson, &file)?;
        return Ok(HELD);
    }
    let options = page.options(rate);
    if control::is_running(folder)? {
        dashboard::run(folder, &options, interrupted()).await?;
        return Ok(HELD);
    }
    let infra = servers.options();
    let wanted = control::WantedShops { drivers, flaws: Vec::new(), proxies: true, infra };
    up::run(folder, &wanted, &up::Load::Page(options), interrupted()).await.map(|()| HELD)
}

/// Runs until Ctrl-C.
pub(super) async fn play(Replay { recordings, page }: Replay, folder: &Path) -> Result<u8> {
    let recorded = replay::chosen(&recordings, folder)?;
    replay::replay(folder, recorded, &page.options(0.0), interrupted()).await.map(|()| HELD)
}

/// A rate that the page allows as well.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    rate_within(text, 0.0..=RATE_MOST)
}

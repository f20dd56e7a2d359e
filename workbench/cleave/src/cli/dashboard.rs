//! `cleave dashboard` and `cleave replay`: the words of the command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::words::{Modes, ServerArgs, modes};
use super::{HELD, interrupted};
use crate::up;
use dashboard::controls::RATE_MOST;
use dashboard::replay;

#[derive(Debug, Args)]
pub(super) struct Dashboard {
    /// What to start if nothing is up: monolith, split, both, or exactly how it stays consistent, as split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    modes: Modes,
    #[command(flatten)]
    page: PageArgs,
    /// Orders per second to begin with, to each shop.
    #[arg(long, value_name = "N/s", default_value = "20/s", value_parser = rate)]
    rate: f64,
    /// Write a recording as one page that opens anywhere, instead.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// The recording to export: its folder; the latest unless told. Two of one shop each are set side by side.
    #[arg(long, value_name = "DIR", requires = "export", num_args = 1..=2)]
    run: Vec<PathBuf>,
    #[command(flatten)]
    servers: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The folder that `cleave dashboard` has left in .cleave/runs; the latest unless told. Two of one shop each, which ran
    /// one after the other, are set side by side.
    #[arg(value_name = "DIR", num_args = 0..=2)]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
}

/// Where the page is.
#[derive(Debug, Args)]
struct PageArgs {
    /// The port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen at. Anywhere but on loopback it shows a page without controls.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Open it in the browser.
    #[arg(long)]
    open: bool,
}

impl PageArgs {
    fn options(&self, rate_per_s: f64) -> dashboard::Options {
        dashboard::Options { listen: self.listen, port: self.port, open: self.open, rate_per_s }
    }
}

/// It takes Ctrl-C as its end, and comes to it in order.
pub(super) async fn dashboard(asked: Dashboard, folder: &Path) -> Result<u8> {
    let Dashboard { modes: Modes(drivers), page, rate, export, run, servers } = asked;
    if let Some(file) = export {
        replay::export(&replay::chosen(&run, folder)?, &file)?;
        return Ok(HELD);
    }
    let options = page.options(rate);
    if control::is_running(folder)? {
        dashboard::run(folder, &options, interrupted()).await?;
        return Ok(HELD);
    }
    let infra = servers.options();
    let wanted = control::Wanted { drivers, flaws: Vec::new(), proxies: true, infra };
    up::run(folder, &wanted, &up::Load::Page(options), interrupted()).await.map(|()| HELD)
}

/// Until Ctrl-C.
pub(super) async fn play(Replay { recordings, page }: Replay, folder: &Path) -> Result<u8> {
    let recorded = replay::chosen(&recordings, folder)?;
    replay::replay(folder, recorded, &page.options(0.0), interrupted()).await.map(|()| HELD)
}

/// A load that the page could ask for as well.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate: f64 = number.parse().map_err(|_| "give orders per second, as 20 or 20/s".to_owned())?;
    if !(0.0..=RATE_MOST).contains(&rate) {
        return Err(format!("a rate is 0 to {RATE_MOST} orders per second"));
    }
    Ok(rate)
}

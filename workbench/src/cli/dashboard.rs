//! `cleave dashboard`: the words of the command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::{HELD, Modes, ServerArgs, interrupted, modes};
use crate::dashboard::controls::RATE_MOST;
use crate::{dashboard, up};

#[derive(Debug, Args)]
pub(super) struct Dashboard {
    /// What to start if nothing is up: monolith, split, both, or exactly how it stays consistent, as split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    modes: Modes,
    /// The port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen at. Anywhere but on loopback it shows a page without controls.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Open it in the browser.
    #[arg(long)]
    open: bool,
    /// Orders per second to begin with, to each shop.
    #[arg(long, value_name = "N/s", default_value = "20/s", value_parser = rate)]
    rate: f64,
    #[command(flatten)]
    servers: ServerArgs,
}

/// Both take Ctrl-C as their end, and come to it in order.
pub(super) async fn dashboard(asked: Dashboard, folder: &Path) -> Result<u8> {
    let Dashboard { modes: Modes(drivers), port, listen, open, rate: rate_per_s, servers } = asked;
    let options = dashboard::Options { listen, port, open, rate_per_s };
    if up::is_running(folder)? {
        dashboard::run(folder, &options, interrupted()).await?;
        return Ok(HELD);
    }
    let wanted = up::Wanted {
        drivers,
        flaws: Vec::new(),
        proxies: true,
        infra: servers.options(),
        page: Some(options),
    };
    up::run(folder, &wanted, interrupted()).await.map(|()| HELD)
}

/// A load that the page could ask for as well.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate: f64 = number.parse().map_err(|_| "give orders per second, as 20 or 20/s".to_owned())?;
    if !(0.0..=RATE_MOST).contains(&rate) {
        return Err(format!("a rate is 0 to {RATE_MOST} orders per second"));
    }
    Ok(rate)
}

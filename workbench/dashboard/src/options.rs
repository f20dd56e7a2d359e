//! The options of a dashboard or a replay.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use crate::door::Door;
use crate::{browser, words};

/// The options of a dashboard.
#[derive(Debug, Clone)]
pub struct DashboardOptions {
    /// The address to listen on. On any address except loopback, the page has no controls.
    pub listen: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Host and port as a browser sees them, if they differ. If they are not on loopback, the page has no controls.
    pub public: Option<String>,
    /// Whether to open a browser.
    pub open: bool,
    /// The initial load in orders per second, for each shop.
    pub rate_per_s: f64,
}

impl Default for DashboardOptions {
    fn default() -> DashboardOptions {
        DashboardOptions {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public: None,
            open: false,
            rate_per_s: 20.0,
        }
    }
}

impl DashboardOptions {
    /// The same as arguments of `cleave dashboard`.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--listen={}", self.listen),
            format!("--port={}", self.port),
            format!("--rate={}/s", self.rate_per_s),
        ];
        arguments.extend(self.public.iter().map(|public| format!("--public-address={public}")));
        arguments.extend(self.open.then(|| "--open".to_owned()));
        arguments
    }

    /// Opens a browser if requested. If that fails, the dashboard continues.
    pub(crate) fn show(&self, folder: &Path, door: &Door) {
        if self.open
            && let Err(why) = browser::open(folder, &door.page())
        {
            terminal::note!("{}", words::no_browser(format!("{why:#}")));
        }
    }
}

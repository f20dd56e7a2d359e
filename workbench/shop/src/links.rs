//! The proxies in the links of a shop, in which faults can be injected. Optional.

use parking_lot::Mutex;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use anyhow::{Context, Result};
use reqwest::Url;

use crate::words;
use faults::{Link, Proxy};

/// Proxies by link. The proxies between the gateway and an instance belong to the instance instead.
#[derive(Debug, Default)]
pub(super) struct Links {
    wanted: bool,
    proxies: Mutex<Vec<(Link, Arc<Proxy>)>>,
}

impl Links {
    /// Creates links; `wanted` says whether they get proxies.
    pub(super) fn new(wanted: bool) -> Links {
        Links { wanted, proxies: Mutex::default() }
    }

    /// A process's environment, in which proxies replace the addresses of its servers if proxies are wanted.
    pub(super) fn through(
        &self,
        process: &str,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Vec<(&'static str, String)>> {
        let led = |(variable, url): (&'static str, String)| {
            let server = if variable == "AMQP_URL" { "broker" } else { "database" };
            let link: Link = format!("{process}-{server}").parse()?;
            anyhow::Ok((variable, self.led(link, &url)?))
        };
        environment.into_iter().map(led).collect()
    }

    /// The address itself, or that of a proxy before it if proxies are wanted.
    pub(super) fn led(&self, link: Link, url: &str) -> Result<String> {
        if !self.wanted {
            return Ok(url.to_owned());
        }
        let mut led: Url = url.parse().with_context(|| format!("the address of {link}"))?;
        let proxy = Proxy::start(&link.to_string(), upstream(&led)?, 0)?;
        let _ = led.set_host(Some(&proxy.address().ip().to_string()));
        let _ = led.set_port(Some(proxy.address().port()));
        self.proxies.lock().push((link, Arc::new(proxy)));
        // Parsing adds a slash to an HTTP URL. Addresses are written without it.
        Ok(if led.path() == "/" { led.as_str().trim_end_matches('/').to_owned() } else { led.into() })
    }

    /// The proxy in a link, if there is one.
    pub(super) fn proxy(&self, link: Link) -> Option<Arc<Proxy>> {
        let proxies = self.proxies.lock();
        proxies.iter().find(|(of, _)| *of == link).map(|(_, proxy)| proxy.clone())
    }
}

fn upstream(url: &Url) -> Result<SocketAddr> {
    let host = url.host_str().context("it has no host")?;
    let port = url.port_or_known_default().unwrap_or(if url.scheme() == "amqp" { 5672 } else { 5432 });
    let mut found = (host, port).to_socket_addrs().with_context(|| words::no_address(host))?;
    found.next().with_context(|| words::no_address(host))
}

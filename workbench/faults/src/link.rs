//! The links of a shop, in which proxies can be placed.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use crate::words;
use topology::{Mode, SERVICES};

/// The name of the monolith's process.
pub(super) const MONOLITH: &str = "monolith";

/// A connection between two parts of a shop, named from client side to server side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// `client-gateway`: from outside to the entry point.
    ClientGateway,
    /// `gateway-inventory`: from the gateway to a service, or to the monolith.
    Gateway(&'static str),
    /// `inventory-database`: from a service to its database, or from the monolith to its only one.
    Database(&'static str),
    /// `inventory-broker`: from a service to the broker.
    Broker(&'static str),
}

impl Link {
    /// All links of a mode.
    pub fn all(mode: Mode) -> Vec<Link> {
        let mut links = vec![Link::ClientGateway];
        match mode {
            Mode::Monolith => links.extend([Link::Gateway(MONOLITH), Link::Database(MONOLITH)]),
            Mode::Split => {
                for of in [Link::Gateway, Link::Database, Link::Broker] {
                    links.extend(SERVICES.map(of));
                }
            }
        }
        links
    }

    /// The link of that mode that corresponds to this one, or an error that says why there is none.
    pub(super) fn counterpart(self, mode: Mode) -> Result<Link> {
        match (mode, self) {
            (Mode::Monolith, Link::Database(_)) => Ok(Link::Database(MONOLITH)),
            (Mode::Monolith, Link::Gateway(service)) if service != MONOLITH => {
                Err(anyhow!(words::no_link_to_module(service)))
            }
            (Mode::Monolith, Link::Broker(_)) => Err(anyhow!(words::no_broker_in_monolith())),
            _ if Link::all(mode).contains(&self) => Ok(self),
            _ => Err(anyhow!(words::no_link_in(mode, self, listed(&Link::all(mode))))),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::ClientGateway => f.pad("client-gateway"),
            Link::Gateway(service) => f.pad(&format!("gateway-{service}")),
            Link::Database(service) => f.pad(&format!("{service}-database")),
            Link::Broker(service) => f.pad(&format!("{service}-broker")),
        }
    }
}

impl FromStr for Link {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Link> {
        let mut all = Link::all(Mode::Split);
        all.extend(&Link::all(Mode::Monolith)[1..]);
        let found = all.iter().find(|link| link.to_string() == text).copied();
        found.ok_or_else(|| anyhow!(words::no_such_link(text, listed(&all))))
    }
}

fn listed(links: &[Link]) -> String {
    links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    #[test]
    fn a_link_is_read_as_it_is_written() {
        for mode in Mode::ALL {
            for link in Link::all(mode) {
                assert_eq!(link.to_string().parse::<Link>().unwrap(), link);
                assert_eq!(link.counterpart(mode).unwrap(), link);
            }
        }
        assert_eq!((Link::all(Mode::Split).len(), Link::all(Mode::Monolith).len()), (16, 3));
        let error = "gateway-nothing".parse::<Link>().unwrap_err().to_string();
        assert!(error.contains("gateway-inventory, ") && error.contains("monolith-database"), "{error}");
    }

    #[test]
    fn the_monolith_has_no_link_between_its_modules() {
        let in_monolith = |link: &str| link.parse::<Link>().unwrap().counterpart(Mode::Monolith);
        assert_eq!(in_monolith("orders-database").unwrap(), Link::Database(MONOLITH));
        let refused =
            |link: &str| language::with(Language::English, || in_monolith(link).unwrap_err().to_string());
        assert!(refused("gateway-orders").contains("in one process"));
        assert!(refused("orders-broker").contains("no broker"));
        assert!(Link::Database(MONOLITH).counterpart(Mode::Split).is_err());
    }
}

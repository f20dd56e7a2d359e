//! The links of a shop, in which proxies can be placed.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use crate::words;
use topology::{Driver, MONOLITH, SERVICES};

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
    /// All links of a shop with this driver.
    pub fn all(driver: Driver) -> Vec<Link> {
        let services = driver.services();
        let mut links = vec![Link::ClientGateway];
        links.extend(services.iter().copied().map(Link::Gateway));
        links.extend(services.iter().copied().map(Link::Database));
        if driver.has_messages() {
            links.extend(services.into_iter().map(Link::Broker));
        }
        links
    }

    /// The link of that shop that corresponds to this one, or an error that says why there is none.
    pub(super) fn counterpart(self, driver: Driver) -> Result<Link> {
        let services = driver.services();
        let at = |service: &'static str| match SERVICES.contains(&service) {
            true => driver.service_of(service),
            false => service,
        };
        let found = match self {
            Link::Gateway(service) if at(service) != service => {
                return Err(anyhow!(words::no_link_to_module(service)));
            }
            Link::Broker(_) if !driver.has_messages() => {
                return Err(anyhow!(words::no_broker_in_monolith()));
            }
            Link::Database(service) => Link::Database(at(service)),
            Link::Broker(service) => Link::Broker(at(service)),
            link => link,
        };
        match found {
            Link::ClientGateway => Ok(found),
            Link::Gateway(service) | Link::Database(service) | Link::Broker(service)
                if services.contains(&service) =>
            {
                Ok(found)
            }
            _ => Err(anyhow!(words::no_link_in(driver.mode(), self, listed(&Link::all(driver))))),
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
        let mut all = Link::all(Driver::Orchestrated);
        all.extend([Link::Gateway, Link::Database, Link::Broker].map(|of| of(MONOLITH)));
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
        let hybrid = "hybrid:payments".parse().unwrap();
        for driver in [Driver::Local, Driver::Orchestrated, hybrid] {
            for link in Link::all(driver) {
                assert_eq!(link.to_string().parse::<Link>().unwrap(), link);
                assert_eq!(link.counterpart(driver).unwrap(), link);
            }
        }
        let number = |driver| Link::all(driver).len();
        assert_eq!((number(Driver::Orchestrated), number(Driver::Local), number(hybrid)), (16, 3, 7));
        let error = "gateway-nothing".parse::<Link>().unwrap_err().to_string();
        assert!(error.contains("gateway-inventory, ") && error.contains("monolith-database"), "{error}");
    }

    #[test]
    fn the_monolith_has_no_link_between_its_modules() {
        let of = |driver, link: &str| link.parse::<Link>().unwrap().counterpart(driver);
        assert_eq!(of(Driver::Local, "orders-database").unwrap(), Link::Database(MONOLITH));
        let refused = |driver, link: &str| {
            language::with(Language::English, || of(driver, link).unwrap_err().to_string())
        };
        assert!(refused(Driver::Local, "gateway-orders").contains("in one process"));
        assert!(refused(Driver::Local, "orders-broker").contains("no broker"));
        assert!(Link::Database(MONOLITH).counterpart(Driver::Orchestrated).is_err());
        let hybrid = "hybrid:payments".parse().unwrap();
        assert_eq!(of(hybrid, "payments-database").unwrap(), Link::Database("payments"));
        assert_eq!(of(hybrid, "orders-broker").unwrap(), Link::Broker(MONOLITH));
        assert!(refused(hybrid, "gateway-catalog").contains("in one process"));
    }
}

//! A scenario: a timeline of load, faults, scaling and deployments.

mod written;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::load::Part;
use crate::words;
use faults::FaultSpec;
use terminal::text::Text;

/// A scenario that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it is called.
    pub name: Text,
    /// What it shows, in a sentence or two.
    pub about: Text,
    /// How long the load lasts.
    pub length: Duration,
    /// What must hold before and after.
    pub steady: Steady,
    /// The load, stretch by stretch, without gaps.
    pub parts: Vec<Part>,
    /// What is done when, in the order of time.
    pub steps: Vec<Step>,
}

/// The steady state: the shop must have it before the first disturbance, and again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Steady {
    /// The share of the requests of every capability that must be served.
    pub served: f64,
    /// The seconds at the start and at the end in which it is checked.
    pub over_s: f64,
}

impl Default for Steady {
    fn default() -> Steady {
        Steady { served: 0.99, over_s: 4.0 }
    }
}

/// Something that is done at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When, from the start of the load.
    pub at: Duration,
    /// What is done then.
    pub action: Action,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Disturbs something, and repairs it after the fault's time to live.
    Fault(FaultSpec),
    /// Sets the number of instances of a service, or of the monolith.
    Scale {
        /// The service. In the monolith it is the monolith.
        service: String,
        /// How many there are afterwards, from 1 to 8.
        instances: usize,
    },
    /// Replaces every instance of a service by a new one, one after another.
    Deploy {
        /// The service. In the monolith it is the monolith.
        service: String,
        /// For this time the deployment is repeated as soon as it is done; once if zero.
        again_for: Duration,
    },
    /// Sells this many products at half their price, and nearly all customers order them.
    FlashSale(FlashSale),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Fault(fault) => fault.fmt(f),
            Action::Scale { service, instances } => f.write_str(&words::scale_to(service, instances)),
            Action::Deploy { service, again_for } if again_for.is_zero() => {
                f.write_str(&words::deploy(service))
            }
            Action::Deploy { service, again_for } => {
                f.write_str(&words::deploy_again(service, format!("{again_for:?}")))
            }
            Action::FlashSale(sale) => f.write_str(&words::flash_sale(sale.products)),
        }
    }
}

/// A flash sale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlashSale {
    /// How many products.
    pub products: usize,
    /// Pieces of each at that price.
    pub quota: u32,
    /// Length in seconds.
    pub for_s: f64,
}

#[cfg(test)]
mod tests;

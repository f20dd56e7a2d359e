//! The modules that have left a monolith.

use std::fmt;
use std::str::FromStr;

use crate::words;

/// The modules that can leave. Orders stays at home: it owns the checkout, and calls all others.
pub const MOVABLE: [&str; 4] = ["catalog", "inventory", "payments", "shipping"];

/// Every set of movable modules by its name. Bit n of the index stands for module n.
const NAMES: [&str; 16] = [
    "",
    "catalog",
    "inventory",
    "catalog/inventory",
    "payments",
    "catalog/payments",
    "inventory/payments",
    "catalog/inventory/payments",
    "shipping",
    "catalog/shipping",
    "inventory/shipping",
    "catalog/inventory/shipping",
    "payments/shipping",
    "catalog/payments/shipping",
    "inventory/payments/shipping",
    "catalog/inventory/payments/shipping",
];

/// A set of modules that have left a monolith. Each runs as a service with its own database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Away(pub(crate) u8);

impl Away {
    /// Every set of at least one module.
    pub fn all() -> impl Iterator<Item = Away> {
        (1..16).map(Away)
    }

    /// The modules, in the order of the checkout's plan.
    pub fn modules(self) -> Vec<&'static str> {
        let is_away = |(n, module)| (self.0 >> n & 1 == 1).then_some(module);
        MOVABLE.into_iter().enumerate().filter_map(is_away).collect()
    }

    /// The same set with this module, or without it.
    pub fn with(self, module: &str, away: bool) -> Away {
        let bit = MOVABLE.iter().position(|movable| *movable == module).map_or(0, |n| 1 << n);
        Away(if away { self.0 | bit } else { self.0 & !bit })
    }

    /// Whether this module has left.
    pub fn has(self, module: &str) -> bool {
        self.modules().contains(&module)
    }

    /// The name, such as `payments/shipping`.
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Away {
    type Err = String;

    /// Parses `payments/shipping`: one module or more, in any order, each once.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut away = 0;
        for module in text.split('/') {
            let Some(n) = MOVABLE.iter().position(|movable| *movable == module) else {
                return Err(match module {
                    "orders" => words::orders_stays(),
                    module if module.contains('+') => words::together_not_yet(module),
                    module => words::cannot_leave(module, MOVABLE.join(", ")),
                });
            };
            if away >> n & 1 == 1 {
                return Err(words::leaves_twice(module));
            }
            away |= 1 << n;
        }
        Ok(Away(away))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_named_by_its_modules() {
        for away in Away::all() {
            assert_eq!(away.modules().join("/"), away.name());
            assert_eq!(away.name().parse(), Ok(away));
        }
        assert_eq!("shipping/payments".parse::<Away>().unwrap().name(), "payments/shipping");
    }

    #[test]
    fn what_cannot_leave_is_refused() {
        for bad in ["", "orders", "payments/payments", "billing", "payments/", "payments+shipping"] {
            assert!(bad.parse::<Away>().is_err(), "{bad}");
        }
    }
}

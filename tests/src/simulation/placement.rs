//! Which modules of a simulated hybrid are at home, and which have left.

use contracts::Command;

use super::node::Service;

/// The modules that share a process, a database and therefore a transaction with orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    away: u64,
}

/// The modules that can leave.
const MOVABLE: [Service; 4] = [Service::Catalog, Service::Inventory, Service::Payments, Service::Shipping];

impl Placement {
    /// Every module by itself, as in the split shop.
    pub const SPLIT: Placement = Placement { away: 0b1111 };

    /// The placement of a seed: at least one module is away. Fifteen seeds in a row have all fifteen placements.
    pub fn of(seed: u64) -> Placement {
        Placement { away: 1 + seed % 15 }
    }

    /// The process that runs this module, named by its main module.
    pub fn host(self, module: Service) -> Service {
        match MOVABLE.iter().position(|movable| *movable == module) {
            Some(n) if self.away >> n & 1 == 1 => module,
            _ => Service::Orders,
        }
    }

    /// Whether the orchestrator runs this command in its own transaction.
    pub fn is_at_home(self, command: &Command) -> bool {
        let module = Service::ALL.into_iter().find(|service| service.is_named_in(command.routing_key()));
        module.is_some_and(|module| self.host(module) == Service::Orders)
    }

    /// The modules in the process of this one.
    pub fn modules(self, host: Service) -> impl Iterator<Item = Service> {
        Service::ALL.into_iter().filter(move |module| self.host(*module) == self.host(host))
    }

    /// All processes.
    pub fn hosts(self) -> impl Iterator<Item = Service> {
        Service::ALL.into_iter().filter(move |module| self.host(*module) == *module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_seeds_have_fifteen_placements() {
        let sizes: Vec<usize> = (0..15).map(|seed| Placement::of(seed).hosts().count()).collect();
        assert_eq!(sizes.iter().filter(|processes| **processes == 2).count(), 4, "{sizes:?}");
        assert_eq!(sizes.iter().filter(|processes| **processes == 5).count(), 1, "{sizes:?}");
        assert!((0..15).all(|seed| Placement::of(seed).host(Service::Orders) == Service::Orders));
        assert_eq!(Placement::SPLIT.hosts().count(), 5);
        let modules = |seed| Placement::of(seed).modules(Service::Orders).count();
        assert_eq!((modules(0), modules(14)), (4, 1));
    }
}

//! The programs of a shop, as every way of running it needs them: `cleave up`, compose and Kubernetes.

use crate::driver::program;
use crate::{Driver, Mode};

/// A program of a shop. Of a service that scales out there are several processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The name of the service, e.g. `orders`.
    pub name: &'static str,
    /// The name of the program, e.g. `orders-service`.
    pub program: &'static str,
    /// Whether it has a database.
    pub has_database: bool,
    /// Whether it uses the broker.
    pub has_broker: bool,
    /// Whether clients send their requests to it.
    pub is_entrance: bool,
}

impl Mode {
    /// The programs that do the shop's work, the entrance last. What finds them is not among them: `cleave up` adds a
    /// registry, an orchestrator has its own names.
    pub fn parts(self) -> Vec<Part> {
        let driver = match self {
            Mode::Monolith => Driver::Local,
            Mode::Split | Mode::Hybrid => Driver::Orchestrated,
        };
        let part = |name, program| Part {
            name,
            program,
            has_database: true,
            has_broker: driver.has_messages(),
            is_entrance: !driver.has_messages(),
        };
        let gateway =
            Part { has_database: false, has_broker: false, is_entrance: true, ..part("gateway", "gateway") };
        let services = driver.services().into_iter().map(|name| part(name, program(name)));
        services.chain(driver.has_messages().then_some(gateway)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_one_entrance_and_programs_that_are_built() {
        for mode in Mode::ALL {
            let parts = mode.parts();
            assert_eq!(parts.iter().filter(|part| part.is_entrance).count(), 1);
        }
        assert_eq!(
            Mode::Split.parts().iter().filter(|part| part.has_database).count(),
            crate::SERVICES.len()
        );
    }
}

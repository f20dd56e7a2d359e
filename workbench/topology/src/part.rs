//! The programs of a shop, as every way of running it needs them: `cleave up`, compose and Kubernetes.

use crate::{Mode, SERVICES};

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
        let part = |name, program| Part {
            name,
            program,
            has_database: true,
            has_broker: self == Mode::Split,
            is_entrance: self == Mode::Monolith,
        };
        let gateway =
            Part { has_database: false, has_broker: false, is_entrance: true, ..part("gateway", "gateway") };
        match self {
            Mode::Monolith => vec![part("monolith", "monolith")],
            Mode::Split => {
                let services = SERVICES.map(|name| {
                    let program =
                        self.programs().iter().find(|program| program.strip_suffix("-service") == Some(name));
                    part(name, program.expect("each service has a program"))
                });
                services.into_iter().chain([gateway]).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_one_entrance_and_programs_that_are_built() {
        for mode in Mode::ALL {
            let parts = mode.parts();
            assert!(parts.iter().all(|part| mode.programs().contains(&part.program)), "{parts:?}");
            assert_eq!(parts.iter().filter(|part| part.is_entrance).count(), 1);
        }
        assert_eq!(Mode::Split.parts().iter().filter(|part| part.has_database).count(), SERVICES.len());
    }
}

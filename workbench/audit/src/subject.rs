//! What is audited, and what it is held to.

use std::collections::BTreeSet;

use terminal::text::Text;
use topology::ShopHandle;
use uuid::Uuid;

/// The subject of an audit.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The shop. Its driver determines what to read and what is allowed.
    pub shop: ShopHandle,
    /// What the load knows about the shop.
    pub expected: Expected,
}

impl Subject {
    /// A shop in interactive use: no load is known that it could be held to.
    pub fn of(shop: ShopHandle) -> Subject {
        Subject { shop, expected: Expected::default() }
    }

    /// The same shop, held to what a load knows about it.
    pub fn expecting(self, expected: Expected) -> Subject {
        Subject { expected, ..self }
    }
}

/// What the load knows about the shop, and the databases must agree with.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The orders that the shop accepted, according to the responses to the load; `None` if no list was kept. Then
    /// every order in the database counts as accepted.
    pub accepted: Option<Vec<Uuid>>,
    /// Number of poison messages that were sent. There must be exactly this many dead letters.
    pub poison: u64,
    /// The ids of the poison messages that have one; `None` if unknown. Then only the numbers are compared.
    pub poison_ids: Option<BTreeSet<String>>,
    /// The outcomes that the load should produce: `confirmed`, or a refusal's code.
    pub outcomes: Vec<String>,
    /// The number of orders per outcome that counts as enough evidence.
    pub min_per_outcome: u64,
    /// The requested faults. One that never fired means that too little was tried (I9).
    pub faults: Vec<Fault>,
}

/// A requested fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// A description of the fault.
    pub name: Text,
    /// Whether it hit anything.
    pub fired: bool,
}

//! What customers can do in a shop.

use serde::{Deserialize, Serialize};

/// Something that customers can do, in every mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Look at a product: `GET /products/{sku}`.
    Browse,
    /// Place an order: `POST /orders`.
    Order,
    /// Put money into a wallet: `POST /wallets/deposits`.
    Pay,
    /// Ask for the state of an order: `GET /orders/{id}`.
    Track,
}

impl Capability {
    /// All capabilities, in the order of the report.
    pub const ALL: [Capability; 4] =
        [Capability::Browse, Capability::Order, Capability::Pay, Capability::Track];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Browse => "browse",
            Capability::Order => "order",
            Capability::Pay => "pay",
            Capability::Track => "track",
        }
    }
}

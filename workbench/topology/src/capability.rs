//! What customers want of a shop.

use serde::{Deserialize, Serialize};

/// Something that customers want to do, whatever the shop is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// To look at a product: `GET /products/{sku}`.
    Browse,
    /// To place an order: `POST /orders`.
    Order,
    /// To put money into a wallet: `POST /wallets/deposits`.
    Pay,
    /// To ask what became of an order: `GET /orders/{id}`.
    Track,
}

impl Capability {
    /// All of them, in the order of the report.
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

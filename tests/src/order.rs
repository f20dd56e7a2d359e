//! What a shop sells, and the body of an order as customers send it.

use serde_json::{Value, json};

/// The price and stock of a new product.
#[derive(Debug, Clone, Copy)]
pub struct Goods {
    /// The price per unit, in minor units of the currency.
    pub price: i64,
    /// In stock. With 0 the inventory has never heard of the product.
    pub pieces: i64,
}

/// One line of an order.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The product.
    pub sku: &'a str,
    /// How many are ordered.
    pub pieces: i64,
    /// The price per unit that the customer saw, in minor units of the currency.
    pub price: i64,
}

/// The body of `POST /orders`. It is not checked, because some cases send what the API must refuse.
pub fn order(customer: &str, region: &str, lines: &[Line<'_>]) -> Value {
    let line =
        |line: &Line<'_>| json!({ "sku": line.sku, "quantity": line.pieces, "unit_price": line.price });
    let lines: Vec<Value> = lines.iter().map(line).collect();
    json!({ "customer_id": customer, "region": region, "lines": lines })
}

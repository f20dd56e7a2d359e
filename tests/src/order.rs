//! What a shop sells, and the body of an order, as customers send it.

use serde_json::{Value, json};

/// What a new product costs, per piece, and how many of it are in stock.
#[derive(Debug, Clone, Copy)]
pub struct Goods {
    /// In the smallest unit of the currency.
    pub price: i64,
    /// With 0 the inventory has never heard of the product.
    pub pieces: i64,
}

/// One line of an order.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The product.
    pub sku: &'a str,
    /// How many are ordered.
    pub pieces: i64,
    /// What the customer was shown, per piece, in the smallest unit of the currency.
    pub price: i64,
}

/// The body of `POST /orders`. Nothing is checked: some cases send what the API must refuse.
pub fn order(customer: &str, region: &str, lines: &[Line<'_>]) -> Value {
    let line =
        |line: &Line<'_>| json!({ "sku": line.sku, "quantity": line.pieces, "unit_price": line.price });
    let lines: Vec<Value> = lines.iter().map(line).collect();
    json!({ "customer_id": customer, "region": region, "lines": lines })
}

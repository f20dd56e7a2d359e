//! What a customer asks for, and the order that results.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{CustomerId, Invalid, Money, OrderId, Quantity, Region, Sku};

/// The maximum number of lines in an order.
pub const MAX_LINES: usize = 100;

/// One product in an order, at the price that the customer was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The product.
    pub sku: Sku,
    /// How many units of it.
    pub quantity: Quantity,
    /// The price per unit that the customer saw, in minor units.
    pub unit_price: Money,
}

/// The body of `POST /orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The customer, whose wallet pays.
    pub customer_id: CustomerId,
    /// The region to ship to.
    pub region: Region,
    /// The products: 1 to [`MAX_LINES`] lines, each product once.
    pub lines: Vec<OrderLine>,
}

/// An order with everything that any checkout step needs. No step adds to it, so each step can be done from it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// The id that the shop assigned.
    pub order_id: OrderId,
    /// The customer whose wallet pays.
    pub customer_id: CustomerId,
    /// The region to ship to.
    pub region: Region,
    /// The products, sorted by sku. Transactions that lock rows in this order cannot deadlock: rule 27 (lock order).
    pub lines: Vec<OrderLine>,
    /// The sum of the lines, in minor units.
    pub total: Money,
}

impl PlacedOrder {
    /// Checks a request and assigns its id. Fails if no shop could accept the order, regardless of stock and prices.
    pub fn new(order_id: OrderId, request: OrderRequest) -> Result<Self, Invalid> {
        let OrderRequest { customer_id, region, mut lines } = request;
        if lines.is_empty() || lines.len() > MAX_LINES {
            return Err(Invalid(format!("an order must have 1 to {MAX_LINES} lines, not {}", lines.len())));
        }
        lines.sort_by(|a, b| a.sku.cmp(&b.sku));
        if let Some(pair) = lines.windows(2).find(|pair| pair[0].sku == pair[1].sku) {
            return Err(Invalid(format!("{} is in two lines; use one line with the sum", pair[0].sku)));
        }
        if let Some(line) = lines.iter().find(|line| line.unit_price < Money::ZERO) {
            return Err(Invalid(format!("the unit_price of {} is negative", line.sku)));
        }
        let total = lines
            .iter()
            .try_fold(Money::ZERO, |sum, line| sum.checked_add(line.unit_price.checked_times(line.quantity)?))
            .ok_or_else(|| Invalid("the order's total does not fit in 64 bits".into()))?;
        Ok(Self { order_id, customer_id, region, lines, total })
    }
}

/// The path of the order that was placed with this idempotency key. Unlike an order's id, the client knows its key even
/// if it never got a response: rule 53 (three outcomes).
pub fn path_by_key(key: &str) -> String {
    format!("/orders/by-key?idempotency_key={}", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, i64, i64)]) -> OrderRequest {
        OrderRequest {
            customer_id: "c-1".parse().unwrap(),
            region: "seoul".parse().unwrap(),
            lines: lines
                .iter()
                .map(|&(sku, quantity, price)| OrderLine {
                    sku: sku.parse().unwrap(),
                    quantity: quantity.try_into().unwrap(),
                    unit_price: Money(price),
                })
                .collect(),
        }
    }

    #[test]
    fn lines_are_sorted_and_summed() {
        let order = PlacedOrder::new(OrderId::new(), request(&[("b", 2, 10), ("a", 1, 5)])).unwrap();
        assert_eq!(order.total, Money(25));
        assert_eq!(order.lines[0].sku.as_str(), "a");
    }

    #[test]
    fn impossible_orders_are_not_placed() {
        for lines in [&[][..], &[("a", 1, 1), ("a", 2, 1)], &[("a", 1, -1)], &[("a", 2, i64::MAX)]] {
            assert!(PlacedOrder::new(OrderId::new(), request(lines)).is_err(), "{lines:?}");
        }
    }
}

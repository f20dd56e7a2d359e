//! The catalog's rules, on plain values.

use std::collections::BTreeMap;

use contracts::{Error, Money, OrderLine, Quantity, RefusalCode, Sku};
use serde::{Deserialize, Serialize};

/// A product, as in the bodies of `PUT /products` and `GET /products`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The key; order lines refer to it.
    pub sku: Sku,
    /// The name shown to customers.
    pub name: String,
    /// The price per unit, in minor units.
    pub price: Money,
    /// The time sale, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
}

/// A limited number of units at a lower price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// The price per unit in the sale, in minor units.
    pub price: Money,
    /// How many units are sold at that price, at most.
    #[serde(deserialize_with = "contracts::whole::deserialize")]
    pub quota: i64,
    /// How many units orders have claimed so far.
    #[serde(default, deserialize_with = "contracts::whole::deserialize")]
    pub claimed: i64,
}

impl Product {
    /// Why the product is invalid, or `None` if it is valid.
    pub fn flaw(&self) -> Option<String> {
        let length = self.name.chars().count();
        if length == 0 || length > 200 || self.name.contains('\0') {
            return Some(format!("the name of {} must be 1 to 200 characters without NUL", self.sku));
        }
        let prices = [Some(self.price), self.sale.as_ref().map(|sale| sale.price)];
        if prices.iter().flatten().any(|price| *price < Money::ZERO) {
            return Some(format!("a price of {} is negative", self.sku));
        }
        self.sale
            .as_ref()
            .filter(|sale| sale.quota < 0)
            .map(|_| format!("the quota of {} is negative", self.sku))
    }
}

/// Complains about a product that is listed more than once with different content, since either could be meant.
pub fn contradiction(products: &[Product]) -> Option<String> {
    let mut known: BTreeMap<&Sku, &Product> = BTreeMap::new();
    let product = products
        .iter()
        .find_map(|product| known.insert(&product.sku, product).filter(|earlier| *earlier != product))?;
    Some(format!("{} is in the list more than once, with different values; list it once", product.sku))
}

/// Units of one product, claimed of its sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// The product.
    pub sku: Sku,
    /// How many units, at least one.
    pub quantity: Quantity,
}

/// The state of an order's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// These units are claimed.
    Claimed(Vec<Pieces>),
    /// The units are free again, or were never claimed and never will be: rule 19 (tombstone).
    Released,
}

/// Returns what the order must claim of sales (often nothing), or a refusal if a price shown is not the current price.
pub fn honour(lines: &[OrderLine], products: &[Product]) -> Result<Vec<Pieces>, Error> {
    let mut claims = Vec::new();
    for line in lines {
        let Some(product) = products.iter().find(|product| product.sku == line.sku) else {
            let detail = format!("there is no product {}", line.sku);
            return Err(Error::refused(RefusalCode::UnknownProduct, detail));
        };
        if product.price == line.unit_price {
            continue;
        }
        let Some(sale) = product.sale.as_ref().filter(|sale| sale.price == line.unit_price) else {
            let detail = format!("{} now costs {}, not {}", line.sku, product.price, line.unit_price);
            return Err(Error::refused(RefusalCode::PriceChanged, detail));
        };
        let left = sale.quota - sale.claimed;
        if left < line.quantity.get() {
            let detail = format!("the sale of {} has {left} left, {} ordered", line.sku, line.quantity);
            return Err(Error::refused(RefusalCode::SaleSoldOut, detail));
        }
        claims.push(Pieces { sku: line.sku.clone(), quantity: line.quantity });
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: i64, price: i64) -> OrderLine {
        OrderLine {
            sku: "a".parse().unwrap(),
            quantity: quantity.try_into().unwrap(),
            unit_price: Money(price),
        }
    }

    fn code(answer: Result<Vec<Pieces>, Error>) -> RefusalCode {
        match answer {
            Err(Error::Refused(refusal)) => refusal.code,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_list_does_not_contradict_itself() {
        let product = |sku: &str, price| Product {
            sku: sku.parse().unwrap(),
            name: "A".into(),
            price: Money(price),
            sale: None,
        };
        assert_eq!(contradiction(&[product("a", 1), product("b", 2), product("a", 1)]), None);
        assert!(
            contradiction(&[product("a", 1), product("b", 2), product("a", 2)]).unwrap().starts_with("a ")
        );
    }

    #[test]
    fn a_price_holds_or_the_order_does_not() {
        let sale = Sale { price: Money(60), quota: 3, claimed: 1 };
        let product =
            Product { sku: "a".parse().unwrap(), name: "A".into(), price: Money(100), sale: Some(sale) };
        let products = [product];
        assert!(honour(&[line(9, 100)], &products).unwrap().is_empty(), "no claim at the full price");
        assert_eq!(honour(&[line(2, 60)], &products).unwrap()[0].quantity.get(), 2);
        assert_eq!(code(honour(&[line(3, 60)], &products)), RefusalCode::SaleSoldOut);
        assert_eq!(code(honour(&[line(1, 99)], &products)), RefusalCode::PriceChanged);
        assert_eq!(code(honour(&[line(1, 100)], &[])), RefusalCode::UnknownProduct);
    }
}

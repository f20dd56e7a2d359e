//! Words of the shop in code that must know nothing of it.

use super::modules::Sources;
use super::text::{code_of, without_tests};

/// A part of an identifier that only the business uses. `order` alone is not among them: spans, logs and errors name
/// the order that they are about.
const WORDS: [&str; 28] = [
    "basket",
    "captured",
    "cart",
    "catalog",
    "checkout",
    "coin",
    "customer",
    "deposit",
    "inventory",
    "money",
    "orders",
    "payment",
    "payments",
    "price",
    "prices",
    "product",
    "products",
    "quota",
    "refund",
    "region",
    "reservation",
    "sale",
    "shipment",
    "shipping",
    "sku",
    "skus",
    "stock",
    "wallet",
];

/// The identifiers with such words, outside comments, literals and tests.
pub fn business_in(sources: &Sources) -> Vec<String> {
    let code = sources.iter().map(|(file, text)| (file, without_tests(&code_of(text)).0));
    code.flat_map(|(file, code)| {
        let lines = code.lines().enumerate();
        let found = lines.flat_map(|(n, line)| {
            let named = identifiers(line)
                .filter(|name| words(name).iter().any(|word| WORDS.contains(&word.as_str())));
            named.map(move |name| format!("{file}:{} names {name}", n + 1)).collect::<Vec<_>>()
        });
        found.collect::<Vec<_>>()
    })
    .collect()
}

fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty())
}

/// The words of an identifier: `OrderLine` and `order_line` are *order* and *line*.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = c;
    }
    words
}

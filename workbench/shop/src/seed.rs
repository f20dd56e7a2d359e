//! The products, stock and money with which a shop starts. The same seed gives the same data.

use anyhow::{Context, Result, bail};
use contracts::Money;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::try_join_all;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Shop, words};

/// Number of products in the catalogue.
pub const PRODUCTS: usize = 1_000;
/// This many products, the last ones, have no stock.
pub const SOLD_OUT: usize = 20;
/// Number of customers with a wallet.
pub const CUSTOMERS: usize = 10_000;
/// This many customers, the last ones, have an empty wallet.
pub const POOR: usize = 100;

/// Pieces of each product that has stock: more than any load can order.
const STOCK: i64 = 1_000_000;
/// Minor units in each wallet that is not empty: more than any load can spend.
const MONEY: i64 = 100_000_000_000;
/// Prices in minor units. Never zero, so that customers without money cannot buy.
const PRICES: std::ops::Range<i64> = 100..50_000;

/// The products and their prices.
#[derive(Debug, Clone)]
pub struct Goods {
    seed: u64,
    prices: Vec<i64>,
}

impl Goods {
    /// The goods of a seed.
    pub fn new(seed: u64) -> Goods {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        Goods { seed, prices: (0..PRODUCTS).map(|_| random.random_range(PRICES)).collect() }
    }

    /// The price of one unit of a product.
    pub fn price(&self, product: usize) -> Money {
        Money(self.prices[product])
    }

    /// Adds products, stock and money to a shop, through its public HTTP endpoints.
    pub async fn put_into(&self, shop: &Shop) -> Result<()> {
        self.send_to(&shop.address).await?;
        analyze(shop).await
    }

    /// Sends them to the shop at this address. A second time has no further effect.
    pub async fn send_to(&self, address: &str) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = |path: &str| format!("{address}{path}");
        send(client.put(url("/products")), self.products()).await?;
        send(client.post(url("/stock/receipts")), self.receipt()).await?;
        send(client.post(url("/wallets/deposits")), self.deposits()).await
    }

    /// Puts the first `products` products on sale at the shop with this address, `quota` units of each.
    pub async fn put_on_sale(&self, address: &str, products: usize, quota: u64) -> Result<()> {
        let product = |n: usize| {
            let price = self.price(n);
            let sale = json!({ "price": sale_price(price), "quota": quota });
            json!({ "sku": sku(n), "name": format!("On sale no. {}", n + 1), "price": price, "sale": sale })
        };
        let products: Vec<_> = (0..products).map(product).collect();
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.put(format!("{address}/products")).json(&products).send().await?.error_for_status()?;
        Ok(())
    }

    fn products(&self) -> Value {
        let product = |(index, price)| json!({ "sku": sku(index), "name": name(index), "price": price });
        self.prices.iter().enumerate().map(product).collect()
    }

    fn receipt(&self) -> Value {
        let line = |product| json!({ "sku": sku(product), "quantity": STOCK });
        let lines: Vec<Value> = (0..PRODUCTS - SOLD_OUT).map(line).collect();
        json!({ "receipt_id": self.id("receipt"), "lines": lines })
    }

    fn deposits(&self) -> Value {
        let deposit = |index| {
            let customer = customer(index);
            let amount = if index < CUSTOMERS - POOR { MONEY } else { 0 };
            json!({ "deposit_id": self.id(&customer), "customer_id": customer, "amount": amount })
        };
        (0..CUSTOMERS).map(deposit).collect()
    }

    /// Derived from the name, so that seeding a shop twice has the same effect as seeding it once.
    fn id(&self, name: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("cleave seed {} {name}", self.seed).as_bytes())
    }
}

/// The id of a product.
pub fn sku(product: usize) -> String {
    format!("product-{:04}", product + 1)
}

/// The id of a customer.
pub fn customer(customer: usize) -> String {
    format!("customer-{:05}", customer + 1)
}

fn name(product: usize) -> String {
    const COLOURS: [&str; 8] = ["Red", "Blue", "Green", "Black", "White", "Amber", "Violet", "Grey"];
    const THINGS: [&str; 8] = ["mug", "lamp", "chair", "kettle", "bag", "clock", "blanket", "umbrella"];
    format!("{} {} no. {}", COLOURS[product % 8], THINGS[product / 8 % 8], product + 1)
}

async fn send(request: reqwest::RequestBuilder, body: Value) -> Result<()> {
    let response = request.json(&body).send().await.with_context(words::not_seeded)?;
    if !response.status().is_success() {
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        bail!(words::not_seeded_with(status, text));
    }
    Ok(())
}

/// Updates the statistics of the tables that have rows by now. Statistics of an empty table would make prepared
/// statements use sequential scans, even after the table has grown.
async fn analyze(shop: &Shop) -> Result<()> {
    let seeded = [
        (&shop.databases.catalog, "ANALYZE catalog.products"),
        (&shop.databases.inventory, "ANALYZE inventory.stock"),
        (&shop.databases.payments, "ANALYZE payments.wallets, payments.entries"),
    ];
    let analyzing = seeded.into_iter().map(|(url, statement)| async move {
        servers::connect(url).await?.batch_execute(statement).await?;
        anyhow::Ok(())
    });
    try_join_all(analyzing).await.with_context(words::cannot_analyze)?;
    Ok(())
}

/// The price in a flash sale: half the normal price.
pub fn sale_price(price: Money) -> Money {
    Money(price.0 / 2)
}

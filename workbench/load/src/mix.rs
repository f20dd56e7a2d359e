//! The orders to send: a stream determined by a seed.

use std::collections::BTreeMap;

use contracts::{Money, OrderLine, OrderRequest};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::Zipf;

use shop::seed::{CUSTOMERS, Goods, POOR, PRODUCTS, SOLD_OUT, customer, sku};

/// Popularity falls with rank by Zipf's law with this exponent. It is the value nearest to 1 that pgbench's
/// `random_zipfian` accepts, so that both can use the same one.
pub const ZIPF_EXPONENT: f64 = 1.001;

/// The most units per line.
const MOST_PIECES: i64 = 3;
/// The most lines per order.
const MOST_LINES: usize = 3;

const REGIONS: [&str; 8] = ["seoul", "busan", "incheon", "daegu", "daejeon", "gwangju", "ulsan", "sejong"];
/// An island to which the shop does not ship.
const NOT_SERVED: &str = "jeju";

/// The outcome for which an order is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intended {
    /// The order can be confirmed.
    Confirmed,
    /// One line has an outdated price.
    PriceChanged,
    /// One line has a product that was never in stock.
    OutOfStock,
    /// The customer's wallet is empty.
    InsufficientFunds,
    /// The order's region is not served.
    RegionNotServed,
}

impl Intended {
    /// All outcomes, with their shares of the orders in per mille.
    pub const SHARES: Shares = [
        (Intended::Confirmed, 900),
        (Intended::PriceChanged, 25),
        (Intended::OutOfStock, 25),
        (Intended::InsufficientFunds, 25),
        (Intended::RegionNotServed, 25),
    ];

    /// Its name in the record of a run: `confirmed`, or the refusal's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Intended::Confirmed => "confirmed",
            Intended::PriceChanged => "price_changed",
            Intended::OutOfStock => "out_of_stock",
            Intended::InsufficientFunds => "insufficient_funds",
            Intended::RegionNotServed => "region_not_served",
        }
    }

    /// The outcome with this name in a record.
    pub fn parse(word: &str) -> Option<Intended> {
        Intended::SHARES.into_iter().map(|(intended, _)| intended).find(|intended| intended.as_str() == word)
    }

    /// The shares as they are written to the record of a run.
    pub fn shares() -> BTreeMap<String, f64> {
        let share = |(intended, per_mille): (Intended, u32)| {
            (intended.as_str().to_owned(), f64::from(per_mille) / 1000.0)
        };
        Intended::SHARES.into_iter().map(share).collect()
    }

    fn draw(random: &mut Xoshiro256PlusPlus, shares: &Shares) -> Intended {
        let mut left = random.random_range(0..1000);
        for (intended, share) in shares {
            if left < *share {
                return *intended;
            }
            left -= share;
        }
        unreachable!("the shares sum to 1,000")
    }
}

/// Outcomes and their shares of the orders in per mille, which sum to 1,000.
pub type Shares = [(Intended, u32); 5];

/// An order, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The `Idempotency-Key`.
    pub key: String,
    /// The body of `POST /orders`.
    pub body: OrderRequest,
    /// The outcome for which it is built.
    pub intended: Intended,
}

/// All orders of a seed.
#[derive(Debug, Clone)]
pub struct Mix {
    seed: u64,
    first: u64,
    shares: Shares,
    goods: Goods,
    popularity: Zipf<f64>,
}

impl Mix {
    /// The orders of a seed, with the goods of the same seed.
    pub fn new(seed: u64) -> Mix {
        let in_stock = (PRODUCTS - SOLD_OUT) as f64;
        let popularity = Zipf::new(in_stock, ZIPF_EXPONENT).expect("both are constants and above zero");
        Mix { seed, first: 0, shares: Intended::SHARES, goods: Goods::new(seed), popularity }
    }

    /// The price of one unit of a product.
    pub fn price(&self, product: usize) -> Money {
        self.goods.price(product)
    }

    /// The same orders from the given index on. A second load on the same shop must not repeat the keys of the first.
    pub fn starting_at(self, first: u64) -> Mix {
        Mix { first, ..self }
    }

    /// The same orders with other shares of outcomes, which must sum to 1,000.
    pub fn with_shares(self, shares: Shares) -> Mix {
        Mix { shares, ..self }
    }

    /// The n-th order while the first `on_sale` products are on sale: nine in ten customers order one unit of these
    /// instead.
    pub fn order_in_sale(&self, n: u64, on_sale: usize) -> Order {
        let mut order = self.order(n);
        if on_sale == 0 || n % 10 == 9 {
            return order;
        }
        let product = (n as usize / 10) % on_sale;
        order.body.lines.truncate(1);
        let line = &mut order.body.lines[0];
        line.sku = sku(product).parse().expect("made of letters and digits");
        line.quantity = 1.try_into().expect("one is a quantity");
        line.unit_price = shop::seed::sale_price(self.price(product));
        order
    }

    /// The n-th order. It depends on the seed and `n` only, not on the order of the calls.
    pub fn order(&self, n: u64) -> Order {
        let n = self.first + n;
        // An odd factor gives every n its own stream.
        let mut random =
            Xoshiro256PlusPlus::seed_from_u64(self.seed ^ (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let intended = Intended::draw(&mut random, &self.shares);
        let mut lines = self.lines(&mut random);
        match intended {
            Intended::PriceChanged => lines[0].unit_price.0 -= 1,
            Intended::OutOfStock => {
                lines[0] = self.line(random.random_range(PRODUCTS - SOLD_OUT..PRODUCTS), 1);
            }
            _ => {}
        }
        let customers = match intended {
            Intended::InsufficientFunds => CUSTOMERS - POOR..CUSTOMERS,
            _ => 0..CUSTOMERS - POOR,
        };
        let region = match intended {
            Intended::RegionNotServed => NOT_SERVED,
            _ => REGIONS[random.random_range(0..REGIONS.len())],
        };
        let customer_id =
            customer(random.random_range(customers)).parse().expect("made of letters and digits");
        let region = region.parse().expect("made of letters");
        Order {
            key: format!("cleave-{}-{n}", self.seed),
            body: OrderRequest { customer_id, region, lines },
            intended,
        }
    }

    /// One to three different products that are in stock; popular ones are more frequent.
    fn lines(&self, random: &mut Xoshiro256PlusPlus) -> Vec<OrderLine> {
        let count = random.random_range(1..=MOST_LINES);
        let mut products: Vec<usize> = Vec::with_capacity(count);
        while products.len() < count {
            let product = random.sample(self.popularity) as usize - 1;
            if !products.contains(&product) {
                products.push(product);
            }
        }
        products.into_iter().map(|product| self.line(product, random.random_range(1..=MOST_PIECES))).collect()
    }

    fn line(&self, product: usize, pieces: i64) -> OrderLine {
        let Money(unit_price) = self.goods.price(product);
        OrderLine {
            sku: sku(product).parse().expect("made of letters and digits"),
            quantity: pieces.try_into().expect("between one and three"),
            unit_price: Money(unit_price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_sends_the_same_orders() {
        let (one, other) = (Mix::new(7), Mix::new(7));
        // The order of the calls makes no difference.
        let backwards: Vec<Order> = (0..500).rev().map(|n| other.order(n)).collect();
        assert!((0..500).map(|n| one.order(n)).eq(backwards.into_iter().rev()));
        assert_ne!(one.order(1).body, Mix::new(8).order(1).body);
    }

    #[test]
    fn every_outcome_has_its_share() {
        let mix = Mix::new(1);
        let mut counts: BTreeMap<Intended, u32> = BTreeMap::new();
        for n in 0..20_000 {
            *counts.entry(mix.order(n).intended).or_default() += 1;
        }
        for (intended, share) in Intended::SHARES {
            let (got, want) = (f64::from(counts[&intended]) / 20_000.0, f64::from(share) / 1000.0);
            assert!((got - want).abs() < 0.008, "{intended:?}: {got} instead of {want}");
        }
    }

    #[test]
    fn popular_products_are_ordered_more_often() {
        let mix = Mix::new(1);
        let lines = || (0..20_000).flat_map(|n| mix.order(n).body.lines);
        let ordered = |product| lines().filter(|line| line.sku.as_str() == sku(product)).count() as f64;
        // By Zipf's law two and ten times. The first ratio is lower, because an order contains the most popular
        // product at most once.
        assert!((1.4..2.2).contains(&(ordered(0) / ordered(1))));
        assert!((5.0..12.0).contains(&(ordered(0) / ordered(9))));
    }

    #[test]
    fn an_order_can_be_placed_and_fails_in_one_way_only() {
        let mix = Mix::new(3);
        for n in 0..5_000 {
            let order = mix.order(n);
            let body = &order.body;
            assert!(contracts::PlacedOrder::new(contracts::OrderId::new(), body.clone()).is_ok());
            let product = |line: &OrderLine| (0..PRODUCTS).find(|p| sku(*p) == line.sku.as_str()).unwrap();
            let stale = body.lines.iter().any(|line| line.unit_price != mix.goods.price(product(line)));
            let missing = body.lines.iter().any(|line| product(line) >= PRODUCTS - SOLD_OUT);
            let poor = body.customer_id.as_str() > customer(CUSTOMERS - POOR - 1).as_str();
            let far = body.region.as_str() == NOT_SERVED;
            let flaws = [
                (Intended::PriceChanged, stale),
                (Intended::OutOfStock, missing),
                (Intended::InsufficientFunds, poor),
                (Intended::RegionNotServed, far),
            ];
            for (intended, flaw) in flaws {
                assert_eq!(flaw, order.intended == intended, "order {n}: {order:?}");
            }
        }
    }
}

//! A small shop with demanding clients: little stock and little money, so that orders compete.

use catalog::{Product, Sale};
use contracts::{Money, OrderId, OrderLine, OrderRequest, Sku};
use inventory::{Pieces, Receipt};
use orders::NewOrder;
use payments::Deposit;
use uuid::Uuid;

use super::choices::Dice;

/// The initial shop, and the requests to it.
pub struct Scenario {
    pub products: Vec<Product>,
    /// The requests, in the order of their first attempts.
    pub errands: Vec<Errand>,
    /// After this many steps without an answer, a command is sent again.
    pub answer_within: u64,
    /// Whether each errand waits until the shop is idle. The outcomes must then equal the monolith's.
    pub one_at_a_time: bool,
    /// How many steps may have faults. After that, none do.
    pub length: u32,
}

/// A request that a client repeats until there is a response.
#[derive(Clone)]
pub enum Errand {
    Order(NewOrder),
    Deposit(Deposit),
    Receipt(Receipt),
}

const SKUS: [&str; 3] = ["tea", "cup", "pot"];
const CUSTOMERS: [&str; 3] = ["ann", "bob", "cho"];

impl Scenario {
    /// The scenario of a seed.
    pub fn new(seed: u64) -> Scenario {
        let mut dice = Dice::new(seed, 0);
        let products = vec![
            product("tea", 100, Some(Sale { price: Money(60), quota: amount(&mut dice, 1, 3), claimed: 0 })),
            product("cup", 250, None),
            product("pot", 400, None),
        ];
        // Opening stock and wallets are errands too, and may come after the first orders.
        let mut errands = Vec::new();
        for sku in SKUS {
            errands.push(Errand::Receipt(receipt(&mut dice, sku)));
        }
        for customer in CUSTOMERS {
            errands.push(Errand::Deposit(deposit(&mut dice, customer)));
        }
        let opening = errands.len();
        for number in 0..3 + dice.below(6) {
            let request = request(&mut dice);
            let key = format!("key-{number}");
            errands.push(order(&key, request.clone()));
            if dice.one_in(4) {
                errands.push(order(&key, request.clone()));
            }
            if dice.one_in(10) {
                errands.push(order(
                    &key,
                    OrderRequest { region: "daegu".parse().expect("a region"), ..request },
                ));
            }
        }
        for _ in 0..dice.below(3) {
            let customer = dice.pick(&CUSTOMERS);
            let deposit = Errand::Deposit(deposit(&mut dice, customer));
            errands.extend([deposit.clone(), deposit]);
        }
        for _ in 0..dice.below(3) {
            let sku = dice.pick(&SKUS);
            let receipt = Errand::Receipt(receipt(&mut dice, sku));
            errands.extend([receipt.clone(), receipt]);
        }
        let from = if dice.one_in(3) { 0 } else { opening };
        shuffle(&mut dice, &mut errands[from..]);
        for (number, errand) in errands.iter_mut().enumerate() {
            if let Errand::Order(new) = errand {
                new.placed.order_id = OrderId(id(seed, number));
            }
        }
        Scenario {
            products,
            errands,
            answer_within: dice.pick(&[6, 25, 120]),
            one_at_a_time: dice.one_in(4),
            length: dice.pick(&[40, 100, 250]),
        }
    }

    /// Whether every shop must refuse this order, no matter what else happens.
    pub fn is_hopeless(&self, new: &contracts::PlacedOrder) -> bool {
        let has_price = |line: &OrderLine| {
            let known = self.products.iter().find(|product| product.sku == line.sku);
            known.is_some_and(|product| {
                let sale = product.sale.as_ref().map(|sale| sale.price);
                [Some(product.price), sale].contains(&Some(line.unit_price))
            })
        };
        !shipping::SERVED.contains(&new.region.as_str()) || !new.lines.iter().all(has_price)
    }
}

/// The upper half is the seed, and the lower half the number of the errand.
fn id(seed: u64, number: usize) -> Uuid {
    Uuid::from_u64_pair(seed, (1 << 63) | number as u64)
}

fn product(sku: &str, price: i64, sale: Option<Sale>) -> Product {
    Product { sku: self::sku(sku), name: sku.to_owned(), price: Money(price), sale }
}

fn sku(text: &str) -> Sku {
    text.parse().expect("a sku")
}

fn amount(dice: &mut Dice, from: u32, to: u32) -> i64 {
    i64::from(from + dice.below(to - from + 1))
}

fn order(key: &str, request: OrderRequest) -> Errand {
    Errand::Order(NewOrder::new(key, request).expect("an order that can be placed"))
}

fn deposit(dice: &mut Dice, customer: &str) -> Deposit {
    let amount = Money(100 * amount(dice, 0, 9));
    Deposit { deposit_id: any_id(dice), customer_id: customer.parse().expect("a customer"), amount }
}

fn receipt(dice: &mut Dice, sku: &str) -> Receipt {
    let quantity = amount(dice, 1, 4).try_into().expect("a quantity");
    Receipt { receipt_id: any_id(dice), lines: vec![Pieces { sku: self::sku(sku), quantity }] }
}

fn any_id(dice: &mut Dice) -> Uuid {
    Uuid::from_u64_pair(u64::from(dice.below(u32::MAX)), u64::from(dice.below(u32::MAX)))
}

fn request(dice: &mut Dice) -> OrderRequest {
    let first = dice.below(3) as usize;
    let lines = (0..=dice.below(2) as usize).map(|next| line(dice, SKUS[(first + next) % 3])).collect();
    OrderRequest {
        customer_id: dice.pick(&CUSTOMERS).parse().expect("a customer"),
        region: dice
            .pick(&["seoul", "seoul", "seoul", "seoul", "busan", "busan", "busan", "atlantis"])
            .parse()
            .expect("a region"),
        lines,
    }
}

fn line(dice: &mut Dice, sku: &str) -> OrderLine {
    let full = match sku {
        "tea" => dice.pick(&[60, 60, 100]),
        "cup" => 250,
        _ => 400,
    };
    let (sku, price) = match dice.below(24) {
        0 => (self::sku(sku), full - 1),
        1 => (self::sku(&format!("no-{sku}")), full),
        _ => (self::sku(sku), full),
    };
    OrderLine { sku, quantity: amount(dice, 1, 2).try_into().expect("a quantity"), unit_price: Money(price) }
}

fn shuffle<T>(dice: &mut Dice, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, dice.below(u32::try_from(last + 1).expect("few errands")) as usize);
    }
}

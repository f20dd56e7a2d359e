//! I3 and I4: each order is paid once, and money is neither made nor lost.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::inspection::Inspection;
use super::records::{Entry, Order, Records};
use crate::{Audit, words};
use terminal::text::Text;

/// The account that receives captures.
const SALES: &str = "sales";
/// The account for money that is authorized, and not yet captured or voided.
const HELD: &str = "held";

/// The ledger's figures for one order.
#[derive(Default)]
struct Paid {
    captures: u64,
    refunds: u64,
    net: i64,
    held: i64,
}

/// At most one capture per order. For a confirmed order the total was paid, for any other nothing, and no money is
/// still held. The ledger says so, and the payment's own row agrees with it.
pub(super) fn each_order_is_paid_once(records: &Records) -> Audit {
    let mut inspection = Inspection::of("I3", words::i3());
    let mut paid: HashMap<Uuid, Paid> = HashMap::new();
    for entry in records.entries.iter().filter(|entry| entry.account == SALES) {
        let order = paid.entry(entry.reference).or_default();
        order.net += entry.amount;
        match entry.operation.as_str() {
            "capture" => order.captures += 1,
            _ => order.refunds += 1,
        }
    }
    for entry in records.entries.iter().filter(|entry| entry.account == HELD) {
        paid.entry(entry.reference).or_default().held += entry.amount;
    }
    for order in &records.orders {
        let paid = paid.remove(&order.order_id).unwrap_or_default();
        inspection.look(flaw_of_payment(records, order, &paid));
    }
    for (id, paid) in paid {
        inspection.look(Some(words::paid_for_nothing(paid.net, paid.held, id)));
    }
    let captures =
        records.entries.iter().filter(|entry| entry.account == SALES && entry.operation == "capture");
    inspection.close(words::captures_seen(records.orders.len(), captures.count()))
}

fn flaw_of_payment(records: &Records, order: &Order, paid: &Paid) -> Option<Text> {
    let id = order.order_id;
    let due = if order.is_confirmed() { order.total } else { 0 };
    if paid.captures > 1 || paid.refunds > paid.captures {
        return Some(words::captured_twice(id, paid.captures, paid.refunds));
    }
    if paid.net != due {
        return Some(words::paid_wrong(id, order.outcome(), order.total, paid.net));
    }
    if paid.held != 0 {
        return Some(words::still_held(paid.held, id, order.outcome()));
    }
    let row = records.payments.get(&id).filter(|row| row.refunded_at.is_none()).map_or(0, |row| row.amount);
    (row != due).then(|| words::ledger_differs(id, row, due))
}

/// The sum of each movement of money. Zero if it was entered on both sides.
pub(super) fn movements(entries: &[Entry]) -> HashMap<(Uuid, &str), i64> {
    let mut movements = HashMap::new();
    for Entry { reference, operation, amount, .. } in entries {
        *movements.entry((*reference, operation.as_str())).or_default() += amount;
    }
    movements
}

/// All entries add up to zero, each movement adds up to zero, and each wallet's balance equals the sum of its
/// entries.
pub(super) fn money_is_constant(records: &Records) -> Audit {
    let mut inspection = Inspection::of("I4", words::i4());
    let movements = movements(&records.entries);
    let mut accounts: HashMap<&str, i64> = HashMap::new();
    for Entry { account, amount, .. } in &records.entries {
        *accounts.entry(account).or_default() += amount;
    }
    for ((reference, operation), sum) in &movements {
        inspection.look((*sum != 0).then(|| words::movement_off(operation, reference, sum)));
    }
    let mut wallets = HashSet::new();
    for wallet in &records.wallets {
        let account = format!("wallet:{}", wallet.customer_id);
        let entered = accounts.get(account.as_str()).copied().unwrap_or_default();
        let flaw = wallet.balance != entered || wallet.balance < 0;
        inspection.look(flaw.then(|| words::wallet_off(&wallet.customer_id, wallet.balance, entered)));
        wallets.insert(account);
    }
    for (account, sum) in accounts {
        if account.starts_with("wallet:") && !wallets.contains(account) {
            inspection.look(Some(words::no_such_account(sum, account)));
        }
    }
    inspection.close(words::money_agrees(movements.len(), records.wallets.len()))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, entry, id, refunded, shop, tried};
    use super::*;
    use crate::Verdict;

    #[test]
    fn a_double_capture_and_an_unpaid_order_are_seen() {
        let good = shop([confirmed(1), refunded(2)]);
        assert_eq!(
            each_order_is_paid_once(&good).verdict,
            Verdict::Held,
            "{:?}",
            each_order_is_paid_once(&good)
        );
        assert_eq!(each_order_is_paid_once(&Records::default()).verdict, Verdict::NoEvidence);

        let mut twice = good.clone();
        twice.entries.push(entry(1, "capture", SALES, 10));
        let verdict = each_order_is_paid_once(&twice);
        assert_eq!(verdict.verdict, Verdict::Violated);
        assert!(
            verdict.evidence.english().contains(&format!("order {} has 2 captures", id(1))),
            "{}",
            verdict.evidence
        );

        let mut unpaid = good.clone();
        unpaid.entries.retain(|entry| entry.reference != id(1));
        assert_eq!(each_order_is_paid_once(&unpaid).verdict, Verdict::Violated);

        let mut kept = good.clone();
        kept.entries.retain(|entry| entry.operation != "refund");
        assert_eq!(each_order_is_paid_once(&kept).verdict, Verdict::Violated);

        let mut disagrees = good.clone();
        disagrees.payments.get_mut(&id(1)).unwrap().amount += 1;
        assert_eq!(each_order_is_paid_once(&disagrees).verdict, Verdict::Violated);
    }

    #[test]
    fn money_that_is_still_held_is_seen() {
        let good = tried([confirmed(1), refunded(2)]);
        let verdict = |records: &Records| each_order_is_paid_once(records);
        assert_eq!(verdict(&good).verdict, Verdict::Held, "{:?}", verdict(&good));
        assert_eq!(money_is_constant(&good).verdict, Verdict::Held, "{:?}", money_is_constant(&good));

        // A cancelled order's money that was not returned, and money that was returned twice. Neither affects the
        // sales account.
        let mut kept = good.clone();
        kept.entries.retain(|entry| entry.operation != "void");
        let twice = Records { entries: [&good.entries[..], &[entry(2, "void", HELD, -10)]].concat(), ..good };
        for broken in [kept, twice] {
            assert_eq!(verdict(&broken).verdict, Verdict::Violated);
            assert!(verdict(&broken).evidence.english().contains("held"), "{}", verdict(&broken).evidence);
        }
        let mut stray = tried([confirmed(1)]);
        stray.entries.push(entry(9, "authorize", HELD, 10));
        assert_eq!(verdict(&stray).verdict, Verdict::Violated);
    }

    #[test]
    fn money_from_nowhere_and_a_wrong_wallet_are_seen() {
        let good = shop([confirmed(1), refunded(2)]);
        assert_eq!(money_is_constant(&good).verdict, Verdict::Held, "{:?}", money_is_constant(&good));
        assert_eq!(money_is_constant(&Records::default()).verdict, Verdict::NoEvidence);

        let mut one_sided = good.clone();
        one_sided.entries.push(entry(9, "deposit", "cash", -5));
        assert_eq!(money_is_constant(&one_sided).verdict, Verdict::Violated);

        let mut wrong = good.clone();
        wrong.wallets[0].balance += 1;
        assert!(money_is_constant(&wrong).evidence.english().contains("the wallet of c"));
    }
}

//! The store in PostgreSQL: one statement loads everything that a decision needs, and one saves it.

use contracts::{BoxError, CustomerId, Money, OrderId};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{clock_timestamp, sql};

use crate::domain::{Deposit, Payment};
use crate::ports::{Account, PaymentStore};
use crate::schema::{payments, wallets};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments, check_for_backend(Pg))]
struct PaymentRow {
    customer_id: Option<String>,
    amount: i64,
    status: String,
}

impl PaymentStore for AsyncPgConnection {
    async fn lock_all(&mut self, customers: &[&CustomerId], returned: &[OrderId]) -> Result<(), BoxError> {
        sql("SELECT customer_id FROM payments.wallets
             WHERE customer_id = ANY($1::text[] || ARRAY(
                 SELECT customer_id FROM payments.payments
                 WHERE order_id = ANY($2::uuid[]) AND status IN ('authorized', 'captured')))
             ORDER BY customer_id FOR UPDATE")
        .bind::<Array<Text>, _>(customers.iter().map(|customer| customer.as_str()).collect::<Vec<_>>())
        .bind::<Array<Uuid>, _>(returned.iter().map(|order| order.0).collect::<Vec<_>>())
        .execute(self)
        .await?;
        Ok(())
    }

    async fn load(&mut self, order: OrderId, customer: &CustomerId) -> Result<Account, BoxError> {
        let status = payments::table.find(order.0).select(payments::status).single_value();
        let found: Option<(i64, Option<String>)> = wallets::table
            .find(customer.as_str())
            .select((wallets::balance, status))
            .for_update()
            .get_result(self)
            .await
            .optional()?;
        let Some((balance, status)) = found else { return Ok(Account { payment: None, balance: None }) };
        let payment = match status {
            Some(_) => self.load_payment(order).await?,
            None => None,
        };
        Ok(Account { payment, balance: Some(Money(balance)) })
    }

    async fn save_captured(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        sql("WITH taken AS (
                 UPDATE payments.wallets SET balance = balance - $3 WHERE customer_id = $2),
             entered AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 VALUES ($1, 'capture', 'wallet:' || $2, -$3), ($1, 'capture', 'sales', $3))
             INSERT INTO payments.payments (order_id, customer_id, amount, status)
             VALUES ($1, $2, $3, 'captured')")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(customer.as_str())
        .bind::<BigInt, _>(amount.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_authorized(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        sql("WITH taken AS (
                 UPDATE payments.wallets SET balance = balance - $3 WHERE customer_id = $2),
             entered AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 VALUES ($1, 'authorize', 'wallet:' || $2, -$3), ($1, 'authorize', 'held', $3))
             INSERT INTO payments.payments (order_id, customer_id, amount, status, authorized_at, captured_at)
             VALUES ($1, $2, $3, 'authorized', clock_timestamp(), NULL)")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(customer.as_str())
        .bind::<BigInt, _>(amount.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_held_captured(&mut self, order: OrderId, amount: Money) -> Result<(), BoxError> {
        sql("WITH entered AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 VALUES ($1, 'capture', 'held', -$2::bigint), ($1, 'capture', 'sales', $2))
             UPDATE payments.payments SET status = 'captured', captured_at = clock_timestamp() WHERE order_id = $1")
        .bind::<Uuid, _>(order.0)
        .bind::<BigInt, _>(amount.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_voided(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        give_back(self, order, customer, amount, ["void", "held", "voided"]).await
    }

    async fn load_payment(&mut self, order: OrderId) -> Result<Option<Payment>, BoxError> {
        let row = payments::table
            .find(order.0)
            .select(PaymentRow::as_select())
            .for_update()
            .get_result(self)
            .await
            .optional()?;
        match row {
            None => Ok(None),
            Some(PaymentRow { customer_id: Some(customer), amount, status }) if status == "captured" => {
                Ok(Some(Payment::Captured(customer.try_into()?, Money(amount))))
            }
            Some(PaymentRow { customer_id: Some(customer), amount, status }) if status == "authorized" => {
                Ok(Some(Payment::Authorized(customer.try_into()?, Money(amount))))
            }
            Some(_) => Ok(Some(Payment::Returned)),
        }
    }

    async fn save_refunded(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        give_back(self, order, customer, amount, ["refund", "sales", "refunded"]).await
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        let tombstone = (
            payments::order_id.eq(order.0),
            payments::amount.eq(0),
            payments::status.eq("refunded"),
            payments::refunded_at.eq(clock_timestamp().nullable()),
        );
        let inserted = diesel::insert_into(payments::table)
            .values(tombstone)
            .on_conflict(payments::order_id)
            .do_nothing()
            .execute(self)
            .await?;
        Ok(inserted == 1)
    }

    async fn save_deposits(&mut self, deposits: &[Deposit]) -> Result<Option<uuid::Uuid>, BoxError> {
        let ids: Vec<uuid::Uuid> = deposits.iter().map(|deposit| deposit.deposit_id).collect();
        let customers: Vec<&str> = deposits.iter().map(|deposit| deposit.customer_id.as_str()).collect();
        let amounts: Vec<i64> = deposits.iter().map(|deposit| deposit.amount.0).collect();
        // The ledger's key skips deposits that were booked earlier. The wallets are credited only with what was
        // entered.
        sql("WITH deposit AS (
                 SELECT DISTINCT ON (reference) reference, customer, amount
                 FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS d (reference, customer, amount)
                 ORDER BY reference),
             paid_in AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 SELECT reference, 'deposit', 'cash', -amount FROM deposit
                 ON CONFLICT DO NOTHING RETURNING reference),
             fresh AS (SELECT reference, customer, amount FROM deposit JOIN paid_in USING (reference)),
             credited AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 SELECT reference, 'deposit', 'wallet:' || customer, amount FROM fresh)
             INSERT INTO payments.wallets AS wallet (customer_id, balance)
             SELECT customer, sum(amount)::bigint FROM fresh GROUP BY customer ORDER BY customer
             ON CONFLICT (customer_id) DO UPDATE SET balance = wallet.balance + excluded.balance")
        .bind::<Array<Uuid>, _>(&ids)
        .bind::<Array<Text>, _>(&customers)
        .bind::<Array<BigInt>, _>(&amounts)
        .execute(self)
        .await?;
        // A separate statement: the first may have waited for transactions that took an id, and its snapshot does not
        // show their rows.
        let reused: Vec<ReusedRow> = sql("SELECT reference
             FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS deposit (reference, customer, amount)
             WHERE NOT EXISTS (
                 SELECT FROM payments.entries AS entry
                 WHERE entry.reference = deposit.reference AND operation = 'deposit'
                     AND account = 'wallet:' || customer AND entry.amount = deposit.amount)
             LIMIT 1")
        .bind::<Array<Uuid>, _>(&ids)
        .bind::<Array<Text>, _>(&customers)
        .bind::<Array<BigInt>, _>(&amounts)
        .load(self)
        .await?;
        Ok(reused.into_iter().next().map(|row| row.reference))
    }
}

/// Moves an order's money from one of the shop's accounts back to the wallet, with both ledger entries.
async fn give_back(
    conn: &mut AsyncPgConnection,
    order: OrderId,
    customer: &CustomerId,
    amount: Money,
    [operation, from, status]: [&str; 3],
) -> Result<(), BoxError> {
    sql("WITH given_back AS (
             UPDATE payments.wallets SET balance = balance + $3 WHERE customer_id = $2),
         entered AS (
             INSERT INTO payments.entries (reference, operation, account, amount)
             VALUES ($1, $4, 'wallet:' || $2, $3), ($1, $4, $5, -$3))
         UPDATE payments.payments SET status = $6, refunded_at = clock_timestamp() WHERE order_id = $1")
    .bind::<Uuid, _>(order.0)
    .bind::<Text, _>(customer.as_str())
    .bind::<BigInt, _>(amount.0)
    .bind::<Text, _>(operation)
    .bind::<Text, _>(from)
    .bind::<Text, _>(status)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
#[diesel(table_name = crate::schema::entries)]
struct ReusedRow {
    reference: uuid::Uuid,
}

/// A wallet's balance. Read only: locks nothing.
pub async fn balance(conn: &mut AsyncPgConnection, customer: &CustomerId) -> Result<Option<Money>, BoxError> {
    let wallet = wallets::table.find(customer.as_str()).select(wallets::balance);
    Ok(wallet.get_result(conn).await.optional()?.map(Money))
}

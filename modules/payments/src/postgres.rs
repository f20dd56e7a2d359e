//! The store in PostgreSQL: one statement to load all that a decision needs, one to save it.

use contracts::{BoxError, CustomerId, Money, OrderId};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;

use crate::domain::{Deposit, Payment};
use crate::ports::{Account, PaymentStore};

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

#[derive(QueryableByName)]
struct PaymentRow {
    #[diesel(sql_type = Nullable<Text>)]
    customer_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Text)]
    status: String,
}

impl PaymentStore for AsyncPgConnection {
    async fn load(&mut self, order: OrderId, customer: &CustomerId) -> Result<Account, BoxError> {
        let rows: Vec<AccountRow> = sql("SELECT balance,
                    (SELECT status FROM payments.payments WHERE order_id = $1) AS status
             FROM payments.wallets WHERE customer_id = $2 FOR UPDATE")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(customer.as_str())
        .load(self)
        .await?;
        let Some(row) = rows.into_iter().next() else { return Ok(Account { payment: None, balance: None }) };
        let payment = match row.status {
            Some(_) => self.load_payment(order).await?,
            None => None,
        };
        Ok(Account { payment, balance: Some(Money(row.balance)) })
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
                 VALUES ($1, 'capture', 'held', -$2), ($1, 'capture', 'sales', $2))
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
        sql("WITH given_back AS (
                 UPDATE payments.wallets SET balance = balance + $3 WHERE customer_id = $2),
             entered AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 VALUES ($1, 'void', 'wallet:' || $2, $3), ($1, 'void', 'held', -$3))
             UPDATE payments.payments SET status = 'voided', refunded_at = clock_timestamp() WHERE order_id = $1")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(customer.as_str())
        .bind::<BigInt, _>(amount.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn load_payment(&mut self, order: OrderId) -> Result<Option<Payment>, BoxError> {
        let rows: Vec<PaymentRow> =
            sql("SELECT customer_id, amount, status FROM payments.payments WHERE order_id = $1 FOR UPDATE")
                .bind::<Uuid, _>(order.0)
                .load(self)
                .await?;
        match rows.into_iter().next() {
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
        sql("WITH given_back AS (
                 UPDATE payments.wallets SET balance = balance + $3 WHERE customer_id = $2),
             entered AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 VALUES ($1, 'refund', 'wallet:' || $2, $3), ($1, 'refund', 'sales', -$3))
             UPDATE payments.payments SET status = 'refunded', refunded_at = clock_timestamp() WHERE order_id = $1")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(customer.as_str())
        .bind::<BigInt, _>(amount.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<(), BoxError> {
        sql("INSERT INTO payments.payments (order_id, amount, status, refunded_at)
             VALUES ($1, 0, 'refunded', clock_timestamp())")
        .bind::<Uuid, _>(order.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_deposits(&mut self, deposits: &[Deposit]) -> Result<Option<uuid::Uuid>, BoxError> {
        let ids: Vec<uuid::Uuid> = deposits.iter().map(|deposit| deposit.deposit_id).collect();
        let customers: Vec<&str> = deposits.iter().map(|deposit| deposit.customer_id.as_str()).collect();
        let amounts: Vec<i64> = deposits.iter().map(|deposit| deposit.amount.0).collect();
        // The ledger's key drops a deposit that was booked before; the wallets get what was entered, and no more.
        sql("WITH deposit AS (
                 SELECT DISTINCT ON (reference) * FROM unnest($1, $2, $3) AS d (reference, customer, amount)
                 ORDER BY reference),
             paid_in AS (
                 INSERT INTO payments.entries (reference, operation, account, amount)
                 SELECT reference, 'deposit', 'cash', -amount FROM deposit
                 ON CONFLICT DO NOTHING RETURNING reference),
             fresh AS (SELECT * FROM deposit JOIN paid_in USING (reference)),
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
        // A statement of its own: the first may have waited for others that took an id, and does not see their rows.
        let reused: Vec<ReusedRow> = sql("SELECT reference
             FROM unnest($1, $2, $3) AS deposit (reference, customer, amount)
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

#[derive(QueryableByName)]
struct ReusedRow {
    #[diesel(sql_type = Uuid)]
    reference: uuid::Uuid,
}

#[derive(QueryableByName)]
struct BalanceRow {
    #[diesel(sql_type = BigInt)]
    balance: i64,
}

/// What a wallet holds. For reading: nothing is locked.
pub async fn balance(conn: &mut AsyncPgConnection, customer: &CustomerId) -> Result<Option<Money>, BoxError> {
    let rows: Vec<BalanceRow> = sql("SELECT balance FROM payments.wallets WHERE customer_id = $1")
        .bind::<Text, _>(customer.as_str())
        .load(conn)
        .await?;
    Ok(rows.into_iter().next().map(|row| Money(row.balance)))
}

-- A checkout of two products as one would plainly write it: twelve statements, a round trip each.
-- :products, :customers and :exponent come from the command line, as the load has them.
\set one random_zipfian(1, :products, :exponent)
\set two random_zipfian(1, :products, :exponent)
\set two case when :one = :two then :two % :products + 1 else :two end
\set first least(:one, :two)
\set second greatest(:one, :two)
\set customer random(1, :customers)
\set pieces random(1, 3)
-- 1
BEGIN;
-- 2 the order
INSERT INTO orders.orders (order_id, customer_id, region, lines, total, idempotency_key, fingerprint)
    VALUES (gen_random_uuid(), 'customer-' || lpad(:customer::text, 5, '0'), 'seoul',
        jsonb_build_array(jsonb_build_object('sku', :first::int, 'quantity', :pieces::int),
            jsonb_build_object('sku', :second::int, 'quantity', :pieces::int)),
        0, gen_random_uuid()::text, gen_random_uuid())
    RETURNING order_id AS order_id \gset
-- 3 the prices
SELECT sum(price) * :pieces::bigint AS total FROM catalog.products
    WHERE sku IN ('product-' || lpad(:first::text, 4, '0'), 'product-' || lpad(:second::text, 4, '0')) \gset
-- 4, 5 the stock, a line at a time, in sorted order
UPDATE inventory.stock SET on_hand = on_hand - :pieces::bigint
    WHERE sku = 'product-' || lpad(:first::text, 4, '0') AND on_hand >= :pieces::bigint;
UPDATE inventory.stock SET on_hand = on_hand - :pieces::bigint
    WHERE sku = 'product-' || lpad(:second::text, 4, '0') AND on_hand >= :pieces::bigint;
-- 6 what was set aside
INSERT INTO inventory.reservations (order_id, lines, status)
    VALUES (:order_id::uuid, jsonb_build_array(:first::int, :second::int, :pieces::int), 'reserved');
-- 7 the wallet
UPDATE payments.wallets SET balance = balance - :total::bigint
    WHERE customer_id = 'customer-' || lpad(:customer::text, 5, '0') AND balance >= :total::bigint;
-- 8, 9 the payment, and both of its entries (the colon stands apart: pgbench sees variables in strings too)
INSERT INTO payments.payments (order_id, customer_id, amount, status)
    VALUES (:order_id::uuid, 'customer-' || lpad(:customer::text, 5, '0'), :total::bigint, 'captured');
INSERT INTO payments.entries (reference, operation, account, amount)
    VALUES (:order_id::uuid, 'capture', 'wallet:' || 'customer-' || lpad(:customer::text, 5, '0'), -:total::bigint),
        (:order_id::uuid, 'capture', 'sales', :total::bigint);
-- 10 the parcel
INSERT INTO shipping.shipments (order_id, region) VALUES (:order_id::uuid, 'seoul');
-- 11 the decision
UPDATE orders.orders SET status = 'confirmed', total = :total::bigint, decided_at = clock_timestamp()
    WHERE order_id = :order_id::uuid;
-- 12
COMMIT;

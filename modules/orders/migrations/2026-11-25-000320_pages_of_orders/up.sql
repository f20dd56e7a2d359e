-- A page begins after an order. If two were placed in the same microsecond, the id decides which comes first.
CREATE INDEX orders_of_a_customer_by_page ON orders.orders (customer_id, placed_at DESC, order_id DESC);
DROP INDEX orders.orders_of_a_customer;

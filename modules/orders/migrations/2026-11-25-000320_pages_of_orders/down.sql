CREATE INDEX orders_of_a_customer ON orders.orders (customer_id, placed_at DESC);
DROP INDEX orders.orders_of_a_customer_by_page;

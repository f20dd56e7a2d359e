-- Price history: one row per change, written together with the change. The audit compares orders with it later, when
-- the product itself may already have another price.
CREATE TABLE catalog.prices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    price bigint NOT NULL,
    sale_price bigint,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO catalog.prices (sku, price, sale_price, since)
SELECT sku, price, sale_price, 'epoch' FROM catalog.products;

CREATE FUNCTION catalog.keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog.prices (sku, price, sale_price) VALUES (NEW.sku, NEW.price, NEW.sale_price);
    RETURN NULL;
END $$;

CREATE TRIGGER keep_first_price AFTER INSERT ON catalog.products
    FOR EACH ROW EXECUTE FUNCTION catalog.keep_price();
-- Not fired when an order claims units of a sale: that updates other columns.
CREATE TRIGGER keep_price AFTER UPDATE OF price, sale_price ON catalog.products FOR EACH ROW
    WHEN ((OLD.price, OLD.sale_price) IS DISTINCT FROM (NEW.price, NEW.sale_price))
    EXECUTE FUNCTION catalog.keep_price();

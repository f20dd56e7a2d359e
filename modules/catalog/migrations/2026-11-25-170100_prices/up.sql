-- What a product cost, and since when: a row per change, written with the change. Orders are compared with it afterwards,
-- when the product's own row may say something else.
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
-- Not when an order claims of a sale: that sets other columns.
CREATE TRIGGER keep_price AFTER UPDATE OF price, sale_price ON catalog.products FOR EACH ROW
    WHEN ((OLD.price, OLD.sale_price) IS DISTINCT FROM (NEW.price, NEW.sale_price))
    EXECUTE FUNCTION catalog.keep_price();

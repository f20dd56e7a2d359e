DROP TRIGGER keep_price ON catalog.products;
DROP TRIGGER keep_first_price ON catalog.products;
DROP FUNCTION catalog.keep_price();
DROP TABLE catalog.prices;

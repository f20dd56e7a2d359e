-- The databases of the split shop.
-- Written by `cleave manifests compose`, from the description of the shop that `cleave up` uses.
CREATE DATABASE catalog;
CREATE DATABASE inventory;
CREATE DATABASE orders;
CREATE DATABASE payments;
CREATE DATABASE shipping;

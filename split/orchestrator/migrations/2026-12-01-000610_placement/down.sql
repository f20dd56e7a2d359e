DROP TABLE checkout.moves;
DROP TABLE checkout.placement;

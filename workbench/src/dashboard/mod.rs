//! The live dashboard: both shops side by side, under one load, in a web page.
//!
//! Three processes, so that what each takes can be told apart: `cleave up` has the shops and the proxies in their links;
//! the dashboard looks at them once a second ([`sampler`]) and serves the page ([`server`]); and the load is sent by a
//! child of the dashboard ([`clock`]).
//!
//! # The HTTP interface
//!
//! Everybody on this machine may look; only who has the token of this run may touch. The printed address carries it in
//! its fragment (`/#token=…`), which a browser sends to nobody. The page keeps it in `sessionStorage`, takes it out of the
//! address, and sends it as the header `x-cleave-token`. Not a cookie: cookies do not heed the port, so that one would go
//! to every other server on 127.0.0.1, and pages of those could have it sent here.
//!
//! | | |
//! |---|---|
//! | `GET /`, `GET /orders/{id}` | the page; the second opens the story of an order |
//! | `GET /assets/{name}` | styles and scripts |
//! | `GET /api/session` | [`Session`]: what there is to see and to touch |
//! | `GET /api/samples` | server-sent events: each `data` is a [`sample::Sample`], its `id` the second. It begins with the latest; with `Last-Event-ID`, with what was missed. While nothing happens, a comment every few seconds |
//! | `GET /api/history?seconds=N` | an array of the samples of the last N seconds (600 unless told, at most an hour) |
//! | `GET /api/recording` | in a replay: the recorded file as it is (`application/x-ndjson`): a [`sample::Header`], then a [`sample::Sample`] a line. The page plays it back itself |
//! | `GET /api/orders/{id}` | the story of an order in every shop, by the key that it was sent with: `{"key", "stories": [{"driver", "order_id", "story", "svg", "problem"}]}`; `svg` is a picture to be shown as it is |
//!
//! With the token, and JSON in the body. Each acts on every shop that has a counterpart, and answers what came of it:
//!
//! | | |
//! |---|---|
//! | `POST /api/load` | [`controls::SetLoad`] `{"rate_per_s": 50, "mix": {"confirmed": 0.9, "out_of_stock": 0.1}}`; what is left out stays as it is. Answers the [`sample::Load`] |
//! | `POST /api/flash-sale` | [`controls::StartSale`] `{"products": 3, "quota": 100, "for_s": 20}`; `{"products": 0}` ends it |
//! | `POST /api/faults` | [`crate::control::AddFault`] `{"fault": {"kind": "latency", "target": "gateway-inventory", "attributes": {"latency": 200}, "for": "10s"}, "shop": null}` |
//! | `POST /api/heal` | [`crate::control::Heal`] `{"id": null, "shop": null}`: all faults |
//! | `POST /api/scale` | [`crate::control::Scale`] `{"service": "inventory", "instances": 2}`; the monolith gets as many instances |
//! | `POST /api/deploy` | [`crate::control::Deploy`] `{"service": "inventory"}`; the monolith is deployed too |
//! | `POST /api/drivers` | [`crate::control::Renew`] `{"shop": "split:orchestrated", "driver": "split:tcc"}`: the shop is replaced by a fresh one with another driver of the same architecture |
//! | `POST /api/reset` | `{}`: every shop is replaced by a fresh one with the goods that it began with |
//!
//! An error is `{"error": "why, for people"}`.

pub mod sample;
pub mod session;

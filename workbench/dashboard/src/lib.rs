//! The live dashboard: a web page with both shops side by side, under one load.
//!
//! It consists of three processes, so that the cost of each is known. `cleave up` runs the shops and the proxies in
//! their links. The dashboard samples them once per second ([`sampler`]) and serves the page ([`server`]). A child
//! process of the dashboard sends the load ([`clock`]).
//!
//! # The HTTP interface
//!
//! Every process on this machine may read; changes need the token of this run. The printed address carries the token in
//! its fragment (`/#token=…`), which a browser does not send. The page keeps it in `sessionStorage`, removes it from
//! the address, and sends it as the header `x-cleave-token`. It is not a cookie, because cookies ignore the port: every
//! other server on 127.0.0.1 would receive it, and their pages could make a browser send it here.
//!
//! | | |
//! |---|---|
//! | `GET /`, `GET /orders/{id}` | the page; the second opens the story of an order |
//! | `GET /assets/{name}` | styles and scripts |
//! | `GET /api/session` | [`Session`]: what the page can show and change |
//! | `GET /api/samples` | server-sent events: each `data` is a [`sample::Sample`], its `id` the run of the server and the second, such as `3f2a9c1e-17`. It starts with the latest sample; with `Last-Event-ID`, with those that were missed, or with all that are kept if that id is of another run. If nothing happens, a comment every few seconds |
//! | `GET /api/history?seconds=N` | an array of the samples of the last N seconds (600 by default and at most) |
//! | `GET /api/recording` | in a replay: the recorded file (`application/x-ndjson`): a [`sample::Header`], then one [`sample::Sample`] per line. The page plays it back itself |
//! | `GET /api/stories` | in a replay: the orders with recorded stories, `{"ids": […]}` |
//! | `GET /api/orders/{id}` | the story of an order in every shop, by its idempotency key: `{"key", "stories": [{"driver", "order_id", "story", "svg", "problem"}]}`; `svg` is a complete picture |
//! | `GET /api/tax` | where the time of an order goes in every shop, averaged over the last decided orders |
//!
//! With the token, and JSON in the body. Each acts on every shop that has a counterpart, and returns the results:
//!
//! | | |
//! |---|---|
//! | `POST /api/load` | [`controls::SetLoad`] `{"rate_per_s": 50, "mix": {"confirmed": 0.9, "out_of_stock": 0.1}}`; missing fields keep their values. Returns the [`sample::Load`] |
//! | `POST /api/flash-sale` | [`controls::StartSale`] `{"products": 3, "quota": 100, "for_s": 20}`; `{"products": 0}` ends it |
//! | `POST /api/faults` | [`control::AddFault`] `{"fault": {"kind": "latency", "target": "gateway-inventory", "attributes": {"latency": 200}, "for": "10s"}, "shop": null}` |
//! | `POST /api/heal` | [`control::Heal`] `{"id": null, "shop": null}`: all faults |
//! | `POST /api/scale` | [`control::Scale`] `{"service": "inventory", "instances": 2}`; the monolith gets as many instances |
//! | `POST /api/deploy` | [`control::Deploy`] `{"service": "inventory"}`; the monolith is deployed too |
//! | `POST /api/drivers` | [`control::Renew`] `{"shop": "split:orchestrated", "driver": "split:tcc"}`: replaces the shop by a fresh one with another driver of the same architecture |
//! | `POST /api/reset` | `{}`: replaces every shop by a fresh one with the initial stock |
//!
//! An error is `{"error": "why, for people"}`.

mod bounded;
mod browser;
pub mod clock;
pub mod controls;
pub mod cost;
mod door;
pub mod feed;
mod in_turn;
pub mod lesson;
pub mod load;
mod look;
mod options;
mod own;
pub mod page;
pub mod recording;
pub mod replay;
pub mod sample;
mod sampler;
mod server;
pub mod session;
mod shared;
mod stories;
mod story;
mod tax;
mod watched;
mod words;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use actix_web::web::Data;
use anyhow::{Context, Result};
use chrono::Utc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use door::Door;
use load::WantedLoad;
pub use options::DashboardOptions;
use recording::Recorder;
use sample::{Header, SCHEMA};
use sampler::Sampler;
use servers::record;
use session::Session;
pub use shared::Dashboard;

/// Shows the shops that run in this folder, until `stop` is done or nothing runs any more.
pub async fn run(folder: &Path, options: &DashboardOptions, stop: impl Future<Output = ()>) -> Result<()> {
    control::running(folder)?;
    let listener = server::listen(SocketAddr::new(options.listen, options.port))?;
    let address = listener.local_addr()?;
    let public = options.public.clone();
    let controls = door::may_have_controls(address.ip(), public.as_deref());
    let door = Door { address, public, token: controls.then(|| Uuid::new_v4().simple().to_string()) };
    let header = Header {
        schema: SCHEMA.to_owned(),
        started_at: Utc::now(),
        cleave_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: record::commit(),
        machine: record::machine(),
        seed: control::SEED,
        in_turn: false,
    };
    let recorder = Recorder::start(&recording::runs(folder), &header)?;
    let dashboard = Arc::new(Dashboard::new(folder, WantedLoad::new(options.rate_per_s)));
    let session = Session::new(header.started_at, false, controls);
    let at = if controls { words::dashboard_at(door.page()) } else { words::without_controls(door.page()) };
    terminal::say!("{at}");
    options.show(folder, &door);
    if let Some(recorded) = &recorder.told().folder {
        terminal::note!("{}", words::recorded(recorded));
    }
    let storyteller = recorder.told().folder.clone();
    let storyteller = storyteller.map(|folder| tokio::spawn(stories::keep(dashboard.clone(), folder)));
    let sampler = Sampler::new(dashboard.clone(), folder.to_owned(), Some(recorder))?;
    let open = server::live(listener, door, session, Data::from(dashboard.clone()))?;
    let ended = tokio::select! {
        () = stop => Ok(()),
        ended = sampler.run() => {
            terminal::note!("{}", words::shops_ended());
            ended.with_context(words::cannot_go_on)
        }
    };
    storyteller.inspect(JoinHandle::abort);
    dashboard.feed.close();
    open.close().await;
    ended
}

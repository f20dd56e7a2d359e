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
//! | `GET /api/samples` | server-sent events: each `data` is a [`sample::Sample`], its `id` the run of the server and the second, as `3f2a9c1e-17`. It begins with the latest; with `Last-Event-ID`, with what was missed, and with all that is kept if that id is of another run. While nothing happens, a comment every few seconds |
//! | `GET /api/history?seconds=N` | an array of the samples of the last N seconds (600 unless told, which is the most) |
//! | `GET /api/recording` | in a replay: the recorded file as it is (`application/x-ndjson`): a [`sample::Header`], then a [`sample::Sample`] a line. The page plays it back itself |
//! | `GET /api/stories` | in a replay: the orders whose stories were recorded, `{"ids": […]}` |
//! | `GET /api/orders/{id}` | the story of an order in every shop, by the key that it was sent with: `{"key", "stories": [{"driver", "order_id", "story", "svg", "problem"}]}`; `svg` is a picture to be shown as it is |
//! | `GET /api/tax` | where the time of an order goes in every shop, averaged over the orders decided last |
//!
//! With the token, and JSON in the body. Each acts on every shop that has a counterpart, and answers what came of it:
//!
//! | | |
//! |---|---|
//! | `POST /api/load` | [`controls::SetLoad`] `{"rate_per_s": 50, "mix": {"confirmed": 0.9, "out_of_stock": 0.1}}`; what is left out stays as it is. Answers the [`sample::Load`] |
//! | `POST /api/flash-sale` | [`controls::StartSale`] `{"products": 3, "quota": 100, "for_s": 20}`; `{"products": 0}` ends it |
//! | `POST /api/faults` | [`control::AddFault`] `{"fault": {"kind": "latency", "target": "gateway-inventory", "attributes": {"latency": 200}, "for": "10s"}, "shop": null}` |
//! | `POST /api/heal` | [`control::Heal`] `{"id": null, "shop": null}`: all faults |
//! | `POST /api/scale` | [`control::Scale`] `{"service": "inventory", "instances": 2}`; the monolith gets as many instances |
//! | `POST /api/deploy` | [`control::Deploy`] `{"service": "inventory"}`; the monolith is deployed too |
//! | `POST /api/drivers` | [`control::Renew`] `{"shop": "split:orchestrated", "driver": "split:tcc"}`: the shop is replaced by a fresh one with another driver of the same architecture |
//! | `POST /api/reset` | `{}`: every shop is replaced by a fresh one with the goods that it began with |
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
mod own;
pub mod page;
pub mod recording;
pub mod replay;
pub mod sample;
mod sampler;
mod server;
pub mod session;
mod stories;
mod story;
mod tax;
mod watched;
mod words;

use parking_lot::Mutex;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::web::Data;
use anyhow::{Context, Result};
use chrono::Utc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use door::Door;
use feed::Feed;
use load::Wanted;
use recording::Recorder;
use sample::{Header, SCHEMA};
use sampler::Sampler;
use servers::record;
use session::Session;

/// What can be chosen about a dashboard.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen at. Anything but loopback gets a page without controls.
    pub listen: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whether a browser is to be opened.
    pub open: bool,
    /// Orders per second to begin with, to each shop.
    pub rate_per_s: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options { listen: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, open: false, rate_per_s: 20.0 }
    }
}

impl Options {
    /// The same as arguments of `cleave dashboard`.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--listen={}", self.listen),
            format!("--port={}", self.port),
            format!("--rate={}/s", self.rate_per_s),
        ];
        arguments.extend(self.open.then(|| "--open".to_owned()));
        arguments
    }
}

/// A dashboard: what its sampler, its pages and its controls share.
#[derive(Debug)]
pub struct Dashboard {
    /// The folder of runs and state: of the `cleave up` that is looked at.
    pub folder: PathBuf,
    /// What was seen.
    pub feed: Feed,
    wanted: Mutex<Wanted>,
}

impl Dashboard {
    /// The load that is wanted.
    fn wanted(&self) -> Wanted {
        self.wanted.lock().clone()
    }

    /// Wants another load, from the next second on.
    fn want(&self, wanted: Wanted) {
        *self.wanted.lock() = wanted;
    }
}

/// Shows what is up in this folder, until `stop` is done or nothing is up any more.
pub async fn run(folder: &Path, options: &Options, stop: impl Future<Output = ()>) -> Result<()> {
    control::running(folder)?;
    let listener = server::listen(SocketAddr::new(options.listen, options.port))?;
    let address = listener.local_addr()?;
    let controls = address.ip().is_loopback();
    let door = Door { address, token: controls.then(|| Uuid::new_v4().simple().to_string()) };
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
    let dashboard = Arc::new(Dashboard {
        folder: folder.to_owned(),
        feed: Feed::default(),
        wanted: Mutex::new(Wanted::new(options.rate_per_s)),
    });
    let session = Session::new(header.started_at, false, controls);
    let at = if controls { words::dashboard_at(door.page()) } else { words::without_controls(door.page()) };
    terminal::say!("{at}");
    show(folder, &door, options);
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

/// Opens a browser, if one is wanted. That there is none is no reason to end.
fn show(folder: &Path, door: &Door, options: &Options) {
    if options.open
        && let Err(why) = browser::open(folder, &door.page())
    {
        terminal::note!("{}", words::no_browser(format!("{why:#}")));
    }
}

/// To hundredths: more digits only make recordings longer.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

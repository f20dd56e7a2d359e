//! Sends an order and records its outcome.

use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::{OrderId, RefusalCode};
use nix::errno::Errno;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use super::mix::Order;

/// Longer than the longest `Prefer: wait`. A shop that responds at all has responded by then.
const TIMEOUT: Duration = Duration::from_secs(35);
/// How often an order with an unknown outcome is sent, always with the same key: rule 23 (time-outs).
const TRIES: u32 = 3;
/// The pause before an order is sent again.
const PAUSE: Duration = Duration::from_millis(500);
/// Below the servers' keep-alive of 75 s. Otherwise a request could meet a connection that is just being closed: rule
/// 42 (keep-alive).
const IDLE: Duration = Duration::from_secs(30);

/// The result of sending an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The shop accepted the order. The decision is there if it was already made.
    Accepted(OrderId, Option<Decision>),
    /// The shop refused the order with this HTTP status.
    Refused(u16),
    /// No usable response to any attempt.
    Unknown(&'static str),
    /// Not sent: the generator already had the maximum number of orders in flight.
    NotSent,
    /// The generator itself could not send it, for this reason. This is not a failure of the shop.
    Hindered(&'static str),
}

/// The final decision about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Confirmed.
    Confirmed,
    /// Refused, for this reason.
    Refused(RefusalCode),
}

impl Decision {
    /// The decision for an order's status and refusal; `None` while it is pending.
    pub fn read(status: &str, refusal: Option<RefusalCode>) -> Option<Decision> {
        match (status, refusal) {
            ("confirmed", None) => Some(Decision::Confirmed),
            ("cancelled", Some(code)) => Some(Decision::Refused(code)),
            _ => None,
        }
    }
}

/// The record of one order. Times are counted from the start of the load.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its idempotency key, by which the shop's record of it is found.
    pub key: String,
    /// When it should be sent.
    pub intended: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When the response arrived.
    pub answered: Duration,
    /// How the request ended, as far as the client knows.
    pub answer: Answer,
}

impl Sample {
    /// Whether it was sent.
    pub fn was_sent(&self) -> bool {
        !matches!(self.answer, Answer::NotSent | Answer::Hindered(_))
    }
}

/// Sends orders to one shop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    url: Url,
    started: Instant,
}

#[derive(Deserialize)]
struct Body {
    order_id: OrderId,
    status: String,
    refusal: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: RefusalCode,
}

impl Sender {
    /// Creates a sender whose clock starts now. With `wait` it asks the shop to respond only after the decision.
    pub fn new(address: &str, wait: bool) -> Result<Sender> {
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if wait {
            headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static("wait=30"));
        }
        Sender::with(address, headers, TIMEOUT)
    }

    /// Creates a sender that gives up a request after `patience`.
    pub fn impatient(address: &str, patience: Duration) -> Result<Sender> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Sender::with(address, headers, patience)
    }

    fn with(address: &str, headers: HeaderMap, timeout: Duration) -> Result<Sender> {
        let client = Client::builder()
            .no_proxy()
            .default_headers(headers)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .build()?;
        Ok(Sender { client, url: format!("{address}/orders").parse()?, started: Instant::now() })
    }

    /// When the clock started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Sends an order now. If there is no usable response, sends it again with the same key, as a client would.
    pub async fn send(&self, order: &Order, intended: Duration) -> Sample {
        let sent = self.started.elapsed();
        let body = serde_json::to_vec(&order.body).expect("an order has no map and no float");
        let mut answer = self.attempt(&order.key, body.clone()).await;
        for _ in 1..TRIES {
            // 409: the first attempt, whose response was lost, is still being processed.
            if !matches!(answer, Answer::Unknown(_) | Answer::Hindered(_) | Answer::Refused(409)) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            answer = self.attempt(&order.key, body.clone()).await;
        }
        Sample { key: order.key.clone(), intended, sent, answered: self.started.elapsed(), answer }
    }

    /// Sends an order now, in a single attempt.
    pub async fn send_once(&self, order: &Order) -> Answer {
        self.attempt(&order.key, serde_json::to_vec(&order.body).expect("an order has no map and no float"))
            .await
    }

    async fn attempt(&self, key: &str, body: Vec<u8>) -> Answer {
        let response =
            match self.client.post(self.url.clone()).header("idempotency-key", key).body(body).send().await {
                Ok(response) => response,
                Err(error) if error.is_timeout() => return Answer::Unknown("timed out"),
                Err(error) if hindrance(&error).is_some() => {
                    return Answer::Hindered(hindrance(&error).unwrap_or_default());
                }
                Err(error) if error.is_connect() => return Answer::Unknown("no connection"),
                Err(_) => return Answer::Unknown("connection lost"),
            };
        let status = response.status();
        if !matches!(status, StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED) {
            return Answer::Refused(status.as_u16());
        }
        match response.json::<Body>().await {
            Ok(Body { order_id, status, refusal }) => {
                Answer::Accepted(order_id, Decision::read(&status, refusal.map(|refusal| refusal.code)))
            }
            Err(_) => Answer::Unknown("response cut short"),
        }
    }
}

/// The reason why this machine could not send the request, if the shop is not to blame.
///
/// A process that may open 256 files and needs 500 connections fails in the same way as if the shop were down. Only
/// the error number differs.
pub fn hindrance(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let errno = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        match errno.map(Errno::from_raw) {
            Some(Errno::EMFILE) => return Some("too many open files in the load generator (ulimit -n)"),
            Some(Errno::ENFILE) => return Some("too many open files on this machine"),
            Some(Errno::EADDRNOTAVAIL) => return Some("no local port left for the load generator"),
            Some(Errno::ENOMEM | Errno::ENOBUFS) => return Some("no memory left for the load generator"),
            _ => cause = error.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Wraps an error as reqwest does.
    #[derive(Debug)]
    struct Connect(io::Error);

    impl std::fmt::Display for Connect {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("client error (Connect)")
        }
    }

    impl std::error::Error for Connect {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn what_the_machine_refuses_is_not_the_shops_refusal() {
        let error = |errno: Errno| hindrance(&Connect(io::Error::from_raw_os_error(errno as i32)));
        assert!(error(Errno::EMFILE).unwrap().contains("ulimit -n"));
        assert!(error(Errno::EADDRNOTAVAIL).unwrap().contains("port"));
        assert_eq!(error(Errno::ECONNREFUSED), None, "a failure of the shop");
        assert_eq!(hindrance(&Connect(io::Error::other("x"))), None);
    }
}

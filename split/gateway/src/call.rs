//! A forwarded request and its response.

use std::error::Error;
use std::io;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{OrderId, path_by_key};
use platform::registry::Instance;
use platform::telemetry::{self, Kind, Scope, Span};
use platform::{Problem, entrance, http, idle};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};

use crate::limits::Limits;

/// The time limit for connecting to a service. Both are on the same machine.
const CONNECT: Duration = Duration::from_secs(1);

/// The request headers that are forwarded. All others stay outside: those of the connection, and those that claim an
/// identity, rule 37 (identity headers).
const REQUEST_HEADERS: [&str; 8] = [
    "content-type",
    "accept",
    "idempotency-key",
    "prefer",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
];

/// The response headers that are forwarded.
const RESPONSE_HEADERS: [&str; 8] = [
    "content-type",
    "location",
    "idempotency-replayed",
    "retry-after",
    "allow",
    "link",
    "etag",
    "last-modified",
];

/// A client that closes idle connections before the services do: rule 42 (keep-alive).
pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(idle::CLIENT)
        .tcp_nodelay(true)
        .build()
        .expect("the settings are valid")
}

/// A request to forward, possibly more than once.
#[derive(Clone)]
pub struct Call {
    method: Method,
    /// The path with the query.
    pub path: String,
    /// The API's route that it matches, if any.
    route: Option<&'static str>,
    headers: HeaderMap,
    body: web::Bytes,
    wait: Option<Duration>,
    scope: Scope,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection was refused. Nothing was done.
    Refused,
    /// The connection broke. The request may have been done.
    Lost,
    /// The time limit was reached, or connecting failed for another reason than a closed port. The request may have been
    /// done, or may still be done.
    TimedOut,
    /// The client's input does not make a valid request. The service was not asked and is not to blame: rule 56 (client
    /// faults).
    Unsendable,
}

/// A service's response.
pub struct Answer {
    pub status: StatusCode,
    pub body: web::Bytes,
    headers: HeaderMap,
}

impl Call {
    /// Reads a request completely. Errors that only the client can fix are found here, before any service is asked:
    /// rule 56 (client faults).
    pub async fn read(request: &HttpRequest, body: web::Payload) -> Result<Call, Problem> {
        let body = whole(body).await?;
        let method = Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|error| Problem::bad_request("invalid_method", error.to_string()))?;
        let mut headers = HeaderMap::new();
        for name in REQUEST_HEADERS {
            if let Some(value) = request.headers().get(name)
                && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let (wait, scope) = (http::preferred_wait(request), http::scope_of(request));
        let route = telemetry::route_of(request);
        Ok(Call { method, path, route, headers, body, wait, scope })
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether doing it twice has the same effect as doing it once, so that it may be sent again even if the first
    /// attempt may have succeeded: rule 38 (breaker).
    pub fn is_idempotent(&self) -> bool {
        let by_nature = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(&self.method);
        by_nature || self.headers.contains_key("idempotency-key")
    }

    /// Where the client can ask whether this order was placed; `None` for anything else.
    pub fn ask(&self) -> Option<String> {
        let places = self.method == Method::POST && self.route == Some("/orders");
        let key = self.headers.get("idempotency-key").filter(|_| places)?;
        Some(path_by_key(key.to_str().ok()?))
    }

    /// The time limit for one attempt. Reads get a short one, so that there is time to try another instance. Writes get
    /// a longer one, because giving up leaves the outcome unknown, plus the time that the client offers to wait.
    pub fn limit(&self, limits: &Limits) -> Duration {
        match self.reads() {
            true => limits.timeout,
            false => limits.write_timeout + self.wait.unwrap_or_default(),
        }
    }

    /// The time limit for all attempts together: twice the limit of one for reads, once for all others.
    pub fn deadline(&self, limits: &Limits) -> Duration {
        self.limit(limits) * if self.reads() { 2 } else { 1 }
    }

    /// The span of one attempt. Each attempt has its own, and its id is sent along.
    pub fn span(&self, to: &Instance, earlier: usize) -> Span {
        let name = telemetry::request_name(self.method.as_str(), self.route);
        let mut span = self.scope.span(Kind::Client, name);
        span.set("service.peer.name", to.service.clone());
        span.set("server.address", to.address.clone());
        if earlier > 0 {
            span.set("http.request.resend_count", earlier as i64);
        }
        span
    }

    /// Sends the request to an instance and reads the complete response.
    pub async fn send(
        &self,
        client: &Client,
        to: &Instance,
        limit: Duration,
        span: &Span,
    ) -> Result<Answer, NoAnswer> {
        let url = format!("{}{}", to.address, self.path);
        let request = client.request(self.method.clone(), url).headers(self.headers.clone());
        let request = request.header("traceparent", span.context().to_string());
        let answered = async {
            let answer = request.body(self.body.clone()).timeout(limit).send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            Ok(Answer { status, headers, body: answer.bytes().await? })
        };
        answered.await.map_err(|error: reqwest::Error| NoAnswer::because(&error))
    }
}

impl NoAnswer {
    fn because(error: &reqwest::Error) -> NoAnswer {
        if error.is_builder() {
            NoAnswer::Unsendable
        } else if is_refusal(error) {
            NoAnswer::Refused
        } else if error.is_timeout() || error.is_connect() {
            NoAnswer::TimedOut
        } else {
            NoAnswer::Lost
        }
    }
}

/// Whether the port is closed. Any other failure to connect is silence: the instance may be slow, its backlog full, or
/// this process out of sockets: rule 55 (silence).
fn is_refusal(error: &reqwest::Error) -> bool {
    let first: Option<&dyn Error> = error.source();
    let mut causes = std::iter::successors(first, |cause| (*cause).source());
    let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionRefused;
    error.is_connect() && causes.any(|cause| cause.downcast_ref().is_some_and(refused))
}

impl Answer {
    /// Records the response in the attempt's span.
    pub fn note_in(&self, span: &mut Span) {
        span.set("http.response.status_code", i64::from(self.status.as_u16()));
        if self.status.is_server_error() {
            span.failed(self.status.as_str().to_owned());
        }
        let location = self.headers.get("location").and_then(|location| location.to_str().ok());
        if let Some(order) = location.and_then(|location| location.strip_prefix("/orders/"))
            && let Ok(order) = order.parse()
        {
            span.of(OrderId(order));
            telemetry::note_order(OrderId(order));
        }
    }

    /// Converts it into the response to the client.
    pub fn pass_on(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for name in RESPONSE_HEADERS {
            if let Some(value) = self.headers.get(name) {
                response.insert_header((header::HeaderName::from_static(name), value.as_bytes()));
            }
        }
        response.body(self.body)
    }
}

/// Reads a request's body. Fails if it is larger than the services would accept.
async fn whole(body: web::Payload) -> Result<web::Bytes, Problem> {
    match body.to_bytes_limited(http::BODY_LIMIT).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(match error.as_error::<PayloadError>() {
            Some(error) => entrance::body_problem(error),
            None => Problem::bad_request("malformed_body", format!("the body ended early: {error}")),
        }),
        Err(_) => Err(http::body_too_large()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_sent_is_not_the_service_s_fault() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let get = async |path: &str| {
            let sent = client().get(format!("http://{closed}{path}")).send().await;
            NoAnswer::because(&sent.expect_err("the port has no listener"))
        };
        assert_eq!(get("/orders").await, NoAnswer::Refused);
        assert_eq!(get(&format!("/{}", "x".repeat(70_000))).await, NoAnswer::Unsendable);
    }

    /// A stopped process takes no connection from its backlog. When that is full, connecting gets no reply.
    #[tokio::test]
    async fn a_full_backlog_is_silence_and_no_refusal() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut taken = Vec::new();
        while let Ok(connection) =
            tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(address)).await
        {
            taken.push(connection.unwrap());
        }
        let sent = client().get(format!("http://{address}/orders")).send().await;
        assert_eq!(NoAnswer::because(&sent.expect_err("nothing accepts it")), NoAnswer::TimedOut);
    }
}

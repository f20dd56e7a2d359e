//! A request on its way, and the answer.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::OrderId;
use platform::registry::Instance;
use platform::telemetry::{self, Kind, Scope, Span};
use platform::{Problem, entrance, http, idle};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};

use crate::limits::Limits;

/// How long a connection to a service may take: both are on this machine.
const CONNECT: Duration = Duration::from_secs(1);

/// What of a request matters to a service. Anything else stays outside: what belongs to one connection, and what says who
/// somebody is (rule 37).
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

/// What of an answer matters to a client.
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

/// A client that gives idle connections up before the services do (rule 42).
pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(idle::CLIENT)
        .tcp_nodelay(true)
        .build()
        .expect("the settings are valid")
}

/// A request that is passed on, perhaps more than once.
pub struct Call {
    method: Method,
    /// With the query.
    pub path: String,
    /// Which route of the API it takes, where it takes one.
    route: Option<&'static str>,
    headers: HeaderMap,
    body: web::Bytes,
    wait: Option<Duration>,
    scope: Scope,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// There was no connection. Nothing was decided.
    Refused,
    /// The connection broke. Anything may have been decided.
    Lost,
    /// The time was over. Anything may have been decided, and may yet be.
    TimedOut,
    /// No request can be made of what the client sent. The service was not asked, and is not to blame (rule 56).
    Unsendable,
}

/// What a service answered.
pub struct Answer {
    pub status: StatusCode,
    pub body: web::Bytes,
    headers: HeaderMap,
}

impl Call {
    /// Reads a request to its end. What only the client can mend is found out here, before anybody is asked (rule 56).
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

    /// Whether doing it twice is doing it once, so that it may be sent again though it may have been done (rule 38).
    pub fn is_idempotent(&self) -> bool {
        let by_nature = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(&self.method);
        by_nature || self.headers.contains_key("idempotency-key")
    }

    /// How long one attempt may take. A read is short, or another instance could not be asked in time; what changes
    /// something is given longer, because who gives up knows nothing; and who asks to wait for a decision may wait.
    pub fn limit(&self, limits: &Limits) -> Duration {
        match self.reads() {
            true => limits.timeout,
            false => limits.write_timeout + self.wait.unwrap_or_default(),
        }
    }

    /// How long all attempts together may take: for a read time for two, else for one that is not answered.
    pub fn deadline(&self, limits: &Limits) -> Duration {
        self.limit(limits) * if self.reads() { 2 } else { 1 }
    }

    /// The span of one attempt. Each has its own, and what travels is its place in the trace.
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

    /// Sends it to an instance, and reads the answer to its end.
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
        } else if error.is_connect() {
            NoAnswer::Refused
        } else if error.is_timeout() {
            NoAnswer::TimedOut
        } else {
            NoAnswer::Lost
        }
    }
}

impl Answer {
    /// Notes in the span of the request what came of it.
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

    /// The answer as it is.
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

/// The body of a request, if it is not too large: a service would only refuse it.
async fn whole(body: web::Payload) -> Result<web::Bytes, Problem> {
    match body.to_bytes_limited(http::BODY_LIMIT).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(match error.as_error::<PayloadError>() {
            Some(error) => entrance::body_problem(error),
            None => Problem::bad_request("malformed_body", format!("the body broke off: {error}")),
        }),
        Err(_) => Err(http::body_too_large()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_sent_is_not_the_service_s_fault() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let get = async |path: &str| {
            let sent = client().get(format!("http://{nobody}{path}")).send().await;
            NoAnswer::because(&sent.expect_err("nobody listens there"))
        };
        assert_eq!(get("/orders").await, NoAnswer::Refused);
        assert_eq!(get(&format!("/{}", "x".repeat(70_000))).await, NoAnswer::Unsendable);
    }
}

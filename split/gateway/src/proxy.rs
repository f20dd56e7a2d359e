//! From a request to the service that answers it, and back.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use platform::{Problem, http};
use reqwest::{Client, Url};

/// Longer than a client may ask to wait for a decision.
const LIMIT: Duration = Duration::from_secs(35);

/// How long a connection to a service may take: both are on this machine.
const CONNECT: Duration = Duration::from_secs(1);

/// A service behind the gateway.
pub struct Upstream {
    /// Its name, for people.
    pub service: &'static str,
    /// Where it is.
    pub address: Url,
    /// What it is asked with.
    pub client: Client,
}

/// A client that gives idle connections up before the services do (rule 42).
pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(LIMIT)
        .pool_idle_timeout(http::CLIENT_IDLE)
        .tcp_nodelay(true)
        .build()
        .expect("the settings are valid")
}

/// What of a request matters to a service. Anything else stays outside.
const REQUEST_HEADERS: [&str; 4] = ["content-type", "accept", "idempotency-key", "prefer"];

/// What of an answer matters to a client.
const RESPONSE_HEADERS: [&str; 4] = ["content-type", "location", "idempotency-replayed", "retry-after"];

/// Forwards a request, and the answer as it is.
pub async fn forward(
    request: HttpRequest,
    body: web::Payload,
    upstream: web::Data<Upstream>,
) -> Result<HttpResponse, Problem> {
    let body = whole(body).await?;
    let mut url = upstream.address.clone();
    url.set_path(request.uri().path());
    url.set_query(request.uri().query());
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
        .map_err(|error| Problem::bad_request("invalid_method", error.to_string()))?;
    let mut forwarded = upstream.client.request(method, url);
    for name in REQUEST_HEADERS {
        if let Some(value) = request.headers().get(name) {
            forwarded = forwarded.header(name, value.as_bytes());
        }
    }
    forwarded = forwarded.header("traceparent", http::trace_of(&request).to_string()).body(body);
    let answer = forwarded.send().await.map_err(|error| no_answer(&upstream, &error))?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    for name in RESPONSE_HEADERS {
        if let Some(value) = answer.headers().get(name) {
            response.insert_header((header::HeaderName::from_static(name), value.as_bytes()));
        }
    }
    Ok(response.body(answer.bytes().await.map_err(|error| no_answer(&upstream, &error))?))
}

/// The body of a request, if it is not too large: a service would only refuse it.
async fn whole(body: web::Payload) -> Result<web::Bytes, Problem> {
    match body.to_bytes_limited(http::BODY_LIMIT).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(Problem::bad_request("malformed_body", format!("the body broke off: {error}"))),
        Err(_) => Err(http::body_too_large()),
    }
}

/// A connection that was refused decided nothing. Anything later may have: the client has to ask (rule 23).
fn no_answer(upstream: &Upstream, error: &reqwest::Error) -> Problem {
    tracing::warn!(service = upstream.service, %error, "no answer");
    let service = upstream.service;
    if error.is_connect() {
        return Problem::unavailable(format!(
            "the {service} service cannot be reached; nothing was decided, try again"
        ));
    }
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "outcome_unknown",
        format!(
            "the {service} service gave no answer; an order is safe to send again with the same Idempotency-Key"
        ),
    )
}

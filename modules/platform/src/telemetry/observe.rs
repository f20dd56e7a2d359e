//! Requests to this process: a span and a duration for each.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, LOCATION};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use contracts::{OrderId, TraceContext};

use super::{Kind, Name, Telemetry, log};

/// The paths of the shop's API as `openapi.json` writes them. Those without a parameter come first.
const API: [&str; 10] = [
    "/orders",
    "/products",
    "/stock",
    "/stock/receipts",
    "/wallets/deposits",
    "/orders/{order_id}",
    "/products/{sku}",
    "/stock/{sku}",
    "/wallets/{customer_id}",
    "/shipments/{order_id}",
];

/// Those of the registry.
const REGISTRY: [&str; 5] =
    ["/instances", "/settings", "/watch", "/settings/{name}", "/instances/{service}/{instance}"];

/// What is asked by whoever watches over a process. To count it would only count the watching.
const WATCHING: [&str; 4] = ["/health", "/metrics", "/telemetry", "/docs"];

/// What a path is, as far as telemetry goes. There are few of these, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RouteOf {
    /// A part of the shop's API, which gets spans and is counted.
    Shop(&'static str),
    /// Anything else, which is counted.
    Other(&'static str),
    /// What is not worth either.
    Watching,
}

/// Finds a path's route.
fn route_of(path: &str) -> RouteOf {
    let matching = |routes: &[&'static str]| routes.iter().copied().find(|route| fits(route, path));
    if let Some(route) = matching(&API) {
        return RouteOf::Shop(route);
    }
    if WATCHING.iter().any(|prefix| path.starts_with(prefix)) || path == "/openapi.json" {
        return RouteOf::Watching;
    }
    RouteOf::Other(matching(&REGISTRY).unwrap_or("other"))
}

/// Whether a path is an instance of a route, as `/orders/1` is one of `/orders/{order_id}`.
pub(crate) fn fits(route: &str, path: &str) -> bool {
    let (mut wanted, mut there) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), there.next()) {
            (None, None) => return true,
            (Some(wanted), Some(there)) if wanted == there || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// A method by its name; one that HTTP does not know has none (OpenTelemetry, *http.request.method*).
fn method_of(method: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// What the span of a request is called: its method and its route. `path` may have a query.
pub fn request_name(method: &str, path: &str) -> Name {
    let route = match route_of(path.split('?').next().unwrap_or_default()) {
        RouteOf::Shop(route) | RouteOf::Other(route) => route,
        RouteOf::Watching => "other",
    };
    (method_of(method), route).into()
}

/// The trace that a request brings. A header that is not a `traceparent` is none, as the W3C recommendation asks.
pub(crate) fn brought(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(headers.get("traceparent")?.to_str().ok()?).ok()
}

/// Around every request: its span and its duration. What is done for it finds the span's [`super::Scope`] among the
/// request's data.
pub async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let telemetry = request.app_data::<web::Data<Telemetry>>().filter(|telemetry| telemetry.is_on()).cloned();
    let Some(telemetry) = telemetry else { return next.call(request).await };
    let began = Instant::now();
    let method = method_of(request.method().as_str());
    let (route, outcome) = match route_of(request.path()) {
        RouteOf::Watching => return next.call(request).await,
        RouteOf::Other(route) => (route, next.call(request).await),
        RouteOf::Shop(route) => (route, traced(&telemetry, method, route, request, next).await),
    };
    if let Some(recorder) = &telemetry.0 {
        recorder.platform.answered(method, route, status_of(&outcome), began.elapsed());
    }
    outcome
}

async fn traced<B: MessageBody>(
    telemetry: &Telemetry,
    method: &'static str,
    route: &'static str,
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let mut span = telemetry.span(brought(request.headers()), Kind::Server, (method, route));
    span.set("http.request.method", method);
    span.set("http.route", route);
    request.extensions_mut().insert(span.scope().clone());
    let outcome = log::within(span.context(), next.call(request)).await;
    let status = status_of(&outcome);
    span.set("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.failed(status.to_string());
    }
    if let (("POST", "/orders"), Ok(response)) = ((method, route), &outcome)
        && let Some(location) = response.headers().get(LOCATION)
        && let Some(order) = order_at(location.to_str().unwrap_or_default())
    {
        span.of(order);
    }
    outcome
}

/// The order that an answer's `Location` leads to.
pub fn order_at(location: &str) -> Option<OrderId> {
    location.strip_prefix("/orders/")?.parse().ok().map(OrderId)
}

fn status_of<B>(outcome: &actix_web::Result<ServiceResponse<B>>) -> u16 {
    match outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_described_path_is_a_route() {
        let described: serde_json::Value = serde_json::from_str(crate::http::OPENAPI).unwrap();
        let described: BTreeSet<&str> =
            described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let watching = |path: &&&str| route_of(path) != RouteOf::Watching;
        assert_eq!(
            described.iter().filter(watching).copied().collect::<BTreeSet<_>>(),
            API.into_iter().collect()
        );
        for route in API {
            let path = route.replace(['{', '}'], "");
            assert_eq!(route_of(&path), RouteOf::Shop(route));
        }
    }

    #[test]
    fn whatever_is_asked_for_there_are_few_routes() {
        assert_eq!(route_of("/orders/1/2"), RouteOf::Other("other"));
        assert_eq!(route_of(&"/".repeat(10_000)), RouteOf::Other("other"));
        assert_eq!(route_of("/instances/orders/orders-2"), RouteOf::Other("/instances/{service}/{instance}"));
        assert_eq!(route_of("/health/ready"), RouteOf::Watching);
        assert_eq!(method_of("BREW"), "_OTHER");
    }
}

//! Records a span and a duration for each request to this process.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use contracts::TraceContext;
use parking_lot::RwLock;

use super::{Kind, Name, Telemetry, log};

/// The endpoints that this crate adds to every program. They serve monitoring, and counting them would measure only the
/// monitoring.
const WATCHING: [&str; 5] = ["/health", "/metrics", "/telemetry", "/docs", "/openapi.json"];

/// The route label for requests that no route of the program matches.
const NO_ROUTE: &str = "other";

/// If this is in an app's data, its requests are counted but get no spans. For programs that get many requests per
/// second, none of them about an order. Their spans would push the useful ones out of the ring.
#[derive(Debug, Clone, Copy)]
pub struct CountOnly;

/// The pattern of the route that matched a request, e.g. `/orders/{order_id}` for every order. `None` if no route
/// matched, or before routing.
pub fn route_of(request: &HttpRequest) -> Option<&'static str> {
    request.match_pattern().map(kept)
}

/// Interns a route for the life of the process. There are few routes, whichever paths are requested.
fn kept(route: String) -> &'static str {
    static ROUTES: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);
    if let Some(known) = ROUTES.read().get(route.as_str()) {
        return known;
    }
    let mut routes = ROUTES.write();
    if let Some(known) = routes.get(route.as_str()) {
        return known;
    }
    let route = route.leak();
    routes.insert(route);
    route
}

/// The method, or `_OTHER` if HTTP does not define it (OpenTelemetry, *http.request.method*).
fn method_of(method: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// The name of a request's span: its method and route.
pub fn request_name(method: &str, route: Option<&'static str>) -> Name {
    (method_of(method), route.unwrap_or(NO_ROUTE)).into()
}

/// The trace from the request's headers. An invalid `traceparent` is ignored, as the W3C recommendation says.
pub(crate) fn brought(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(headers.get("traceparent")?.to_str().ok()?).ok()
}

/// The middleware that records each request's span and duration. Handlers find the span's [`super::Scope`] in the
/// request's extensions.
pub async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let telemetry = request.app_data::<web::Data<Telemetry>>().filter(|telemetry| telemetry.is_on()).cloned();
    let Some(telemetry) = telemetry else { return next.call(request).await };
    if WATCHING.iter().any(|prefix| request.path().starts_with(prefix)) {
        return next.call(request).await;
    }
    let began = Instant::now();
    let method = method_of(request.method().as_str());
    let outcome = match request.app_data::<CountOnly>() {
        Some(CountOnly) => next.call(request).await,
        None => traced(&telemetry, method, request, next).await,
    };
    if let Some(recorder) = &telemetry.0 {
        let route = taken_by(&outcome).unwrap_or(NO_ROUTE);
        recorder.platform.answered(method, route, status_of(&outcome), began.elapsed());
    }
    outcome
}

/// The span is named at the end, because the route is known only after routing.
async fn traced<B: MessageBody>(
    telemetry: &Telemetry,
    method: &'static str,
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let mut span = telemetry.span(brought(request.headers()), Kind::Server, method);
    request.extensions_mut().insert(span.scope().clone());
    let (outcome, order) = log::observed(span.context(), next.call(request)).await;
    let Some(route) = taken_by(&outcome) else {
        // No route matched, so there is no work to report.
        span.discard();
        return outcome;
    };
    span.rename((method, route));
    span.set("http.request.method", method);
    span.set("http.route", route);
    let status = status_of(&outcome);
    span.set("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.failed(status.to_string());
    }
    if let Some(order) = order {
        span.of(order);
    }
    outcome
}

fn taken_by<B>(outcome: &actix_web::Result<ServiceResponse<B>>) -> Option<&'static str> {
    route_of(outcome.as_ref().ok()?.request())
}

fn status_of<B>(outcome: &actix_web::Result<ServiceResponse<B>>) -> u16 {
    match outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, guard};
    use contracts::OrderId;

    use super::super::span::recording;
    use super::*;

    /// Two scopes without a prefix, as in a monolith with one database per module.
    fn routes(app: &mut web::ServiceConfig) {
        async fn of_an_order() -> &'static str {
            log::note_order(OrderId(uuid::Uuid::nil()));
            ""
        }
        let starting_with = |prefix: &'static str| {
            guard::fn_guard(move |request| request.head().uri.path().starts_with(prefix))
        };
        app.service(web::scope("").guard(starting_with("/a")).route("/a/{id}", web::get().to(of_an_order)))
            .service(web::scope("").guard(starting_with("/b")).route("/b/{id}", web::get().to(async || "")));
    }

    #[tokio::test]
    async fn a_span_is_named_after_the_route_that_took_its_request() {
        let (telemetry, recorded) = recording();
        let app = App::new()
            .app_data(web::Data::new(telemetry))
            .configure(routes)
            .route("/health/live", web::get().to(async || ""))
            .wrap(from_fn(observe));
        let app = init_service(app).await;
        for path in ["/a/1", "/b/2?x=1", "/nothing/here", "/health/live", "/b/3/4"] {
            call_service(&app, TestRequest::get().uri(path).to_request()).await;
        }
        let spans = recorded();
        let names: Vec<_> = spans.iter().map(|span| (span.name.to_string(), span.order.is_some())).collect();
        assert_eq!(names, [("GET /a/{id}".to_owned(), true), ("GET /b/{id}".to_owned(), false)]);
    }

    #[tokio::test]
    async fn a_service_that_only_counts_keeps_no_spans() {
        let (telemetry, recorded) = recording();
        let app = App::new().app_data(web::Data::new(telemetry.clone())).app_data(CountOnly);
        let app = app.configure(routes).configure(|app| telemetry.routes(app)).wrap(from_fn(observe));
        let app = init_service(app).await;
        for path in ["/b/1", "/b/2", "/nothing"] {
            call_service(&app, TestRequest::get().uri(path).to_request()).await;
        }
        assert!(recorded().is_empty());
        let metrics = TestRequest::get().uri("/metrics").to_request();
        let told = actix_web::test::call_and_read_body(&app, metrics).await;
        let told = String::from_utf8(told.to_vec()).unwrap();
        assert!(told.contains("http_route=\"/b/{id}\"") && told.contains("http_route=\"other\""), "{told}");
        assert!(!told.contains("/b/1"), "{told}");
    }

    #[test]
    fn whatever_method_is_asked_for_there_are_few() {
        assert_eq!(method_of("BREW"), "_OTHER");
        assert_eq!(request_name("BREW", None).to_string(), "_OTHER other");
    }
}

//! Rejects requests from web pages.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::Next;
use platform::Problem;

/// Rejects requests that a web page has sent. A client that may write here can redirect the shop's requests, and a
/// browser on this machine can reach loopback. A page that sends more than a plain form reveals its source in `Origin`.
/// A page whose host name was made to point to this machine has that name in `Host`. See rule 39 (control access).
pub async fn no_web_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if request.headers().contains_key(header::ORIGIN) || !["127.0.0.1", "localhost"].contains(&name) {
        let detail = "the registry serves only programs on this machine, at http://127.0.0.1, not web pages";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_from_here", detail).into());
    }
    next.call(request).await
}

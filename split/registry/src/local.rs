//! Who may ask at all.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::Next;
use platform::Problem;

/// Turns away what a web page has sent. Whoever can write here can lead the shop's requests anywhere, and a browser on
/// this machine reaches loopback too. A page that sends more than a plain form says where it is from, in `Origin`; and
/// one whose name was made to lead to this machine has its own name in `Host` (rule 39).
pub async fn no_web_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if request.headers().contains_key(header::ORIGIN) || !["127.0.0.1", "localhost"].contains(&name) {
        let detail = "the registry answers programs on this machine, at http://127.0.0.1, and no web page";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_from_here", detail).into());
    }
    next.call(request).await
}

//! Access to the control interface, by rule 39 (control access): only a program of the same user on the same machine,
//! never a web page.
//!
//! A page in the same browser can send requests to loopback. It cannot read the token, which is in a file that only
//! this user can read. It cannot send JSON without a preflight request, and the server never grants one. And if it uses
//! a name that resolves to loopback (*DNS rebinding*), that name is in `Host`.

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::JsonConfig;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::json;

use crate::words;

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The header that carries the token.
pub const TOKEN: &str = "x-cleave-token";

/// Why a request was refused. The response body is `{"error": why}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// The status of the response.
    pub status: StatusCode,
    /// The reason, for people.
    pub why: String,
}

pub(crate) type Answer = Result<HttpResponse, Refused>;

impl Refused {
    /// A refusal with this status and reason.
    pub fn new(status: StatusCode, why: impl Into<String>) -> Refused {
        Refused { status, why: why.into() }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({ "error": self.why }))
    }
}

/// The names of a port of loopback, as a browser sends them in `Host`.
pub fn loopback(port: u16) -> [String; 2] {
    [format!("127.0.0.1:{port}"), format!("localhost:{port}")]
}

/// Checks that a request is addressed to one of these hosts and does not come from another site's page.
pub fn is_addressed_to(request: &HttpRequest, hosts: &[String]) -> Result<(), Refused> {
    let refuse = |status, why: String| Err(Refused::new(status, why));
    let text = |name| text(request, name);
    if !text(header::HOST).is_some_and(|host| hosts.iter().any(|own| own == host)) {
        return refuse(StatusCode::MISDIRECTED_REQUEST, words::wrong_host());
    }
    let is_own =
        |origin: &str| origin.strip_prefix("http://").is_some_and(|of| hosts.iter().any(|own| own == of));
    if text(header::ORIGIN).is_some_and(|origin| !is_own(origin)) {
        return refuse(StatusCode::FORBIDDEN, words::other_origin());
    }
    Ok(())
}

/// Admits a request that is addressed to one of these hosts, or returns why not.
pub fn admit(request: &HttpRequest, hosts: &[String], token: &str) -> Result<(), Refused> {
    is_addressed_to(request, hosts)?;
    let refuse = |status, why: String| Err(Refused::new(status, why));
    let sent = request.headers().get(TOKEN).map(header::HeaderValue::as_bytes).unwrap_or_default();
    if !same(sent, token.as_bytes()) {
        return refuse(StatusCode::UNAUTHORIZED, words::wrong_token());
    }
    let is_json = text(request, header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if request.method() != Method::GET && !is_json {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, words::send_json());
    }
    Ok(())
}

/// How `web::Json` reads bodies once a request is admitted.
pub fn bodies() -> JsonConfig {
    JsonConfig::default()
        .limit(BODY_LIMIT)
        .error_handler(|why, _| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, words::bad_body(why)).into())
}

/// The value of a header as text; empty if it is missing or not text.
fn text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or(""))
}

/// Compares in constant time, so that the duration does not show how many bytes were right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PORT: u16 = 4321;
    const SECRET: &str = "0123456789abcdef";

    fn with(headers: &[(&str, &str)]) -> Result<(), u16> {
        let mut request = TestRequest::post().uri("/scale");
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        admit(&request.to_http_request(), &loopback(PORT), SECRET).map_err(|refused| refused.status.as_u16())
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:4321");
    const KEY: (&str, &str) = (TOKEN, SECRET);
    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn our_own_program_is_admitted() {
        assert_eq!(with(&[HOST, KEY, JSON]), Ok(()));
        assert_eq!(
            with(&[("host", "localhost:4321"), ("origin", "http://localhost:4321"), KEY, JSON]),
            Ok(())
        );
    }

    #[test]
    fn each_way_round_it_is_closed() {
        // A page of another origin: an evil one, a similar one, or an opaque one.
        for origin in
            ["http://evil.example", "http://127.0.0.1:4321.evil.example", "null", "https://127.0.0.1:4321"]
        {
            assert_eq!(with(&[HOST, ("origin", origin), KEY, JSON]), Err(403), "{origin}");
        }
        // A rebound name.
        for host in ["evil.example:4321", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:43210", ""] {
            assert_eq!(with(&[("host", host), KEY, JSON]), Err(421), "{host}");
        }
        assert_eq!(with(&[KEY, JSON]), Err(421), "no host");
        // A form post, which needs no preflight request.
        for kind in [
            "application/x-www-form-urlencoded",
            "text/plain",
            "multipart/form-data",
            "text/plain; application/json",
        ] {
            assert_eq!(with(&[HOST, KEY, ("content-type", kind)]), Err(415), "{kind}");
        }
        // A caller that cannot read this user's files.
        for token in ["", "0123456789abcdee", "0123456789abcdef0", "0123456789abcde"] {
            assert_eq!(with(&[HOST, (TOKEN, token), JSON]), Err(401), "{token}");
        }
        assert_eq!(with(&[HOST, JSON]), Err(401), "no token");
    }
}

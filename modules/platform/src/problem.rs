//! Errors over HTTP: problem details (RFC 9457) with a stable code.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use contracts::{BoxError, excerpt};
use serde::Serialize;

/// The longest detail, in bytes. A parser quotes what it does not understand, however long that is (rule 49).
const LONGEST_DETAIL: usize = 2000;

/// An answer that says what is wrong, where, and what to do.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The words for the status.
    title: &'static str,
    /// The HTTP status, as a number.
    status: u16,
    /// Which problem it is, for programs.
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
}

impl Problem {
    /// A problem with its status, its code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            code,
            detail: excerpt(&detail.into(), LONGEST_DETAIL).into_owned(),
        }
    }

    /// 400: the request itself is not understood.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}"))
    }

    /// 422: understood, and impossible.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503: not now. Nothing was decided; the same request with the same `Idempotency-Key` may be sent again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).expect("made from a status")
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.status == 503 {
            response.insert_header(("retry-after", "1"));
        }
        response.content_type("application/problem+json").json(self)
    }
}

/// The store failed. The cause goes to the log; the caller learns only that nothing was decided.
impl From<BoxError> for Problem {
    fn from(error: BoxError) -> Self {
        tracing::error!(%error, "a request failed");
        Self::unavailable("the shop's database did not answer; nothing was decided, try again")
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        BoxError::from(error).into()
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        BoxError::from(error).into()
    }
}

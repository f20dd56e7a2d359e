//! Errors over HTTP: problem details (RFC 9457) with a stable code.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use contracts::excerpt;
use serde::Serialize;

/// The maximum length of a detail, in bytes. Parsers quote invalid input at any length: rule 49 (text bounds).
const LONGEST_DETAIL: usize = 2000;

/// An error response that says what is wrong, where, and what to do.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// Always `about:blank`; `code` identifies the problem.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status as text.
    title: &'static str,
    /// The status as a number.
    status: u16,
    /// Identifies the problem, for programs.
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
    /// The path to poll for the outcome of the request, if it is unknown here.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<String>,
}

impl Problem {
    /// A problem with a status, a code and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            code,
            detail: excerpt(&detail.into(), LONGEST_DETAIL).into_owned(),
            ask: None,
        }
    }

    /// 400: the request itself is invalid.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: it does not exist.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}"))
    }

    /// 422: valid, but cannot be done.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503: not possible now, and *certainly* nothing was done. Use it only if that is known: rule 53 (three outcomes).
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// 504: no response from the process that should do it. It may have been done, or may still be.
    pub fn outcome_unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", detail)
    }

    /// Adds the path at which the client can ask for the outcome.
    pub fn ask_at(self, path: String) -> Self {
        Self { ask: Some(path), ..self }
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

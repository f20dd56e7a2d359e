//! Errors over HTTP: problem details (RFC 9457) with a stable code.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use contracts::excerpt;
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
    /// Where to ask what became of the request, where that is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<String>,
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
            ask: None,
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

    /// 503: not now, and nothing was done, *for certain*. Only for whoever knows that (rule 53).
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// 504: whoever was to do it gave no answer. It may have been done, or may yet be; nobody here can tell.
    pub fn outcome_unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", detail)
    }

    /// The same, with the path at which to ask what became of it.
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

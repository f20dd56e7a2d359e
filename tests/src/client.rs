//! Requests to a shop, and its responses.

use anyhow::{Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// No body.
    None,
    /// JSON, with its content type.
    Json(Value),
    /// Raw bytes with this content type, or with none.
    Raw(Vec<u8>, Option<&'static str>),
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The parsed body, or null if it is not JSON.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Self { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text })
    }

    /// A header's value, or an empty string if it is missing or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// Returns the response if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text);
        Ok(self)
    }

    /// Fails unless the response is a problem with this status, this code and a detail.
    pub fn is_problem(&self, status: u16, code: &str) -> Result<()> {
        let found = (self.status, self.json["code"].as_str().unwrap_or_default());
        ensure!(found == (status, code), "{found:?} instead of {:?}: {}", (status, code), self.text);
        ensure!(
            self.media_type() == "application/problem+json",
            "a problem with the media type {}",
            self.media_type()
        );
        ensure!(
            self.json["detail"].as_str().is_some_and(|detail| detail.len() > 10),
            "no detail: {}",
            self.text
        );
        Ok(())
    }
}

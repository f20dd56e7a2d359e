//! Requests to a shop, and their answers.

use anyhow::{Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What is sent in a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON, said to be JSON.
    Json(Value),
    /// These bytes, said to be of this type; `None` says nothing.
    Raw(Vec<u8>, Option<&'static str>),
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON; else null.
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

    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// Itself, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text);
        Ok(self)
    }

    /// Fails unless it is a problem with this status and code, and a sentence.
    pub fn is_problem(&self, status: u16, code: &str) -> Result<()> {
        let found = (self.status, self.json["code"].as_str().unwrap_or_default());
        ensure!(found == (status, code), "{found:?} instead of {:?}: {}", (status, code), self.text);
        ensure!(self.media_type() == "application/problem+json", "a problem as {}", self.media_type());
        ensure!(
            self.json["detail"].as_str().is_some_and(|detail| detail.len() > 10),
            "no detail: {}",
            self.text
        );
        Ok(())
    }
}

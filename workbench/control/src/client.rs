//! The client side of the control interface, used by the other commands.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::ACCEPT_LANGUAGE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use terminal::language::{self, Language};

use super::Access;
use super::admission::TOKEN;
use crate::words;

/// Longer than the deployment of many instances takes.
const LIMIT: Duration = Duration::from_secs(300);

/// A client of the running `cleave up`.
#[derive(Debug, Clone)]
pub struct Client {
    access: Access,
    http: reqwest::Client,
    /// The language of the texts in responses.
    language: Language,
}

impl Client {
    /// A client with this token.
    pub fn new(access: Access) -> Result<Client> {
        let http = reqwest::Client::builder().no_proxy().timeout(LIMIT).build()?;
        Ok(Client { access, http, language: language::current() })
    }

    /// Asks for English texts, as in JSON for other programs.
    pub fn in_english(self) -> Client {
        Client { language: Language::English, ..self }
    }

    /// Sends a GET request.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends a POST request.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.access.port)
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let request = request.header(TOKEN, &self.access.token);
        let answer = request.header(ACCEPT_LANGUAGE, self.language.code()).send().await;
        let answer = answer.with_context(words::up_is_silent)?;
        let good = answer.status().is_success();
        let body: Value = answer.json().await.with_context(words::not_json)?;
        if !good {
            bail!(body["error"].as_str().map_or_else(words::refused, str::to_owned));
        }
        serde_json::from_value(body).with_context(words::another_version)
    }
}

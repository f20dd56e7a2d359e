//! Command-line options for telemetry.

use clap::{Args, ValueEnum};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// The variables defined by OpenTelemetry's exporter specification. The one for traces takes precedence.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";

/// The telemetry options of every program of the shop.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Whether to record spans and metrics. Logs are always written.
    #[arg(long, env = "CLEAVE_TELEMETRY", value_enum, default_value_t = Switch::On)]
    telemetry: Switch,
    /// Collector to export spans to, in addition to keeping them in memory, e.g. http://127.0.0.1:4318 (OTLP over HTTP,
    /// as JSON). Default: the environment variables OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT.
    #[arg(long, value_name = "URL", value_parser = base)]
    otlp_endpoint: Option<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Where spans are sent, and with which headers.
#[derive(Debug)]
pub(super) struct Collector {
    pub url: Url,
    pub headers: HeaderMap,
}

impl Options {
    pub(super) fn is_on(&self) -> bool {
        self.telemetry == Switch::On
    }

    /// The configured collector, if any. `variable` looks up an environment variable.
    ///
    /// These variables are often set for everything that a shell starts, so a value that cannot be used here must not
    /// stop the program. The error names the variable and the reason. It never repeats the value, which may contain a
    /// password.
    pub(super) fn collector(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Collector>, String> {
        // An empty variable counts as unset (OpenTelemetry's specification of environment variables).
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        let read = |name, read: fn(&str) -> Result<Url, String>| {
            let url = set(name).map(|text| read(text.trim()));
            url.transpose().map_err(|why| format!("{name} cannot be used: {why}"))
        };
        let url = match &self.otlp_endpoint {
            Some(url) => Some(below(url)),
            None => match read(TRACES_ENDPOINT, http)? {
                Some(url) => Some(url),
                None => read(ENDPOINT, base)?.as_ref().map(below),
            },
        };
        let Some(url) = url else { return Ok(None) };
        let name = if set(TRACES_HEADERS).is_some() { TRACES_HEADERS } else { HEADERS };
        let headers = headers(&set(name).unwrap_or_default());
        let headers = headers.map_err(|why| format!("{name} cannot be used: {why}"))?;
        Ok(Some(Collector { url, headers }))
    }
}

/// Parses an endpoint for all signals. Each signal's path is appended to it.
fn base(text: &str) -> Result<Url, String> {
    let url = http(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a path is appended to it, so it must not contain ? or #".into());
    }
    Ok(url)
}

fn below(endpoint: &Url) -> Url {
    let traces = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    traces.parse().expect("a URL with a longer path is a URL")
}

/// Parses an HTTP URL.
fn http(text: &str) -> Result<Url, String> {
    match text.parse::<Url>() {
        Ok(url) if url.scheme() == "http" && url.has_host() => Ok(url),
        Ok(url) if url.scheme() == "https" => Err(
            "https is not supported, since no TLS is built in; use a nearby collector such as http://127.0.0.1:4318 that \
             can forward the spans over TLS"
                .into(),
        ),
        _ => Err("it must look like http://127.0.0.1:4318".into()),
    }
}

/// Parses headers of the form `name=value,name=value`, with percent-encoded values.
fn headers(text: &str) -> Result<HeaderMap, String> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(|pair| header(pair).ok_or_else(|| "it must look like name=value,name=value".into())).collect()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The collector for these variables, as the URL followed by ` name=value` pairs, or the error text.
    fn collector(flag: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let otlp_endpoint = flag.map(|text| base(text).unwrap());
        let options = Options { telemetry: Switch::On, otlp_endpoint };
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let found = options.collector(variable)?;
        Ok(found.map(|Collector { url, headers }| {
            let headers = headers.iter().map(|(name, value)| format!(" {name}={}", value.to_str().unwrap()));
            format!("{url}{}", headers.collect::<String>())
        }))
    }

    #[test]
    fn traces_go_below_the_endpoint() {
        for (given, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://h/otlp", "http://h/otlp/v1/traces"),
        ] {
            assert_eq!(collector(Some(given), &[]).unwrap().as_deref(), Some(traces));
            assert_eq!(collector(None, &[(ENDPOINT, given)]).unwrap().as_deref(), Some(traces));
        }
        for bad in ["", "127.0.0.1:4318", "https://h", "http://h?x=1", "grpc://h"] {
            assert!(base(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_endpoint_of_traces_is_taken_as_it_is_and_goes_first() {
        let both = [(ENDPOINT, "http://a"), (TRACES_ENDPOINT, "http://b/in?x=1")];
        assert_eq!(collector(None, &both).unwrap().as_deref(), Some("http://b/in?x=1"));
        let flagged = collector(Some("http://c"), &both).unwrap();
        assert_eq!(flagged.as_deref(), Some("http://c/v1/traces"));
    }

    #[test]
    fn what_is_empty_is_not_set() {
        assert_eq!(collector(None, &[]), Ok(None));
        assert_eq!(collector(None, &[(ENDPOINT, ""), (TRACES_ENDPOINT, " "), (HEADERS, "a=b")]), Ok(None));
        let one = [(ENDPOINT, "http://a"), (TRACES_ENDPOINT, "")];
        assert_eq!(collector(None, &one).unwrap().as_deref(), Some("http://a/v1/traces"));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_never_repeated() {
        for (name, value, word) in [
            (ENDPOINT, "https://user:secret@h", "TLS"),
            (TRACES_ENDPOINT, "https://h/secret", "TLS"),
            (ENDPOINT, "secret:4318", "http://127.0.0.1:4318"),
            (ENDPOINT, "http://h?secret=1", "?"),
        ] {
            let why = collector(None, &[(name, value)]).unwrap_err();
            assert!(why.contains(name) && why.contains(word) && !why.contains("secret"), "{why}");
        }
        for bad in ["secret", "=secret", "a b=secret", "a=secret%0A", "a=%ffsecret"] {
            let why = collector(None, &[(ENDPOINT, "http://h"), (HEADERS, bad)]).unwrap_err();
            assert!(why.contains(HEADERS) && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn headers_travel_along() {
        let general = (HEADERS, "Api-Key=a%20b, x=1=2,");
        let found = collector(None, &[(ENDPOINT, "http://h"), general]).unwrap().unwrap();
        assert_eq!(found, "http://h/v1/traces api-key=a b x=1=2");
        let own = [(ENDPOINT, "http://h"), general, (TRACES_HEADERS, "y=2")];
        assert_eq!(collector(None, &own).unwrap().unwrap(), "http://h/v1/traces y=2");
    }
}

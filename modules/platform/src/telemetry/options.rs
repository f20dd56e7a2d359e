//! What can be chosen about telemetry.

use clap::{Args, ValueEnum};
use reqwest::Url;

/// What every program of the shop can be told about its telemetry.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Whether spans are recorded and things are counted. Logs are written all the same.
    #[arg(long, env = "CLEAVE_TELEMETRY", value_enum, default_value_t = Switch::On)]
    telemetry: Switch,
    /// The collector that spans are sent to, beside being kept here, as http://127.0.0.1:4318 (OTLP over HTTP).
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = collector)]
    otlp_endpoint: Option<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Options {
    pub(super) fn is_on(&self) -> bool {
        self.telemetry == Switch::On
    }

    /// Where spans are sent: below the endpoint, as OpenTelemetry's specification of exporters says.
    pub(super) fn traces_url(&self) -> Option<Url> {
        let endpoint = self.otlp_endpoint.as_ref()?;
        let traces = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        Some(traces.parse().expect("a URL with a longer path is one"))
    }
}

fn collector(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok().filter(|url| url.scheme() == "http" && url.has_host());
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    url.ok_or_else(|| "it must look like http://127.0.0.1:4318; there is no TLS here".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_endpoint() {
        for (given, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://h/otlp", "http://h/otlp/v1/traces"),
        ] {
            let options = Options { telemetry: Switch::On, otlp_endpoint: Some(collector(given).unwrap()) };
            assert_eq!(options.traces_url().unwrap().as_str(), traces);
        }
        for bad in ["", "127.0.0.1:4318", "https://h", "http://h?x=1", "grpc://h"] {
            assert!(collector(bad).is_err(), "{bad:?}");
        }
    }
}

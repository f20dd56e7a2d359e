//! What happened to customers' requests during an operation: the gateway's counts before and after. By capability, this
//! is the *blast radius* of a deployment.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words;
use topology::Capability;

/// The time limit for the gateway's metrics.
const LIMIT: Duration = Duration::from_secs(2);
/// The metric that counts responses, by method, route and status.
const ANSWERS: &str = "http_server_request_duration_seconds_count{";

/// Requests by capability; zeros for those without requests.
pub type Served = BTreeMap<Capability, Asked>;

/// Requests and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Requests with a response, failed or not.
    pub requests: u64,
    /// Of those, the ones with a status of 500 or more.
    pub failed: u64,
}

/// All responses of the gateway at this address so far; `None` if its metrics cannot be read.
pub async fn so_far(gateway: &str) -> Option<Served> {
    let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().ok()?;
    let answer = client.get(format!("{gateway}/metrics")).send().await.ok()?.error_for_status().ok()?;
    Some(read(&answer.text().await.ok()?))
}

/// The difference between two readings.
pub fn between(before: &Served, after: &Served) -> Served {
    let since = |(capability, after): (&Capability, &Asked)| {
        let before = before.get(capability).copied().unwrap_or_default();
        let asked = Asked {
            requests: after.requests.saturating_sub(before.requests),
            failed: after.failed.saturating_sub(before.failed),
        };
        (*capability, asked)
    };
    after.iter().map(since).collect()
}

/// A sentence for people. Without requests, it is unknown which capabilities would have failed.
pub fn told(served: Option<&Served>) -> String {
    let Some(served) = served else { return words::gateway_silent() };
    let asked: Vec<String> = served
        .iter()
        .filter(|(_, asked)| asked.requests > 0)
        .map(|(what, asked)| words::failed_of(name(*what), asked.failed, asked.requests))
        .collect();
    if asked.is_empty() {
        return words::no_requests();
    }
    words::requests_failed(asked.join(", "))
}

fn name(capability: Capability) -> String {
    match capability {
        Capability::Browse => words::browse(),
        Capability::Order => words::order(),
        Capability::Pay => words::pay(),
        Capability::Track => words::track(),
    }
}

fn read(metrics: &str) -> Served {
    let mut served: Served =
        Capability::ALL.into_iter().map(|capability| (capability, Asked::default())).collect();
    for line in metrics.lines() {
        let Some((labels, count)) = line.strip_prefix(ANSWERS).and_then(|rest| rest.rsplit_once("} ")) else {
            continue;
        };
        let label =
            |name: &str| labels.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value);
        let capability = match (label("http_request_method"), label("http_route")) {
            (Some("GET"), Some("/products/{sku}")) => Capability::Browse,
            (Some("POST"), Some("/orders")) => Capability::Order,
            (Some("POST"), Some("/wallets/deposits")) => Capability::Pay,
            (Some("GET"), Some("/orders/{order_id}")) => Capability::Track,
            _ => continue,
        };
        let count: u64 = count.parse().unwrap_or_default();
        let failed = label("http_response_status_code").is_some_and(|status| status.starts_with('5'));
        let asked = served.entry(capability).or_default();
        asked.requests += count;
        asked.failed += if failed { count } else { 0 };
    }
    served
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    fn metrics(good: u64, bad: u64) -> String {
        format!(
            "# TYPE http_server_request_duration_seconds histogram\n\
             {ANSWERS}http_request_method=\"POST\",http_route=\"/orders\",http_response_status_code=\"202\"}} {good}\n\
             {ANSWERS}http_request_method=\"POST\",http_route=\"/orders\",http_response_status_code=\"503\"}} {bad}\n\
             {ANSWERS}http_request_method=\"PUT\",http_route=\"/products\",http_response_status_code=\"204\"}} 7\n\
             http_server_request_duration_seconds_sum{{http_request_method=\"POST\",http_route=\"/orders\"}} 0.5\n"
        )
    }

    #[test]
    fn what_came_between_is_told_by_capability() {
        let met = between(&read(&metrics(10, 1)), &read(&metrics(30, 3)));
        assert_eq!(met[&Capability::Order], Asked { requests: 22, failed: 2 });
        assert_eq!(met[&Capability::Browse], Asked::default());
        let told = language::with(Language::English, || told(Some(&met)));
        assert_eq!(told, "requests that failed meanwhile: order 2 of 22");
    }

    #[test]
    fn no_requests_are_no_pass() {
        let all = read(&metrics(10, 1));
        let told = |served: Option<Served>| language::with(Language::English, || told(served.as_ref()));
        assert!(told(Some(between(&all, &all))).contains("is not known"));
        assert!(told(None).contains("could not be read"));
    }
}

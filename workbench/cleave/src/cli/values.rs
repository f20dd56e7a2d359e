//! Options that several commands share, and parsers for values.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::Url;

use crate::words;
use experiments::flaws;
use topology::{Driver, ShopHandle};

/// What `cleave up` starts.
#[derive(Debug, Clone)]
pub(super) struct Modes(pub(super) Vec<Driver>);

/// Which rules to leave out.
#[derive(Debug, Args)]
pub(super) struct FlawArgs {
    /// Rules to leave out on purpose, to see what they are for; see `cleave flaws`.
    #[arg(long, value_delimiter = ',', value_name = "FLAW", value_parser = flaw)]
    pub(super) flaws: Vec<String>,
}

/// Which servers to use. Private ones of cleave's own, unless these say otherwise.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// PostgreSQL to use: postgres://user:password@host:port/name. cleave creates its own databases there.
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    database_url: Option<String>,
    /// RabbitMQ to use: amqp://user:password@host:port/%2f.
    #[arg(long, value_name = "URL", value_parser = amqp_url)]
    amqp_url: Option<String>,
    /// Folder for PostgreSQL's data, on a small file system that the fault disk_full may fill.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    disk: Option<PathBuf>,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Json {
    /// Write the result as JSON to this file; - is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(super) json: Option<String>,
}

impl ServerArgs {
    pub(super) fn options(self) -> servers::ServerOptions {
        let ServerArgs { database_url, amqp_url, disk, yes } = self;
        servers::ServerOptions { database_url, amqp_url, disk, yes, ..servers::ServerOptions::default() }
    }
}

pub(super) fn modes(word: &str) -> Result<Modes, String> {
    if word == "both" {
        return Ok(Modes(vec![Driver::Local, Driver::Orchestrated]));
    }
    let why =
        |why: String| if is_hybrid(word) { why } else { words::no_such_mode_or_both(word, all_drivers()) };
    Ok(Modes(vec![word.parse().map_err(why)?]))
}

pub(super) fn driver(word: &str) -> Result<Driver, String> {
    word.parse()
        .map_err(|why: String| if is_hybrid(word) { why } else { words::no_such_mode(word, all_drivers()) })
}

/// What is wrong with a hybrid is said better by its parser.
fn is_hybrid(word: &str) -> bool {
    word.starts_with("hybrid")
}

fn all_drivers() -> String {
    Driver::ALL.map(|driver| driver.to_string()).join(", ") + ", hybrid:payments"
}

/// Reads a whole number of this range.
pub(super) fn whole(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |word| {
        let number = word.parse::<u64>().map_err(|_| words::not_whole(word))?;
        if !range.contains(&number) {
            return Err(words::between(range.start(), range.end()));
        }
        Ok(number)
    }
}

pub(super) fn port(word: &str) -> Result<u16, String> {
    let number = whole(0..=u16::MAX.into())(word)?;
    Ok(u16::try_from(number).unwrap_or_default())
}

pub(super) fn address(word: &str) -> Result<IpAddr, String> {
    word.parse().map_err(|_| words::give_address())
}

/// A host and its port, as a browser sends them in `Host`.
pub(super) fn public_address(word: &str) -> Result<String, String> {
    let url = Url::parse(&format!("http://{word}/")).ok();
    let is_exact = |url: &Url| {
        url.as_str() == format!("http://{word}/") && url.port().is_some() && !word.contains(['@', '/'])
    };
    url.filter(is_exact).map(|_| word.to_owned()).ok_or_else(words::give_public_address)
}

/// A shop that something else runs.
pub(super) fn shop(text: &str) -> Result<ShopHandle, String> {
    serde_json::from_str(text).map_err(words::no_shop)
}

/// A seed or another number without a range.
pub(super) fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| words::not_whole(word))
}

pub(super) fn scaling(word: &str) -> Result<control::Scale, String> {
    let (service, number) = word.split_once('=').ok_or_else(words::give_scaling)?;
    let instances = number.parse().map_err(|_| words::not_instances(number))?;
    Ok(control::Scale { service: service.to_owned(), instances })
}

pub(super) fn setting(word: &str) -> Result<control::Set, String> {
    let (name, number) = word.split_once('=').ok_or_else(words::give_setting)?;
    let value = number.parse().map_err(|_| words::not_whole(number))?;
    Ok(control::Set { name: name.to_owned(), value })
}

pub(super) fn flaw(word: &str) -> Result<String, String> {
    flaws::find(word).map(|flaw| flaw.name.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn postgres_url(text: &str) -> Result<String, String> {
    url(text, &["postgres", "postgresql"], "postgres://user:password@host:port/name")
}

pub(super) fn amqp_url(text: &str) -> Result<String, String> {
    // The client library reads an IPv6 address as localhost, and would connect to another broker.
    let host = text.rsplit_once('@').map_or(text.trim_start_matches("amqp://"), |(_, host)| host);
    if host.starts_with('[') {
        return Err(words::no_ipv6());
    }
    url(text, &["amqp"], "amqp://user:password@host:port/%2f")
}

fn url(text: &str, schemes: &[&str], form: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    url.map(|_| text.to_owned()).ok_or_else(|| words::give_url(form))
}

/// `200` or `200/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    rate_within(text, 0.1..=100_000.0)
}

pub(super) fn rate_within(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate: f64 = number.parse().map_err(|_| words::give_rate())?;
    if !range.contains(&rate) {
        return Err(words::rate_between(range.start(), range.end()));
    }
    Ok(rate)
}

/// `20s`, `1.5s`, `500ms`, `2m`, or seconds without a unit.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    match length_or_none(text)? {
        Duration::ZERO => Err(words::not_zero()),
        length => Ok(length),
    }
}

pub(super) fn length_or_none(text: &str) -> Result<Duration, String> {
    let with_unit =
        if text.ends_with(|c: char| c.is_ascii_digit()) { format!("{text}s") } else { text.into() };
    faults::read_duration(&with_unit).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_exactly() {
        for good in ["127.0.0.1:8080", "localhost:9", "[::1]:8080", "shop.example:8443"] {
            assert_eq!(public_address(good).as_deref(), Ok(good));
        }
        for bad in ["", "127.0.0.1", "http://127.0.0.1:8080", "a b:1", "u@h:1", "h:1/x", "h:99999", "SHOP:1"]
        {
            assert!(public_address(bad).is_err(), "{bad}");
        }
        assert_eq!(length("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(length("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(length("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(length("3"), Ok(Duration::from_secs(3)));
        assert_eq!(length_or_none("0"), Ok(Duration::ZERO));
        for bad in ["", "s", "0", "0s", "-1s", "1h", "2 d", "nan", "inf", "1e9s", "99999m"] {
            assert!(length(bad).is_err(), "{bad}");
        }
        assert_eq!((rate("200"), rate("200/s"), rate("0.5/s")), (Ok(200.0), Ok(200.0), Ok(0.5)));
        for bad in ["0", "-1", "nan", "inf", "1e9", "200/m", "fast", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}

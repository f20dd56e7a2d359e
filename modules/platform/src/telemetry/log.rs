//! Logs: JSON lines on standard error, with the trace and the order id if the line belongs to a request or message.

use std::cell::Cell;
use std::fmt;

use contracts::{OrderId, TraceContext};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::Scope;

tokio::task_local! {
    /// The request or message that this task is working on.
    static BEHALF: Behalf;
}

struct Behalf {
    trace: TraceContext,
    order: Cell<Option<OrderId>>,
}

/// What is logged if `RUST_LOG` is unset or invalid.
const USUAL: &str = "info,actix_server=warn";

/// Starts logging. `RUST_LOG` selects what is logged, e.g. `info,chassis=debug`; the default is `info` and above.
pub(super) fn start(service: &'static str) {
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(WithTrace(Format::default().json().flatten_event(true)))
        .with_writer(std::io::stderr);
    let chosen = std::env::var("RUST_LOG").ok();
    tracing_subscriber::registry().with(targets(chosen.as_deref())).with(lines).init();
    tracing::info!(service, pid = std::process::id(), "starting");
}

fn targets(chosen: Option<&str>) -> Targets {
    let chosen = chosen.filter(|chosen| !chosen.trim().is_empty()).and_then(|chosen| chosen.parse().ok());
    chosen.unwrap_or_else(|| USUAL.parse().expect("it is well formed"))
}

/// Runs work for a trace. Everything logged meanwhile carries the `trace_id`. Also returns the order that the work was
/// about, if it called [`note_order`].
pub(super) async fn observed<T>(trace: TraceContext, work: impl Future<Output = T>) -> (T, Option<OrderId>) {
    let work = async {
        let done = work.await;
        (done, BEHALF.with(|behalf| behalf.order.get()))
    };
    BEHALF.scope(Behalf { trace, order: Cell::new(None) }, work).await
}

/// The same for synchronous work, whose order may already be known.
pub fn on_behalf<T>(scope: &Scope, work: impl FnOnce() -> T) -> T {
    BEHALF.sync_scope(Behalf { trace: scope.context(), order: Cell::new(scope.order()) }, work)
}

/// Marks the current work as being about this order. Log lines from here on carry its `order_id`, and so does the span.
pub fn note_order(order: OrderId) {
    let _ = BEHALF.try_with(|behalf| behalf.order.set(Some(order)));
}

/// The inner format's JSON lines, with the trace and order ids inserted at the front.
struct WithTrace(Format<Json>);

impl<S> FormatEvent<S, JsonFields> for WithTrace
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Ok(behalf) = BEHALF.try_with(Behalf::fields) else {
            return self.0.format_event(context, to, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(to, "{{{behalf}{rest}"),
            None => to.write_str(&line),
        }
    }
}

impl Behalf {
    fn fields(&self) -> String {
        let trace = format!("\"trace_id\":\"{}\",", self.trace.trace_id());
        match self.order.get() {
            Some(order) => format!("{trace}\"order_id\":\"{order}\","),
            None => trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::Level;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_logged_can_be_chosen() {
        let logs = |chosen: Option<&str>, target: &str, level| targets(chosen).would_enable(target, &level);
        for usual in [None, Some(""), Some("chassis=[")] {
            assert!(
                logs(usual, "chassis", Level::INFO) && !logs(usual, "chassis", Level::DEBUG),
                "{usual:?}"
            );
            assert!(!logs(usual, "actix_server::worker", Level::INFO), "{usual:?}");
        }
        let chosen = Some("warn,chassis=debug");
        assert!(logs(chosen, "chassis::relay", Level::DEBUG) && !logs(chosen, "platform", Level::INFO));
        assert!(!logs(Some("off"), "platform", Level::ERROR));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_line_carries_the_trace_and_the_order_that_it_is_about() {
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(WithTrace(Format::default().json().flatten_event(true)))
            .with_writer(move || to.clone())
            .finish();
        let _here = tracing::subscriber::set_default(subscriber);
        let (trace, order) = (TraceContext::root(), OrderId::new());
        tracing::info!("before");
        let (_, about) = observed(trace, async {
            tracing::info!(n = 1, "a request");
            note_order(order);
            tracing::info!("with \"its\" order");
        })
        .await;
        assert_eq!(about, Some(order));
        tracing::info!("after");
        let written = written.0.lock().clone();
        let lines: Vec<serde_json::Value> = String::from_utf8(written)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let traces: Vec<_> = lines.iter().map(|line| line["trace_id"].as_str()).collect();
        let id = trace.trace_id();
        assert_eq!(traces, [None, Some(id.as_str()), Some(id.as_str()), None]);
        assert_eq!(lines[1]["n"], 1);
        assert_eq!(lines[2]["order_id"], order.to_string());
        assert_eq!(lines[2]["message"], "with \"its\" order");
        assert!(lines[1].get("order_id").is_none());
    }
}

//! String literals of a source, and which of them are statements.

/// How a statement begins.
const VERBS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE"];

/// The places that `format!` fills in a statement of the workbench, and an example of what it puts there.
const PLACES: [(&str, &str); 13] = [
    ("{given_out}", "0::bigint"),
    ("{holds}", "catalog.claims"),
    ("{last_event}", "NULL"),
    ("{marker}", "00000000-0000-0000-0000-000000000000"),
    ("{module}", "payments"),
    ("{name}", "a_name"),
    ("{path}", "'/wallets/' || customer_id AS name FROM payments.wallets"),
    ("{table}", "payments.wallets"),
    ("{moment}", "clock_timestamp()"),
    ("{orders}", "1"),
    ("{products}", "catalog.products"),
    ("{rows}", "SELECT 'a row' AS the_row, xmax AS locker FROM orders.orders WHERE order_id = $1"),
    // Any table.
    ("FROM {}", "FROM orders.orders"),
];

#[derive(Debug)]
pub struct Literal {
    pub text: String,
    /// Whether it is passed directly to `sql`.
    pub in_sql: bool,
}

impl Literal {
    pub fn is_statement(&self) -> bool {
        let mut words = self.text.split_whitespace();
        words.next().is_some_and(|word| VERBS.contains(&word)) && words.next().is_some()
    }

    /// The text with something fit in each place that the program fills. Fails if it is not known what fits.
    pub fn filled(&self) -> Result<String, String> {
        let mut text = self.text.clone();
        for (place, example) in PLACES {
            text = text.replace(place, example);
        }
        let is_name = |name: &str| name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let mut inside = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        match inside.find(|(name, _)| is_name(name)) {
            Some((name, _)) => Err(format!("literals.rs does not say what fits in {{{name}}}")),
            None => Ok(with_all_parameters(text)),
        }
    }
}

/// All string literals of a source. `sql` only accepts literals, so no statement can be missed.
pub fn texts(source: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some(after) = here.strip_prefix("'\"'") {
            after
        } else if let Some(inside) = here.strip_prefix('"') {
            let raw = before.ends_with("r#");
            let end = if raw { inside.find("\"#") } else { end_of_literal(inside) };
            let end = end.unwrap_or(inside.len());
            found.push(Literal { text: unescaped(&inside[..end]), in_sql: before.ends_with("sql(") });
            inside.get(end + 1..).unwrap_or_default()
        } else {
            &here[1..]
        };
    }
    found
}

/// The place of the closing quote, counted from after the opening one.
fn end_of_literal(literal: &str) -> Option<usize> {
    let mut escaped = false;
    literal.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Joins lines that end with a backslash.
fn unescaped(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// A part of a statement may skip a parameter that another part uses. PostgreSQL then asks for its type.
fn with_all_parameters(text: String) -> String {
    let used = |number: &usize| text.contains(&format!("${number}"));
    let last = (1..10).rev().find(used).unwrap_or(0);
    let skipped: Vec<String> =
        (1..last).filter(|number| !used(number)).map(|number| format!("${number}::text")).collect();
    if skipped.is_empty() {
        text
    } else {
        format!("WITH part AS ({text}) SELECT {} FROM part", skipped.join(", "))
    }
}

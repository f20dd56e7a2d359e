//! Writes values as YAML. Keys are sorted, which is the usual order in Kubernetes.

use serde_json::Value;

/// The longest list that is written in one line.
const WIDTH: usize = 90;

/// One document, or several with a line between them.
pub fn documents<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    values.into_iter().map(|value| block(value, 0)).collect::<Vec<_>>().join("---\n")
}

fn block(value: &Value, indent: usize) -> String {
    let space = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let field = |(key, value): (&String, &Value)| match inline(value) {
                Some(text) => format!("{space}{}: {text}\n", scalar(key)),
                None => format!("{space}{}:\n{}", scalar(key), block(value, indent + 2)),
            };
            fields.iter().map(field).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            let item = |item: &Value| match inline(item) {
                Some(text) => format!("{space}- {text}\n"),
                // The first field is beside the dash.
                None => format!("{space}- {}", &block(item, indent + 2)[indent + 2..]),
            };
            items.iter().map(item).collect()
        }
        value => format!("{space}{}\n", inline(value).unwrap_or_default()),
    }
}

/// What fits behind a key: anything but an object or a list of them.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.is_empty().then(|| "{}".to_owned()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(scalar)).collect();
            let text = format!("[{}]", texts?.join(", "));
            (text.len() <= WIDTH).then_some(text)
        }
        Value::String(text) => Some(scalar(text)),
        value => Some(value.to_string()),
    }
}

/// A text is quoted unless it can be nothing else. JSON's quotes are YAML's too.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let means_something = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_word && !means_something.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_stay_texts() {
        let value = json!({
            "empty": {}, "none": [], "number": 8080, "port": "8080", "switch": "on", "word": "postgres-17",
            "image": "postgres:17", "list": ["a", "b c"], "nested": [{ "a": 1, "b": [{ "c": "d" }] }, { "e": {} }],
        });
        let expected = "empty: {}\nimage: \"postgres:17\"\nlist: [a, \"b c\"]\nnested:\n  - a: 1\n    b:\n      - c: d\n  \
                        - e: {}\nnone: []\nnumber: 8080\nport: \"8080\"\nswitch: \"on\"\nword: postgres-17\n";
        assert_eq!(documents([&value]), expected);
        assert_eq!(documents([&json!("a"), &json!(1)]), "a\n---\n1\n");
    }
}

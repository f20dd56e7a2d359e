//! Rust as text: separates code from comments and literals, and from tests.

/// The text with comments and quoted text replaced by blanks. Lines keep their places.
pub fn code_of(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let blank = blank_at(rest, code.chars().next_back());
        let length = blank.unwrap_or(c.len_utf8());
        let (piece, after) = rest.split_at(length);
        match blank {
            Some(_) => code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push_str(piece),
        }
        rest = after;
    }
    code
}

/// The length of the comment or literal that starts here, if there is one.
fn blank_at(text: &str, before: Option<char>) -> Option<usize> {
    let in_a_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if !in_a_word && text.starts_with(['r', 'b', 'c']) {
        let raw = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let start = text.len() - body.len();
        return Some(body.find(&end).map_or(text.len(), |at| start + at + end.len()));
    }
    // A character literal, not a lifetime.
    let mut characters = text.strip_prefix('\'')?.chars();
    let (one, two) = (characters.next()?, characters.next()?);
    (one == '\\' || two == '\'').then(|| quoted(text, '\''))
}

/// The length of a literal, from its quote to the next unescaped one.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The code without items that are compiled only for tests, and the names of test modules in other files.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    let (mut kept, mut modules, mut rest) = (String::new(), Vec::new(), code);
    if code.contains("#![cfg(test)]") {
        return (kept, modules);
    }
    let next = |rest: &str| ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|it| rest.find(it)).min();
    while let Some(at) = next(rest) {
        let (before, from) = rest.split_at(at);
        let (item, after) = from.split_at(end_of_item(from));
        kept.push_str(before);
        kept.extend(item.chars().filter(|c| *c == '\n'));
        let file = item.strip_suffix(';').and_then(|item| item.rsplit_once("mod "));
        modules.extend(file.map(|(_, name)| name.trim().to_owned()));
        rest = after;
    }
    kept.push_str(rest);
    (kept, modules)
}

/// The length of the item that starts here: to its semicolon or its closing brace.
fn end_of_item(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        // After the bracket of an attribute or the parenthesis of parameters the item goes on.
        if depth == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    text.len()
}

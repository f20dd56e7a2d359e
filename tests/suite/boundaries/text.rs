//! Rust as text: what of a file is code, and what of the code is not only for tests.

/// The text with comments, and what stands in quotes, made blank. Lines stay where they are.
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

/// How long the comment or literal is that begins here, if one does.
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
    // A character, and not a lifetime.
    let mut characters = text.strip_prefix('\'')?.chars();
    let (one, two) = (characters.next()?, characters.next()?);
    (one == '\\' || two == '\'').then(|| quoted(text, '\''))
}

/// The length of what begins with a quote, to the next one that is not escaped.
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

/// The code without what is compiled for tests only, and the names of the modules that are, and stand in other files.
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

/// How long the item is that begins here: to its semicolon, or to the brace that closes it.
fn end_of_item(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        // An attribute ends with a bracket, and parameters with a parenthesis: the item goes on.
        if depth == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    text.len()
}

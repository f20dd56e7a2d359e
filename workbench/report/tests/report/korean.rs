//! The report in Korean.

use terminal::language::{Language, has_hangul, with};

use crate::sample::{every_driver, monolith_and_split};

/// Every text of a page, with its element; without style sheets and code.
fn texts(page: &str) -> Vec<(&str, &str)> {
    let body = page.split_once("</style>").expect("a style sheet").1;
    let pieces = body.split('<').filter_map(|piece| piece.split_once('>'));
    let named = pieces.map(|(tag, text)| (tag.split([' ', '/']).next().unwrap_or_default(), text.trim()));
    named.filter(|(tag, text)| !text.is_empty() && !matches!(*tag, "code" | "pre")).collect()
}

/// Whether it has four English words in a row: names of drivers, figures and settings have fewer.
fn is_english(text: &str) -> bool {
    let word = |word: &&str| word.len() > 1 && word.chars().all(|letter| letter.is_ascii_alphabetic());
    let words: Vec<&str> = text.split(' ').collect();
    words.windows(4).any(|four| four.iter().all(word))
}

#[test]
fn every_heading_and_label_is_korean_and_no_sentence_is_english() {
    for run in [monolith_and_split(), every_driver()] {
        let page = with(Language::Korean, || report::html(&run)).expect("a page");
        assert!(page.starts_with("<!doctype html>\n<html lang=\"ko\">"));
        for (tag, text) in texts(&page) {
            assert!(!is_english(text), "in English: {text}");
            let is_label = matches!(tag, "h2" | "h3" | "dt" | "figcaption");
            let is_server = matches!(text, "PostgreSQL" | "RabbitMQ");
            assert!(!is_label || is_server || has_hangul(text), "a label without Korean: {text}");
        }
        for head in page.split("<th scope=\"row\">").skip(1) {
            let head = head.split("</th>").next().unwrap_or_default();
            assert!(has_hangul(head) || head.contains("CPU"), "a row without a Korean name: {head}");
        }
        let table = with(Language::Korean, || report::table(&run, Some(200)));
        for line in table.lines() {
            assert!(!is_english(line), "in English: {line}");
        }
        for row in table.lines().filter(|line| line.starts_with(' ') && line.contains(" (")) {
            assert!(has_hangul(row), "a row without a Korean name: {row}");
        }
    }
}

#[test]
fn a_diff_is_korean_and_what_is_written_is_english() {
    let run = with(Language::Korean, monolith_and_split);
    let diff = with(Language::Korean, || report::diff::diff(&run, &run));
    let shown = with(Language::Korean, || report::diff::render(&diff, Some(140)));
    assert!(!shown.lines().any(is_english), "{shown}");
    assert!(shown.contains("차이가 드러나지 않았습니다"), "{shown}");
    let written = || [report::json(&run).expect("a run"), serde_json::to_string(&diff).expect("JSON")];
    for json in with(Language::Korean, written) {
        assert!(!has_hangul(&json), "JSON does not depend on the language: {json}");
    }
}

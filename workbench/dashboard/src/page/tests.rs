//! Checks the page as text: words, files, and what the content policy forbids.

use std::collections::BTreeSet;

use serde_json::json;

use super::words::{self, WORDS, Word};
use super::{SCRIPTS, STYLES, asset, data, html, standing_alone};
use faults::KINDS;
use terminal::language::has_hangul;

/// Every key that the page or a script uses literally.
fn asked_for() -> BTreeSet<String> {
    // Not the rendered page: parts of the template are for exported pages only.
    let page = include_str!("../../templates/dashboard.html");
    let texts = SCRIPTS.iter().map(|script| script.text).chain([page]);
    let beginnings = ["data-word=\"", "data-label=\"", "words.word(\"", "words.wordOr(\""];
    texts
        .flat_map(|text| beginnings.iter().flat_map(|beginning| text.split(beginning).skip(1)))
        .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn no_word_is_missing_in_either_language() {
    let mut keys = BTreeSet::new();
    for (key, english, korean) in WORDS {
        assert!(keys.insert(*key), "{key} stands there twice");
        assert!(!english.is_empty() && !korean.is_empty(), "{key} has no words in one language");
        let places = |text: &str| (0..9).filter(|n| text.contains(&format!("{{{n}}}"))).collect::<Vec<_>>();
        assert_eq!(places(english), places(korean), "{key} is given the same values in both languages");
    }
    let asked_for = asked_for();
    assert!(asked_for.len() > 60, "{asked_for:?}");
    for key in &asked_for {
        assert!(keys.contains(key.as_str()), "the page asks for the word {key:?}, and there is none");
    }
}

#[test]
fn every_kind_of_fault_is_explained() {
    let texts = words::json();
    for kind in KINDS {
        let text = |language: &str| texts[format!("does_{}", kind.name)][language].as_str().expect(kind.name);
        assert!(!has_hangul(text("en")) && has_hangul(text("ko")), "{}", kind.name);
        assert!(!text("en").contains('`') && !text("ko").contains('`'), "{}", kind.name);
    }
}

#[test]
fn the_guides_name_buttons_by_their_labels() {
    let english = include_str!("../../../../docs/dashboard.md");
    let korean = include_str!("../../../../docs/dashboard.ko.md");
    let labels = |of: fn(&Word) -> &'static str| WORDS.iter().map(of).collect::<Vec<_>>();
    for (guide, labels) in [(english, labels(|word| word.1)), (korean, labels(|word| word.2))] {
        // The first section is a walk through the page, with the labels in italics.
        let walk = guide.split("\n## ").nth(1).unwrap();
        // A label may be wrapped.
        let walk = walk.split_whitespace().collect::<Vec<_>>().join(" ");
        let named: Vec<&str> =
            walk.split('*').skip(1).step_by(2).map(|name| name.trim_end_matches('.')).collect();
        assert!(named.len() > 8, "{named:?}");
        for name in named {
            assert!(labels.iter().any(|label| label.contains(name)), "the page has no {name:?}");
        }
    }
}

#[test]
fn no_word_is_left_over() {
    let scripts: String = SCRIPTS.iter().map(|script| script.text).collect();
    let asked_for = asked_for();
    // Keys that are composed: `mode_${…}`.
    let families: Vec<&str> =
        scripts.split('`').filter_map(|text| text.split_once("_${")).map(|(family, _)| family).collect();
    for (key, ..) in WORDS {
        let used = asked_for.contains(*key)
            || scripts.contains(&format!("\"{key}\""))
            || scripts.contains(&format!(" {key}:"))
            || families.iter().any(|family| key.starts_with(&format!("{family}_")));
        assert!(used, "the text {key:?} is not used");
    }
}

#[test]
fn the_page_is_small_and_needs_nothing_from_elsewhere() {
    let page = html().unwrap();
    let all: usize = STYLES.iter().chain(SCRIPTS).map(|asset| asset.text.len()).sum::<usize>() + page.len();
    assert!(all <= 300_000, "{all} bytes");
    for text in STYLES.iter().chain(SCRIPTS).map(|asset| asset.text).chain([page.as_str()]) {
        let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("http://") && !elsewhere.contains("https://"),
            "something is loaded from elsewhere"
        );
    }
    assert!(asset("page.js").is_some() && asset("../mod.rs").is_none());
}

#[test]
fn nothing_stands_in_the_page_that_its_policy_forbids() {
    let page = html().unwrap().replace(&data(&words::json().to_string()), "");
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"), "inline");
    for script in page.split("<script").skip(1) {
        assert!(
            script.starts_with(" type=\"application/json\"") || script.starts_with(" defer src="),
            "{script:.60}"
        );
    }
    // These would turn text into markup, including text from an order.
    for script in SCRIPTS {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!script.text.contains(way), "{} uses {way}", script.name);
        }
    }
}

#[test]
fn a_recording_cannot_break_out_of_a_page_that_stands_alone() {
    let evil = "{\"schema\":\"</script><script>alert(1)</script>\"}";
    let page =
        standing_alone("en", evil, &json!({ "ids": [], "en": evil, "ko": [] }), Some(&json!(evil))).unwrap();
    assert!(!page.contains("alert(1)</script>"), "it ended its element");
    assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)"));
    let ends = page.matches("</script").count();
    assert_eq!(ends, 5, "the words, the recording, its stories, the lesson, and the scripts");
}

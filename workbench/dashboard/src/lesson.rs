//! A lesson: texts beside a recording. Each leads to a second of it, to the story of an order, or to a comparison.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::sample::{NotableOrder, Sample, Shop};
use crate::words;
use report::run::Run;
use terminal::language::{Language, with};

/// A lesson as it is written, e.g. in `docs/lesson.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    steps: Vec<Step>,
}

/// A text, and what is shown beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// The second of the recording.
    second: u64,
    view: View,
    /// In the view of an order: the latest one of this sort whose story the page has.
    order: Option<Sort>,
    en: Said,
    ko: Said,
}

/// A view of the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    Watch,
    Map,
    Cost,
    Order,
    Comparison,
}

/// How orders are picked, in the lesson as by the buttons of the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Last,
    LastRefused,
    Slowest,
    Stuck,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    title: String,
    text: String,
}

impl Sort {
    fn of(self, shop: &Shop) -> Option<&NotableOrder> {
        let notable = &shop.notable;
        match self {
            Sort::Last => notable.last.as_ref(),
            Sort::LastRefused => notable.last_refused.as_ref(),
            Sort::Slowest => notable.slowest.as_ref(),
            Sort::Stuck => notable.stuck.as_ref(),
        }
    }
}

impl Lesson {
    /// Reads a lesson.
    pub fn read(file: &Path) -> Result<Lesson> {
        let text = fs::read_to_string(file).with_context(|| words::cannot_read(file.display()))?;
        toml::from_str(&text).with_context(|| words::no_lesson(file.display()))
    }

    /// Checks that each step has something to show: its second in the recording, and its order among the stories.
    pub(super) fn check(&self, recording: &str, stories: &Value) -> Result<()> {
        let samples: Vec<Sample> =
            recording.lines().skip(1).map(serde_json::from_str).collect::<Result<_, _>>()?;
        let told: Vec<Uuid> = serde_json::from_value(stories["ids"].clone())?;
        for (step, number) in self.steps.iter().zip(1..) {
            if !samples.iter().any(|sample| sample.second == step.second) {
                bail!(words::no_such_second(number, step.second));
            }
            let until = samples.iter().take_while(|sample| sample.second <= step.second);
            let mut shops = until.flat_map(|sample| &sample.shops);
            if let Some(sort) = step.order
                && !shops.any(|shop| sort.of(shop).is_some_and(|order| told.contains(&order.order_id)))
            {
                bail!(words::no_such_story(number, step.second));
            }
        }
        Ok(())
    }

    /// What the page gets: the steps, and the report of a saved run in both languages.
    pub(super) fn with_comparison(&self, run: &Path) -> Result<Value> {
        let mut run = Run::read(run)?;
        // A record has its sentences in English only. They follow from its figures.
        run.comparison = report::stats::compare(&run.modes);
        let report = |language| with(language, || report::html(&run));
        let comparison = json!({ "en": report(Language::English)?, "ko": report(Language::Korean)? });
        Ok(json!({ "steps": self.steps, "comparison": comparison }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording;

    const EXAMPLE: &str = include_str!("../tests/data/live.jsonl");
    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

    fn lesson(step: &str) -> Lesson {
        let said = "en = { title = \"A\", text = \"B\" }\nko = { title = \"가\", text = \"나\" }";
        toml::from_str(&format!("[[steps]]\n{step}\n{said}\n")).unwrap()
    }

    #[test]
    fn a_step_with_nothing_to_show_is_refused() {
        let second: Sample = serde_json::from_str(EXAMPLE.lines().nth(1).unwrap()).unwrap();
        let order = second.shops[1].notable.last.as_ref().unwrap().order_id;
        let problem = |step: &str, ids: Value| {
            let checked = lesson(step).check(EXAMPLE, &json!({ "ids": ids }));
            checked.err().map(|why| with(Language::English, || why.to_string()))
        };
        let first = format!("second = {}\nview = \"order\"\norder = \"last\"", second.second);
        assert_eq!(problem(&first, json!([order])), None);
        assert!(problem(&first, json!([])).unwrap().contains("no story"));
        assert!(problem("second = 99\nview = \"map\"", json!([])).unwrap().contains("no second 99"));
    }

    /// What an element of this id holds, of those that hold data.
    fn embedded(page: &str, id: &str) -> String {
        let begin = format!("<script type=\"application/json\" id=\"{id}\">");
        let (_, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no {id}"));
        rest.split_once("</script>").unwrap().0.to_owned()
    }

    /// `docs/lesson.html` and its Korean twin are read as they are: if this fails, see "Record the lesson again" in
    /// CONTRIBUTING.md.
    #[test]
    fn the_recorded_lessons_are_complete() {
        let lesson = Lesson::read(&Path::new(DOCS).join("lesson.toml")).unwrap();
        assert!((5..=7).contains(&lesson.steps.len()));
        for Step { en, ko, .. } in &lesson.steps {
            for (english, korean) in [(&en.title, &ko.title), (&en.text, &ko.text)] {
                assert!(!english.is_empty() && !terminal::language::has_hangul(english), "{english}");
                assert!(terminal::language::has_hangul(korean), "{korean}");
            }
        }
        for (language, name) in [("en", "lesson.html"), ("ko", "lesson.ko.html")] {
            let page = fs::read_to_string(Path::new(DOCS).join(name)).unwrap();
            assert!(page.len() < 1_600_000, "{name} has {} bytes", page.len());
            assert!(
                page.contains(&format!("<html lang=\"{language}\">")),
                "{name} begins in another language"
            );
            let text = embedded(&page, "recording").replace("\\u003c", "<");
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("live.jsonl"), &text).unwrap();
            recording::read(folder.path()).unwrap();
            let stories: Value = serde_json::from_str(&embedded(&page, "recorded-stories")).unwrap();
            assert_eq!(stories["en"].as_array().unwrap().len(), stories["ko"].as_array().unwrap().len());
            lesson.check(&text, &stories).unwrap();
            let taught: Value = serde_json::from_str(&embedded(&page, "lesson-data")).unwrap();
            assert_eq!(taught["steps"], json!(lesson.steps), "{name} has other steps than lesson.toml");
            for language in ["en", "ko"] {
                let report = taught["comparison"][language].as_str().unwrap();
                assert!(report.contains(&format!("<html lang=\"{language}\">")), "the report in {language}");
                assert!(
                    !report.contains("<script") && !loads_from_elsewhere(report),
                    "the report in {language}"
                );
            }
            assert!(
                page.contains("content=\"default-src 'none'; ") && !loads_from_elsewhere(&page),
                "{name}"
            );
        }
    }

    /// Links for reading (`<a href`) load nothing.
    fn loads_from_elsewhere(page: &str) -> bool {
        let ways =
            ["src=\"", "rel=\"stylesheet\" href=\"", "url(", "url(\"", "fetch(\"", "import(\"", "import \""];
        ways.iter()
            .any(|way| ["http:", "https:", "/"].iter().any(|place| page.contains(&format!("{way}{place}"))))
    }
}

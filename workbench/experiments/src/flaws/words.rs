//! The list of flaws and the results of experiments, for people.

use comfy_table::{ContentArrangement, LineStyle, Table, presets};

use super::{Entry, FLAWS, Observed};
use crate::words;
use audit::Verdict;
use report::verdict_words;

/// The width if the output is not a terminal.
const DEFAULT_WIDTH: u16 = 110;

/// All flaws in a table, and how to see one.
pub fn list() -> String {
    let mut table = table([
        words::head_flaw(),
        words::head_rule(),
        words::head_left_out(),
        words::head_breaks(),
        words::head_seen_on(),
    ]);
    for flaw in FLAWS {
        let driver = flaw.driver.to_string();
        table.add_row([flaw.name, &flaw.rule.to_string(), (flaw.says)().shown(), flaw.breaks, &driver]);
    }
    words::flaws_list(table)
}

/// A flaw and the result of its experiment: both shops' verdicts side by side, and the findings.
pub fn shown(entry: &Entry) -> String {
    let Entry { name, rule, says, seen, driver, breaks, .. } = entry;
    let mut text = format!("\n{}\n{says}\n{seen}\n\n", words::flaw_head(name, rule, driver));
    let Some(shown) = &entry.shown else { return text };
    let mut table = table([words::head_invariant(), words::without_flaw(), words::with_flaw()]);
    for (sound, flawed) in shown.sound.audit.iter().zip(&shown.flawed.audit) {
        let expected = if sound.invariant == *breaks { words::must_break() } else { String::new() };
        table.add_row([
            format!("{} {}", sound.invariant, sound.title),
            verdict_words(sound.verdict),
            format!("{}{expected}", verdict_words(flawed.verdict)),
        ]);
    }
    text += &format!("{table}\n");
    text += &findings(&words::without_flaw(), &shown.sound);
    text += &findings(&words::with_flaw(), &shown.flawed);
    let conclusion = match shown.caught {
        true => words::caught(breaks, shown.seconds),
        false => words::not_caught(breaks, shown.seconds),
    };
    text + &format!("\n{conclusion}\n")
}

/// The violated invariants, with an example of each.
fn findings(which: &str, observed: &Observed) -> String {
    let wrong = observed.audit.iter().filter(|audit| audit.verdict != Verdict::Held);
    let wrong = wrong.map(|audit| format!("  {which}: {} {}\n", audit.invariant, audit.evidence));
    let unfinished = observed.unfinished.iter().map(|what| format!("  {which}: {what}\n"));
    wrong.chain(unfinished).collect()
}

fn table<const N: usize>(header: [String; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    let width = table.width().unwrap_or(DEFAULT_WIDTH);
    table.set_width(width);
    table
}

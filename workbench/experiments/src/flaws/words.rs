//! The flaws for people: the list, and what an experiment showed.

use comfy_table::{ContentArrangement, LineStyle, Table, presets};

use super::{Entry, FLAWS, Observed};
use audit::Verdict;
use report::verdict_words;

/// The width where the output is not a terminal.
const DEFAULT_WIDTH: u16 = 110;

/// All flaws in a table, and how to see one.
pub fn list() -> String {
    let mut table = table(["flaw", "rule", "what is left out", "breaks", "seen on"]);
    for flaw in FLAWS {
        let driver = flaw.driver.to_string();
        table.add_row([flaw.name, &flaw.rule.to_string(), flaw.says, flaw.breaks, &driver]);
    }
    format!(
        "{table}\n\n\
         All are off. `cleave flaws show NAME` runs a shop without and with one, and says what broke.\n\
         `--flaws NAME,NAME` of `cleave up` and `cleave compare` switches them on.\n\
         The rules are those of docs/rules.md, the invariants those of docs/reading-a-report.md."
    )
}

/// A flaw, and what its experiment showed: both verdicts of all invariants side by side, and what was found.
pub fn shown(entry: &Entry) -> String {
    let Entry { name, rule, says, seen, driver, breaks, .. } = entry;
    let mut text = format!("\n{name} (rule {rule}, on {driver})\n{says}\n{seen}\n\n");
    let Some(shown) = &entry.shown else { return text };
    let mut table = table(["invariant", "without the flaw", "with it"]);
    for (sound, flawed) in shown.sound.audit.iter().zip(&shown.flawed.audit) {
        let expected = if sound.invariant == *breaks { "  ← must break" } else { "" };
        table.add_row([
            format!("{} {}", sound.invariant, sound.title),
            verdict_words(sound.verdict).to_owned(),
            format!("{}{expected}", verdict_words(flawed.verdict)),
        ]);
    }
    text += &format!("{table}\n");
    text += &findings("without the flaw", &shown.sound);
    text += &findings("with it", &shown.flawed);
    text += match shown.caught {
        true => "\nCaught: the same disturbance does no harm without the flaw, and breaks ",
        false => "\nNOT CAUGHT: without the flaw everything should hold, and with it this should break: ",
    };
    text + &format!("{breaks}. {} s.\n", shown.seconds)
}

/// What did not hold, with an example of each.
fn findings(which: &str, observed: &Observed) -> String {
    let wrong = observed.audit.iter().filter(|audit| audit.verdict != Verdict::Held);
    let wrong = wrong.map(|audit| format!("  {which}: {} {}\n", audit.invariant, audit.evidence));
    let unfinished = observed.unfinished.iter().map(|what| format!("  {which}: {what}\n"));
    wrong.chain(unfinished).collect()
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    let width = table.width().unwrap_or(DEFAULT_WIDTH);
    table.set_width(width);
    table
}

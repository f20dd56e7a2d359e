//! A story for a terminal: a bar for the monolith, a space-time diagram for services.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::labels::{Label, title};
use super::spans::RECORDS_NONE;
use super::words;
use super::{Event, Evidence, Story, What};
use terminal::language::{Language, current};
use topology::Mode;

/// The width of a lane, in characters.
const LANE: usize = 11;
/// The width of the monolith's bar, in characters.
const BAR: i64 = 50;

impl Story {
    /// The story in plain text.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        text += &match self.mode {
            Mode::Monolith => self.bars(),
            Mode::Split | Mode::Hybrid => self.diagram(),
        };
        let say = |label: Label| label.says(current());
        let _ = writeln!(text, "\n{}:", say(Label::WaitsFor));
        for wait in &self.waits_for {
            let _ = writeln!(text, "  - {}", wait.on.says(current()));
        }
        let _ = writeln!(text, "{}:", say(Label::NextActions));
        for action in &self.safe_next_actions {
            let command = action.command.as_deref().map_or(String::new(), |command| format!("{command}: "));
            let _ = writeln!(text, "  - {command}{}", action.advice.says(current()));
        }
        text + &self.silence()
    }

    /// What is missing from the story, one line per reason.
    fn silence(&self) -> String {
        let mut silent: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
        for witness in &self.told_by {
            let of = if witness.of == Evidence::Span { words::spans() } else { words::rows() };
            if let Some(why) = &witness.why_not {
                silent.entry((of, why)).or_default().push(&witness.name);
            }
        }
        let line = |((of, why), names): ((String, &str), Vec<&str>)| {
            // In a record, this reason is always the same text.
            let why = if why == RECORDS_NONE { words::records_none() } else { why.to_owned() };
            words::nothing_from(of, names.join(", "), why) + "\n"
        };
        silent.into_iter().map(line).collect()
    }

    fn heading(&self) -> String {
        let decided = match self.decided_us {
            Some(us) => format!("{} {}", Label::DecidedAfter.says(current()), milliseconds(us)),
            None => Label::NotDecided.says(current()).to_owned(),
        };
        let began = self.began_at.format("%Y-%m-%d %H:%M:%S%.3f UTC");
        format!(
            "{}: {}, {}\n  {}\n\n",
            self.driver,
            title(self.mode).says(current()),
            self.outcome.says(current()),
            words::order_line(self.order_id, began, decided),
        )
    }

    /// One line per event: the whole as a bar, with the event's share marked.
    fn bars(&self) -> String {
        let whole = self.whole_us();
        let place = |us: i64| usize::try_from(us.clamp(0, whole) * BAR / whole).unwrap_or_default();
        let mut text = String::new();
        for event in &self.events {
            let from = place(event.at_us).min(BAR as usize - 1);
            let to = place(event.at_us + event.duration_us).max(from + 1);
            let bar =
                format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(BAR as usize - to));
            let _ = writeln!(
                text,
                "{:>12} │{bar}│ {}{}",
                milliseconds(event.at_us),
                elsewhere(event),
                described(event)
            );
        }
        text
    }

    /// One column per lane, time downwards, with an arrow into the lane where a message arrived.
    fn diagram(&self) -> String {
        let mut text = format!("{:>12} ", "ms");
        for lane in &self.lanes {
            let _ = write!(text, "{lane:^LANE$}");
        }
        text.push('\n');
        for event in &self.events {
            let _ =
                writeln!(text, "{:>12} {} {}", milliseconds(event.at_us), self.row(event), described(event));
        }
        text
    }

    /// The lanes at one event, as characters.
    fn row(&self, event: &Event) -> String {
        let middle = |lane: usize| lane * LANE + LANE / 2;
        let place = |name: &str| self.lanes.iter().position(|lane| lane == name);
        let mut row = vec![' '; self.lanes.len() * LANE];
        for lane in 0..self.lanes.len() {
            row[middle(lane)] = '│';
        }
        let Some(to) = place(&event.lane) else { return row.into_iter().collect() };
        let from = event.caused_by.and_then(|cause| place(&self.events[cause].lane));
        if let Some(from) = from.filter(|from| *from != to) {
            let (left, right) = (middle(from.min(to)), middle(from.max(to)));
            row[left + 1..right].fill('─');
            row[middle(from)] = if from < to { '├' } else { '┤' };
            let head = if from < to { (middle(to) - 1, '>') } else { (middle(to) + 1, '<') };
            row[head.0] = head.1;
        }
        row[middle(to)] = event.what.sign().chars().next().unwrap_or('*');
        row.into_iter().collect()
    }

    /// Microseconds from the first event to the end of the last, and at least one.
    pub(super) fn whole_us(&self) -> i64 {
        let ends = self.events.iter().map(|event| event.at_us + event.duration_us);
        ends.chain(self.decided_us).max().unwrap_or(1).max(1)
    }
}

/// The lane of an event, unless it is the monolith's.
fn elsewhere(event: &Event) -> String {
    if event.lane == "monolith" { String::new() } else { format!("{}: ", event.lane) }
}

fn described(event: &Event) -> String {
    let took = match event.duration_us {
        0 => String::new(),
        us => format!(" ({})", milliseconds(us)),
    };
    // A step is shown by its bar or dot.
    let kind = if event.what == What::Step { "" } else { event.what.says(current()) };
    // The name of a commit repeats its kind.
    let name = if event.name == event.what.says(Language::English) { "" } else { event.name.as_str() };
    let failed = if event.ok { "" } else { " ✗" };
    format!("{kind} {name}").trim().to_owned() + &took + failed
}

/// Microseconds as milliseconds.
pub(super) fn milliseconds(us: i64) -> String {
    format!("{:.2} ms", us as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{event, hops, story};
    use super::*;
    use terminal::language;
    use topology::Driver;

    #[test]
    fn an_arrow_leads_from_the_cause_to_the_event() {
        let text = hops().text();
        let hop = text.lines().find(|line| line.contains("handle")).unwrap();
        assert!(hop.contains("├─") && hop.contains(">↘"), "{text}");
        assert!(text.contains("compensate payments.refund-payment"), "{text}");
    }

    #[test]
    fn a_commit_is_named_once_in_either_language() {
        let commit = Event { duration_us: 1_000, ..event(0, "orders", What::Commit, "commit", None) };
        assert_eq!(described(&commit), "commit (1.00 ms)");
        assert_eq!(language::with(Language::Korean, || described(&commit)), "커밋 (1.00 ms)");
    }

    #[test]
    fn a_bar_is_as_long_as_what_it_stands_for() {
        let events = vec![
            Event { duration_us: 10_000, ..event(0, "monolith", What::Step, "transaction", None) },
            Event { duration_us: 2_000, ..event(4_000, "monolith", What::Step, "step", Some(0)) },
        ];
        let text = story(Driver::Local, &["monolith"], events).text();
        let lengths: Vec<usize> =
            text.lines().map(|line| line.matches('█').count()).filter(|n| *n > 0).collect();
        assert_eq!(lengths, [50, 10], "{text}");
    }
}

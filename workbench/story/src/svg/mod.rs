//! A story as an SVG picture, for a page and for exports of it.
//!
//! Services are drawn as a space-time diagram (Lamport, 1978): one vertical line per lane, time downwards, messages as
//! slanted arrows. The monolith is one bar with its steps inside. Rows are not to scale, because a hop of a millisecond
//! can be next to a pause of thirty seconds. All rows have the same height, and the time is written beside them.
//!
//! Colours come from the page: `currentColor`, and `--accent`, `--good`, `--bad` and `--muted` if the page defines
//! them.

use std::fmt::Write;

use super::labels::{Label, title};
use super::text::milliseconds;
use super::{Event, Language, Story, What};
use topology::Mode;

/// The height of a row, in pixels.
const ROW: i64 = 26;
/// The height of the area above the first row.
const HEAD: i64 = 58;
/// The width of the column with the times.
const TIMES: i64 = 92;
/// The width of a lane.
const LANE: i64 = 104;
/// The width of the column with the event names.
const NAMES: i64 = 330;
/// The width of the monolith's bar.
const BAR: i64 = 480;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:currentColor}\
.lane{stroke:currentColor;stroke-opacity:.35}.name{font-weight:600}\
.time,.kind{fill:var(--muted,currentColor)}.hop{stroke:currentColor;fill:none}\
.compensate .hop,.retry .hop{stroke-dasharray:5 3}\
.mark{fill:var(--accent,currentColor);stroke:none}.hollow{fill:var(--paper,transparent);stroke:currentColor}\
.failed .mark,.compensate .mark{fill:var(--bad,currentColor)}.commit .mark{fill:var(--good,currentColor)}\
.event:focus{outline:2px solid var(--accent,currentColor)}.head{fill:currentColor}";

/// Draws a story. Each event is a group with `id="e<N>"` and `class="event …"`; N is its index in the story, from 0.
pub fn svg(story: &Story, language: Language) -> String {
    let picture = Picture { story, language };
    match story.mode {
        Mode::Monolith => picture.bar(),
        Mode::Split | Mode::Hybrid => picture.space_time(),
    }
}

struct Picture<'a> {
    story: &'a Story,
    language: Language,
}

impl Picture<'_> {
    /// The services: lanes, and the messages between them.
    fn space_time(&self) -> String {
        let lanes = i64::try_from(self.story.lanes.len()).unwrap_or_default();
        let (width, height) = (TIMES + lanes * LANE + NAMES, self.height());
        let mut svg = self.open(width, height);
        for (index, lane) in self.story.lanes.iter().enumerate() {
            let x = x_of(index);
            let _ = write!(
                svg,
                "<g><title>{name}</title><text class=\"name\" x=\"{x}\" y=\"44\" text-anchor=\"middle\">{name}</text>\
                 <line class=\"lane\" x1=\"{x}\" y1=\"{HEAD}\" x2=\"{x}\" y2=\"{bottom}\"/></g>",
                name = escaped(lane),
                bottom = height - ROW / 2,
            );
        }
        for (index, event) in self.story.events.iter().enumerate() {
            let y = y_of(index);
            self.group(&mut svg, index, event);
            self.hop(&mut svg, index, event);
            self.mark(&mut svg, x_in(self.story, &event.lane), y, event.what);
            self.beside(&mut svg, event, y, TIMES + lanes * LANE);
            svg += "</g>";
        }
        svg + "</svg>"
    }

    /// The monolith: one bar that contains its steps.
    fn bar(&self) -> String {
        let (width, height) = (TIMES + BAR + NAMES, self.height());
        let whole = self.story.whole_us();
        let x = |us: i64| TIMES + us.clamp(0, whole) * BAR / whole;
        let mut svg = self.open(width, height);
        let _ = write!(
            svg,
            "<g><title>{}</title><rect class=\"hollow\" x=\"{TIMES}\" y=\"{}\" width=\"{BAR}\" height=\"{}\" rx=\"4\"/></g>",
            Label::OneTransaction.says(self.language),
            HEAD - ROW / 2,
            height - HEAD,
        );
        for (index, event) in self.story.events.iter().enumerate() {
            let (y, from) = (y_of(index), x(event.at_us));
            self.group(&mut svg, index, event);
            if event.duration_us > 0 {
                let long = (x(event.at_us + event.duration_us) - from).max(2);
                let top = y - 7;
                let _ = write!(
                    svg,
                    "<rect class=\"mark\" fill-opacity=\".6\" x=\"{from}\" y=\"{top}\" width=\"{long}\" height=\"14\"/>"
                );
            }
            self.mark(&mut svg, from, y, event.what);
            self.beside(&mut svg, event, y, TIMES + BAR + 12);
            svg += "</g>";
        }
        svg + "</svg>"
    }

    /// The subject of an event, and its lane if the picture does not show it.
    fn placed(&self, event: &Event) -> String {
        match self.story.mode {
            Mode::Monolith if event.lane != "monolith" => format!("{}: {}", event.lane, event.name),
            // For a commit the name repeats the kind, which is already shown.
            _ if event.what == What::Commit && event.name == "commit" => String::new(),
            _ => event.name.clone(),
        }
    }

    fn height(&self) -> i64 {
        HEAD + ROW * i64::try_from(self.story.events.len().max(1)).unwrap_or(1)
    }

    fn open(&self, width: i64, height: i64) -> String {
        let name = format!("{}: {}", self.story.driver, title(self.story.mode).says(self.language));
        let outcome = self.story.outcome.word(self.language);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"story\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\"><style>{STYLE}</style><title>{label}</title>\
             <text class=\"name\" x=\"8\" y=\"18\">{label}</text>",
            label = escaped(&format!("{name} · {outcome}")),
        )
    }

    /// Opens the group of an event, with its title.
    fn group(&self, svg: &mut String, index: usize, event: &Event) {
        let failed = if event.ok { "" } else { " failed" };
        let what = class(event.what);
        let _ = write!(
            svg,
            "<g id=\"e{index}\" class=\"event {what}{failed}\" tabindex=\"-1\"><title>{}</title>",
            escaped(&self.described(event))
        );
    }

    /// A sentence with all that is known of an event.
    fn described(&self, event: &Event) -> String {
        let say = |label: Label| label.says(self.language);
        let mut text = format!(
            "{} · {}: {} {}",
            milliseconds(event.at_us),
            event.lane,
            event.what.says(self.language),
            event.name
        );
        if event.duration_us > 0 {
            let _ = write!(text, " · {} {}", say(Label::Took), milliseconds(event.duration_us));
        }
        if let Some(cause) = event.caused_by.and_then(|cause| self.story.events.get(cause)) {
            let _ = write!(text, " · {} {}: {}", say(Label::After), cause.lane, cause.name);
        }
        if let Some(label) = event.told_by.label() {
            let _ = write!(text, " · {}", say(label));
        }
        text
    }

    /// The arrow from the cause of an event, if that is in another lane.
    fn hop(&self, svg: &mut String, index: usize, event: &Event) {
        let Some(cause) = event.caused_by.filter(|cause| self.story.events[*cause].lane != event.lane) else {
            return;
        };
        let (x1, x2) = (x_in(self.story, &self.story.events[cause].lane), x_in(self.story, &event.lane));
        // A response is sent at the end of the request's event, not at its start.
        let (y1, y2) =
            (if event.what == What::Answer { y_of(index) - ROW } else { y_of(cause) }, y_of(index));
        // The arrow head ends before the mark, in the direction of the line.
        let (dx, dy) = ((x2 - x1) as f64, (y2 - y1) as f64);
        let long = dx.hypot(dy).max(1.0);
        let at = |back: f64, side: f64| {
            let (ux, uy) = (dx / long, dy / long);
            (x2 as f64 - ux * back - uy * side, y2 as f64 - uy * back + ux * side)
        };
        // The line also starts outside the mark that it comes from.
        let begin = at(long - 9.0, 0.0);
        let (tip, left, right) = (at(7.0, 0.0), at(15.0, 4.0), at(15.0, -4.0));
        let _ = write!(
            svg,
            "<line class=\"hop\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\
             <path class=\"head\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\"/>",
            begin.0, begin.1, tip.0, tip.1, tip.0, tip.1, left.0, left.1, right.0, right.1
        );
    }

    /// The shape of an event: a dot is a commit, a ring a message or a request, and the other kinds have a sign.
    fn mark(&self, svg: &mut String, x: i64, y: i64, what: What) {
        let _ = match what {
            What::Commit => write!(svg, "<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"6\"/>"),
            What::Step => write!(svg, "<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>"),
            What::Retry | What::Compensate => write!(
                svg,
                "<circle class=\"hollow\" cx=\"{x}\" cy=\"{y}\" r=\"8\"/>\
                 <text class=\"sign\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                y + 4,
                what.sign()
            ),
            _ => write!(svg, "<circle class=\"hollow\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>"),
        };
    }

    /// The time at the left, and the name at the right.
    fn beside(&self, svg: &mut String, event: &Event, y: i64, x: i64) {
        let failed = if event.ok { "" } else { " ✗" };
        let took = match event.duration_us {
            0 => String::new(),
            us => format!(" ({})", milliseconds(us)),
        };
        let _ = write!(
            svg,
            "<text class=\"time\" x=\"{}\" y=\"{y}\" dy=\"4\" text-anchor=\"end\">{}</text>\
             <text x=\"{x}\" y=\"{y}\" dy=\"4\"><tspan class=\"kind\">{} {}</tspan> {}{failed}</text>",
            TIMES - 12,
            milliseconds(event.at_us),
            event.what.sign(),
            event.what.says(self.language),
            escaped(&format!("{}{took}", self.placed(event))),
        );
    }
}

fn class(what: What) -> &'static str {
    match what {
        What::Call => "call",
        What::Receive => "receive",
        What::Step => "step",
        What::Commit => "commit",
        What::Publish => "publish",
        What::Deliver => "deliver",
        What::Retry => "retry",
        What::Compensate => "compensate",
        What::Answer => "answer",
    }
}

fn x_of(lane: usize) -> i64 {
    TIMES + LANE * i64::try_from(lane).unwrap_or_default() + LANE / 2
}

fn x_in(story: &Story, lane: &str) -> i64 {
    x_of(story.lanes.iter().position(|known| known == lane).unwrap_or_default())
}

fn y_of(event: usize) -> i64 {
    HEAD + ROW * i64::try_from(event).unwrap_or_default() + ROW / 4
}

/// Escapes text for SVG, in elements and in attributes.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // XML does not allow these characters, not even escaped.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;

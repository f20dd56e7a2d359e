//! Bars for figures that are compared by eye.

/// The longest bar, in characters.
const LONGEST: f64 = 50.0;
/// A part of a character, in eighths.
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A figure with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Its name, in letters that are one column wide.
    pub name: String,
    /// Its value; `None` if it was not measured.
    pub value: Option<f64>,
    /// Its value for people.
    pub shown: String,
}

/// One line per figure. The bars share a scale that starts at 0, so their lengths can be compared. A figure that was
/// not measured has no bar.
pub fn bars(figures: &[Bar]) -> String {
    let width = figures.iter().map(|bar| bar.name.chars().count()).max().unwrap_or_default();
    let most = figures.iter().filter_map(|bar| bar.value).fold(0.0, f64::max);
    let line = |bar: &Bar| {
        let blocks = bar.value.filter(|value| *value > 0.0).map(|value| blocks(value / most));
        format!("{:width$} │{} {}\n", bar.name, blocks.unwrap_or_default(), bar.shown)
    };
    figures.iter().map(line).collect()
}

/// A bar of this share of the longest one, and never empty.
fn blocks(share: f64) -> String {
    let eighths = ((share * LONGEST * 8.0).round() as usize).max(1);
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: Option<f64>) -> Bar {
        Bar { name: name.to_owned(), value, shown: value.map_or("–".to_owned(), |value| value.to_string()) }
    }

    #[test]
    fn lengths_are_in_proportion_and_a_missing_figure_has_none() {
        let text = bars(&[bar("a", Some(200.0)), bar("longer", Some(50.0)), bar("b", None)]);
        let expected =
            format!("a      │{} 200\nlonger │{}▌ 50\nb      │ –\n", "█".repeat(50), "█".repeat(12));
        assert_eq!(text, expected);
    }

    #[test]
    fn a_small_figure_can_still_be_seen() {
        assert!(bars(&[bar("a", Some(1e6)), bar("b", Some(1.0))]).contains("b │▏ 1\n"));
        assert_eq!(bars(&[bar("a", Some(0.0))]), "a │ 0\n");
        assert_eq!(bars(&[]), "");
    }
}

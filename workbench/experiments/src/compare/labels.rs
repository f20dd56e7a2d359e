//! The names of the sides of a comparison.

use std::collections::BTreeMap;

use topology::Driver;

/// Whether the processes of a shop record spans and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Telemetry {
    On,
    Off,
}

/// The drivers' names, with a number if one occurs again.
pub(super) fn labels(drivers: &[Driver], telemetry: &[Telemetry]) -> Vec<String> {
    let mut seen: BTreeMap<Driver, u32> = BTreeMap::new();
    let label = |(driver, telemetry): (&Driver, &Telemetry)| {
        let times = seen.entry(*driver).or_default();
        *times += 1;
        match (*times, telemetry) {
            (1, Telemetry::On) => driver.to_string(),
            (times, Telemetry::On) => format!("{driver} ({times})"),
            (1, Telemetry::Off) => format!("{driver} (telemetry off)"),
            (times, Telemetry::Off) => format!("{driver} ({times}, telemetry off)"),
        }
    };
    drivers.iter().zip(telemetry).map(label).collect()
}

/// A label for use in a path.
pub(super) fn slug(label: &str) -> String {
    label.replace(" (", "-").replace(')', "").replace(", ", "-").replace([':', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_compared_with_itself_has_two_names() {
        assert_eq!(
            labels(&[Driver::Local, Driver::Local, Driver::Tcc], &[Telemetry::On; 3]),
            ["monolith:local", "monolith:local (2)", "split:tcc"]
        );
        assert_eq!(slug("monolith:local (2)"), "monolith-local-2");
        let on_off = labels(&[Driver::Tcc; 2], &[Telemetry::On, Telemetry::Off]);
        assert_eq!(on_off, ["split:tcc", "split:tcc (2, telemetry off)"]);
        assert_eq!(slug(&on_off[1]), "split-tcc-2-telemetry-off");
    }
}

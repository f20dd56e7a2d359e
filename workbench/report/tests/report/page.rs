//! The page and the table.

use topology::Driver;

use audit::Verdict;
use report::run::Run;

use crate::sample::{Noise, every_driver, ladder, mode, monolith_and_split, run};

const HOSTILE: &str = "</style><script>alert('x')</script>\"&";

/// A run with a hostile string in every text field.
fn hostile() -> Run {
    let mut run = monolith_and_split();
    let text = || HOSTILE.to_owned();
    run.commit = Some(text());
    run.cleave_version = text();
    run.machine.cpu = text();
    run.machine.os = text();
    run.load.mix.insert(text(), 0.1);
    for server in [&mut run.servers.postgresql, &mut run.servers.rabbitmq].into_iter().flatten() {
        (server.version, server.durability) = (text(), text());
    }
    for mode in &mut run.modes {
        mode.label = text();
        for trial in &mut mode.trials {
            trial.orders.refused.insert(text(), 1);
            trial.orders.failed.insert(text(), 1);
            for audit in &mut trial.audit {
                (audit.title, audit.evidence) = (text().into(), text().into());
            }
        }
    }
    for comparison in &mut run.comparison {
        (comparison.other, comparison.sentence) = (text(), text().into());
    }
    run
}

#[test]
fn the_page_escapes_everything_and_needs_nothing_from_outside() {
    let page = report::html(&hostile()).expect("a page");
    assert!(!page.contains("<script"), "a script got through");
    assert_eq!(page.matches("</style>").count(), 1, "the style sheet was closed from inside a figure");
    for address in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(address), "the page names something outside: {address}");
    }
    assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_has_its_charts_and_each_says_what_it_shows() {
    let page = report::html(&monolith_and_split()).expect("a page");
    // Six charts; the key of each except the last two has two lines.
    assert_eq!(page.matches("<svg ").count(), 6 + 4 * 2);
    assert_eq!(page.matches("</svg>").count(), 6 + 4 * 2);
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), 6);
    assert_eq!(page.matches("<figcaption>").count(), 6);
    // Each of the two bars has a piece for every part, with its letter.
    assert_eq!(page.matches("class=\"part part-").count(), 2 * 8);
    assert_eq!(page.matches("class=\"letter\"").count(), 2 * 8);
    assert!(!page.contains("#0100"), "a placeholder colour was not exchanged");
    for text in [
        "cargo cleave compare --modes monolith:local,split:orchestrated --rate 100/s",
        "--seed 42",
        "✓ held",
        "Answered",
        "Decided",
    ] {
        assert!(page.contains(text), "the page does not say {text}");
    }
}

#[test]
fn where_the_time_goes_is_told_where_it_was_measured() {
    let mut run = monolith_and_split();
    let table = report::table(&run, Some(140));
    for part in story::tax::Part::ALL {
        assert!(table.contains(&part.title()), "{table}");
    }
    assert!(table.contains("(12.5 %)") && table.contains("the whole"), "{table}");
    for mode in &mut run.modes {
        mode.trials.iter_mut().for_each(|trial| trial.tax = None);
    }
    assert!(!report::table(&run, Some(140)).contains("relay wait"));
    assert!(report::html(&run).expect("a page").contains("the processes recorded no spans"));
}

#[test]
fn a_ladder_shows_what_each_module_that_leaves_costs() {
    let run = ladder();
    let left: Vec<_> = run.ladder.iter().flat_map(|stage| &stage.left).collect();
    assert_eq!(left, ["payments", "shipping", "inventory", "catalog"]);
    let cpu = |n: usize| run.ladder[n].cpu_ms_per_order.expect("it was measured");
    let step = format!("{:.1}", cpu(1) / cpu(0));
    let table = report::table(&run, Some(140));
    let page = report::html(&run).expect("a page");
    let row = table.lines().find(|line| line.contains("CPU per order, ms")).expect("the first table");
    assert!(row.contains(&step), "{step} is missing from {row}");
    for text in ["payments leaves", "catalog leaves", "messages per order", "databases disagreed p99, ms"] {
        assert!(table.contains(text) && page.contains(text), "{text}");
    }
    // One chart more than in other reports, described in words; the command repeats it.
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), 7);
    assert!(page.contains("cargo cleave compare --ladder --rate 100/s"));
    let other = report::html(&monolith_and_split()).expect("a page");
    assert!(!other.contains("leaves") && !report::table(&monolith_and_split(), None).contains("leaves"));
}

#[test]
fn a_run_without_figures_is_still_a_report() {
    let mut empty = run(vec![
        mode(Driver::Local, "monolith:local", 1.0, 0, &mut Noise::new(1)),
        mode(Driver::Local, "monolith:local (2)", 1.0, 0, &mut Noise::new(1)),
    ]);
    assert_eq!(empty.verdict, Verdict::NoEvidence);
    for modes in (0..=2).rev() {
        empty.modes.truncate(modes);
        empty.comparison = report::stats::compare(&empty.modes);
        let page = report::html(&empty).expect("a page");
        assert!(page.contains("? no evidence"));
        assert!(report::table(&empty, Some(80)).contains("? no evidence"));
    }
}

#[test]
fn one_violation_in_one_trial_is_seen() {
    let mut run = monolith_and_split();
    let audit = &mut run.modes[1].trials[1].audit[1];
    audit.verdict = Verdict::Violated;
    audit.evidence = "product P-17 stands at -1".into();
    run.verdict = Verdict::Violated;
    for text in [report::html(&run).expect("a page"), report::table(&run, Some(100))] {
        assert!(text.contains("✗ VIOLATED"));
        assert!(text.contains("trial 2: product P-17 stands at -1"));
    }
}

#[test]
fn the_table_fits_its_width() {
    let run = monolith_and_split();
    for width in [60, 80, 110, 200] {
        let table = report::table(&run, Some(width));
        let rules = table.lines().filter(|line| line.starts_with(['─', '═']));
        assert!(rules.clone().count() > 0);
        for line in rules {
            assert!(
                line.chars().count() <= usize::from(width),
                "{} columns in {width}",
                line.chars().count()
            );
        }
    }
    let table = report::table(&run, Some(110));
    for text in [
        "throughput, orders/s",
        "split:orchestrated ÷ monolith:local",
        "✓ held",
        "refused: OUT_OF_STOCK",
        "Verdict: ✓ held",
    ] {
        assert!(table.contains(text), "{text} is missing from\n{table}");
    }
}

#[test]
fn six_drivers_fit_and_are_told_apart_without_colour() {
    let run = every_driver();
    let page = report::html(&run).expect("a page");
    assert!(!page.contains("#0100"), "a placeholder colour was not exchanged");
    let swatches: Vec<&str> = page.split("<li><svg ").skip(1).take(6).collect();
    for (n, swatch) in swatches.iter().enumerate() {
        assert!(swatch.contains(&format!("class=\"line mode-{n}\"")), "{swatch}");
        let style = page.split(&format!(".line.mode-{n} {{")).nth(1).expect("every line has a style");
        assert_eq!(style.split('}').next().expect("it ends").contains("dasharray"), n > 0);
    }
    let shape =
        |swatch: &str| swatch.split("points=\"").nth(2).map(|rest| rest.split('"').next().map(str::to_owned));
    let mut shapes: Vec<_> = swatches.iter().map(|swatch| shape(swatch).expect("a marker")).collect();
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 6, "two modes have the same marker");

    let table = report::table(&run, Some(110));
    for text in ["choreographed", "÷ monolith:local", "tcc"] {
        assert!(table.contains(text), "{text} is missing from\n{table}");
    }
    let rules = table.lines().filter(|line| line.starts_with(['─', '═']));
    for line in rules {
        assert!(line.chars().count() <= 110, "{} columns", line.chars().count());
    }
}

#[test]
fn what_is_broken_on_purpose_says_so_first() {
    let warned = |run: &Run| (report::html(run).expect("a page"), report::table(run, Some(110)));
    let (page, table) = warned(&every_driver());
    assert!(table.starts_with("!! split:naive IS BROKEN ON PURPOSE"), "{table}");
    assert!(table.contains("broken on"), "not in the head of its column:\n{table}");
    assert!(page.contains("split:naive (broken on purpose)") && page.contains("class=\"warning\""));

    let mut flawed = monolith_and_split();
    flawed.flaws = vec!["no-outbox".into(), "no-inbox".into()];
    let (page, table) = warned(&flawed);
    assert!(table.starts_with("!! FLAWS ARE SWITCHED ON: no-outbox, no-inbox"), "{table}");
    assert!(page.contains("FLAWS ARE SWITCHED ON: no-outbox, no-inbox"));
    assert!(page.contains("--flaws no-outbox,no-inbox"), "it cannot be repeated");

    let (page, table) = warned(&monolith_and_split());
    assert!(!table.contains("!!") && !page.contains("class=\"warning\""));
}

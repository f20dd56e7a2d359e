//! Draws the figures of all drivers from the tables of their pages.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};

use super::checkout;
use crate::tidy::read;

/// The drivers in the order of the chart, each with the colours of its bars.
const DRIVERS: [(&str, &str, &str); 6] = [
    ("monolith:local", MONOLITH.0, MONOLITH.1),
    ("monolith:two-phase", MONOLITH.0, MONOLITH.1),
    ("split:orchestrated", SPLIT.0, SPLIT.1),
    ("split:choreographed", SPLIT.0, SPLIT.1),
    ("split:tcc", SPLIT.0, SPLIT.1),
    ("split:naive", BROKEN.0, BROKEN.1),
];
const MONOLITH: (&str, &str) = ("#dfe4ea", "#52606d");
const SPLIT: (&str, &str) = ("#d6e6f5", "#2f6fb0");
const BROKEN: (&str, &str) = ("#fbdcc0", "#b4500f");

/// The rows of a page's table, in its order, as the chart calls them in English and in Korean.
const FIGURES: [[&str; 2]; 10] = [
    ["answered p50, ms", "응답 p50, ms"],
    ["answered p99, ms", "응답 p99, ms"],
    ["decided p50, ms", "결정 p50, ms"],
    ["decided p99, ms", "결정 p99, ms"],
    ["CPU/order, ms", "주문당 CPU 시간, ms"],
    ["transactions/order", "주문당 트랜잭션"],
    ["WAL/order, kB", "주문당 WAL, kB"],
    ["messages/order", "주문당 메시지"],
    ["peak memory, MB", "최대 메모리, MB"],
    ["orders/s at the limit", "초당 주문(한계)"],
];
const TITLE: [&str; 2] = ["Six drivers, measured", "드라이버 여섯 개의 측정값"];
const DESCRIPTION: [&str; 2] = [
    "Ten figures for each of the six drivers as bars: median, with a line from the smallest to the largest of three \
     trials. The same figures are in the tables of docs/drivers.",
    "드라이버 여섯 개마다 수치 열 개를 막대로 나타냅니다. 막대는 세 번 시행의 중앙값, 선은 최솟값부터 최댓값까지입니다. 같은 수치가 \
     docs/drivers의 표에 있습니다.",
];
const KEY: [&str; 2] = [
    "Bar: median of three trials. Line: smallest to largest. Each figure has its own scale, from 0. Lower is better, \
     except for orders/s.",
    "막대: 세 번 시행의 중앙값. 선: 최소~최대. 눈금은 수치마다 다르고 0에서 시작합니다. 초당 주문은 클수록, 나머지는 작을수록 좋습니다.",
];
const BROKEN_ON_PURPOSE: [&str; 2] = ["broken on purpose", "일부러 고장 냄"];
const NOT_COUNTED: [&str; 2] = ["not counted", "세지 않음"];
const MEASURED: [&str; 2] = [
    "2 cores, 100 orders/s for 8 s; orders/s at the limit: 64 clients for 6 s. 2026-11-21. Source: docs/performance.md",
    "2코어, 초당 주문 100건을 8초 동안. 한계는 클라이언트 64개로 6초 동안. 2026-11-21. 출처: docs/performance.md",
];

/// The length of the longest bar, its line included.
const LONGEST: f64 = 92.0;
/// Figures in one row of the chart.
const IN_A_ROW: usize = 5;

/// A cell of a page's table: as it is shown, and the median, the smallest and the largest as numbers. `None` if it was
/// not counted.
type Figure = Option<(String, [f64; 3])>;

/// The ten figures of each driver, from the pages in this language (`.md` or `.ko.md`).
pub fn figures(extension: &str) -> Result<Vec<Vec<Figure>>> {
    let page = |(driver, ..): (&str, &str, &str)| {
        let name = format!("docs/drivers/{}.{extension}", driver.replace(':', "-"));
        let text = read(&checkout().join(&name))?;
        let cells =
            text.lines().skip_while(|line| !line.contains("(min–max) |") && !line.contains("(최소–최대) |"));
        let cells =
            cells.skip(2).map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit(" | ").next());
        let figures: Vec<Figure> = cells.map(figure).collect::<Result<_>>().with_context(|| name.clone())?;
        ensure!(figures.len() == FIGURES.len(), "{name} has {} figures", figures.len());
        Ok(figures)
    };
    DRIVERS.into_iter().map(page).collect()
}

/// Reads `1.93 (1.82–2.01)`, `0` or `–`.
fn figure(cell: &str) -> Result<Figure> {
    if cell == "–" {
        return Ok(None);
    }
    let number =
        |text: &str| text.replace(',', "").parse::<f64>().with_context(|| format!("{text} in {cell}"));
    let Some((median, range)) = cell.split_once(" (") else {
        return Ok(Some((cell.to_owned(), [number(cell)?; 3])));
    };
    let (least, most) = range.trim_end_matches(')').split_once('–').with_context(|| cell.to_owned())?;
    Ok(Some((median.to_owned(), [number(median)?, number(least)?, number(most)?])))
}

/// The chart with English (0) or Korean (1) texts.
pub fn svg(drivers: &[Vec<Figure>], language: usize) -> String {
    let tag = ["en", "ko"][language];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 640\" width=\"960\" height=\"640\" role=\"img\" \
         aria-labelledby=\"title desc\" lang=\"{tag}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#1f2933\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
         <rect width=\"960\" height=\"640\" rx=\"6\" fill=\"#ffffff\"/>\n\
         <text x=\"24\" y=\"32\" font-size=\"17\" font-weight=\"bold\">{}</text>\n\
         <text x=\"24\" y=\"54\" font-size=\"12\" fill=\"#52606d\">{}</text>\n\
         <text x=\"24\" y=\"624\" font-size=\"12\" fill=\"#52606d\">{}</text>\n",
        TITLE[language], DESCRIPTION[language], TITLE[language], KEY[language], MEASURED[language]
    );
    for top in [102, 374] {
        let y = top - 8;
        let _ = writeln!(
            svg,
            "<line x1=\"24\" y1=\"{y}\" x2=\"936\" y2=\"{y}\" stroke=\"#9aa5b1\" stroke-width=\"0.8\"/>"
        );
        for (n, (driver, _, _)) in DRIVERS.into_iter().enumerate() {
            let _ = writeln!(svg, "<text x=\"24\" y=\"{}\">{driver}</text>", top + 38 * n + 14);
        }
        let _ = writeln!(
            svg,
            "<text x=\"24\" y=\"{}\" font-size=\"11\" fill=\"{}\">{}</text>",
            top + 38 * DRIVERS.len() - 10,
            BROKEN.1,
            BROKEN_ON_PURPOSE[language]
        );
    }
    for (n, name) in FIGURES.iter().enumerate() {
        let (left, top) = (176 + 156 * (n % IN_A_ROW), 102 + 272 * (n / IN_A_ROW));
        let _ = writeln!(
            svg,
            "<text x=\"{left}\" y=\"{}\" font-size=\"12\" font-weight=\"bold\">{}</text>",
            top - 16,
            name[language]
        );
        let of_all: Vec<&Figure> = drivers.iter().map(|figures| &figures[n]).collect();
        svg += &bars(&of_all, (left as f64, top as f64), language);
    }
    svg + "</svg>\n"
}

/// One figure of all drivers, one bar below the other.
fn bars(drivers: &[&Figure], (left, top): (f64, f64), language: usize) -> String {
    let longest = drivers.iter().filter_map(|figure| Some(figure.as_ref()?.1[2])).fold(0.0, f64::max);
    let at = |value: f64| left + value / longest * LONGEST;
    let mut svg = String::new();
    for (n, (figure, (_, fill, stroke))) in drivers.iter().zip(DRIVERS).enumerate() {
        let y = top + 38.0 * n as f64;
        let Some((shown, [median, least, most])) = figure else {
            let _ = writeln!(
                svg,
                "<text x=\"{left}\" y=\"{}\" font-size=\"12\" fill=\"#52606d\">– {}</text>",
                y + 14.0,
                NOT_COUNTED[language]
            );
            continue;
        };
        let (median, least, most) = (at(*median), at(*least), at(*most));
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{y}\" width=\"{:.1}\" height=\"18\" rx=\"1\" fill=\"{fill}\" stroke=\"{stroke}\" \
             stroke-width=\"1.2\"/><line x1=\"{least:.1}\" y1=\"{}\" x2=\"{most:.1}\" y2=\"{}\" stroke=\"#1f2933\" \
             stroke-width=\"1.6\"/><text x=\"{:.1}\" y=\"{}\" font-size=\"12\">{shown}</text>",
            median - left,
            y + 9.0,
            y + 9.0,
            most.max(median) + 5.0,
            y + 14.0
        );
    }
    svg
}

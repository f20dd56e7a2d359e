//! Draws the modules of every crate: a panel for each crate, and in it each module above all modules that it uses.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Graph;
use super::picture::{is_reached_otherwise, layers, level};

const BOX: (usize, usize) = (82, 20);
const GAP: (usize, usize) = (6, 18);
const PADDING: usize = 10;
const TITLE: usize = 20;
const MARGIN: usize = 16;
const WIDTH: usize = 1240;

/// The modules of a crate in layers, and the size of its panel.
struct Panel<'a> {
    name: &'a str,
    graph: &'a Graph,
    layers: Vec<Vec<String>>,
    width: usize,
    height: usize,
}

/// An SVG of the modules of these crates. The panels begin with the crates that stand highest.
pub fn svg(crates: &Graph, modules: &BTreeMap<String, Graph>) -> String {
    let mut names: Vec<&String> = crates.keys().collect();
    names.sort_by_key(|name| (usize::MAX - level(crates, name), (*name).clone()));
    let panels = names.into_iter().filter_map(|name| Some(Panel::of(name, modules.get(name)?)));
    let (mut drawn, mut left, mut top, mut tallest) = (String::new(), MARGIN, MARGIN, 0);
    for panel in panels {
        if left > MARGIN && left + panel.width + MARGIN > WIDTH {
            (left, top, tallest) = (MARGIN, top + tallest + MARGIN, 0);
        }
        panel.draw(&mut drawn, left, top);
        left += panel.width + MARGIN;
        tallest = tallest.max(panel.height);
    }
    let height = top + tallest + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\" lang=\"en\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\n\
         <title id=\"title\">The modules of each crate</title>\n\
         <desc id=\"desc\">One panel for each crate. In it each module stands above all modules that it uses, and a line \
         leads down to each of them, except to those that it reaches through another. lib is the crate's root \
         with what is defined there. There is no cycle.</desc>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d1d5db\"/>\n\
         {drawn}</svg>\n",
        WIDTH - 1,
        height - 1
    )
}

impl Panel<'_> {
    fn of<'a>(name: &'a str, graph: &'a Graph) -> Panel<'a> {
        // A line per layer would be far too long where many modules use nothing.
        let most = (WIDTH - 2 * MARGIN - 2 * PADDING + GAP.0) / (BOX.0 + GAP.0);
        let layers: Vec<Vec<String>> =
            layers(graph).iter().flat_map(|layer| layer.chunks(most).map(<[String]>::to_vec)).collect();
        let widest = layers.iter().map(Vec::len).max().unwrap_or(0);
        let width = (2 * PADDING + widest * (BOX.0 + GAP.0) - GAP.0).max(2 * PADDING + 8 * name.len());
        let height = TITLE + 2 * PADDING + layers.len() * (BOX.1 + GAP.1) - GAP.1;
        Panel { name, graph, layers, width, height }
    }

    fn draw(&self, svg: &mut String, left: usize, top: usize) {
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#f9fafb\" stroke=\"#9ca3af\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#1f2937\" font-size=\"13\" font-weight=\"600\">{}</text>",
            self.width,
            self.height,
            left + PADDING,
            top + 17,
            self.name
        );
        let places = self.places(left, top + TITLE + PADDING);
        for (name, others) in self.graph {
            for other in others.iter().filter(|other| !is_reached_otherwise(self.graph, name, other)) {
                let ((x1, y1), (x2, y2)) = (places[name.as_str()], places[other.as_str()]);
                let _ = writeln!(
                    svg,
                    "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{y2}\" stroke=\"#9ca3af\"/>",
                    x1 + BOX.0 / 2,
                    y1 + BOX.1,
                    x2 + BOX.0 / 2
                );
            }
        }
        for (name, (x, y)) in places {
            let (middle, size) = (x + BOX.0 / 2, if name.len() > 13 { 9 } else { 11 });
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"#e5e7eb\" stroke=\"#4b5563\"/>\
                 <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"#1f2937\" font-size=\"{size}\">{name}</text>",
                BOX.0,
                BOX.1,
                y + 14
            );
        }
    }

    /// Where each module stands.
    fn places(&self, left: usize, top: usize) -> BTreeMap<&str, (usize, usize)> {
        let rows = self.layers.iter().rev().enumerate();
        let boxes = rows.flat_map(|(row, layer)| {
            let indent = (self.width + GAP.0 - layer.len() * (BOX.0 + GAP.0)) / 2;
            let y = top + row * (BOX.1 + GAP.1);
            let place = move |n: usize| (left + indent + n * (BOX.0 + GAP.0), y);
            layer.iter().enumerate().map(move |(n, name)| (name.as_str(), place(n)))
        });
        boxes.collect()
    }
}

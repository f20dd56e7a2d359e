//! Draws the crates in layers: each stands above all crates that it depends on.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Graph;

const BOX: (usize, usize) = (134, 40);
const GAP: (usize, usize) = (10, 44);
const MARGIN: usize = 20;

/// An SVG of these crates. `folders` are their places in the repository.
pub fn svg(graph: &Graph, folders: &BTreeMap<String, String>) -> String {
    let layers = layers(graph);
    let most = layers.iter().map(Vec::len).max().unwrap_or(1);
    let (width, height) =
        (2 * MARGIN + most * (BOX.0 + GAP.0) - GAP.0, 2 * MARGIN + layers.len() * (BOX.1 + GAP.1) - GAP.1);
    let mut places = BTreeMap::new();
    for (level, layer) in layers.iter().enumerate() {
        let left = (width + GAP.0 - layer.len() * (BOX.0 + GAP.0)) / 2;
        for (n, name) in layer.iter().enumerate() {
            let top = height - MARGIN - BOX.1 - level * (BOX.1 + GAP.1);
            places.insert(name.as_str(), (left + n * (BOX.0 + GAP.0), top));
        }
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\" lang=\"en\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title id=\"title\">The crates of Cleave</title>\n\
         <desc id=\"desc\">Each crate stands above all crates that it depends on, and a line leads down to each of them, \
         except to those that it reaches through another. There is no cycle.</desc>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d1d5db\"/>\n",
        width - 1,
        height - 1
    );
    for (name, others) in graph {
        for other in others.iter().filter(|other| !is_reached_otherwise(graph, name, other)) {
            let ((from, top), (to, below)) = (places[name.as_str()], places[other.as_str()]);
            let (from, to) = (from + BOX.0 / 2, to + BOX.0 / 2);
            let _ = writeln!(
                svg,
                "<line x1=\"{from}\" y1=\"{}\" x2=\"{to}\" y2=\"{below}\" stroke=\"#9ca3af\"/>",
                top + BOX.1
            );
        }
    }
    for (name, (x, y)) in places {
        let (middle, folder) = (x + BOX.0 / 2, folders.get(name).map_or("", String::as_str));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#f3f4f6\" stroke=\"#4b5563\"/>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"#1f2937\" font-weight=\"600\">{name}</text>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"#4b5563\" font-size=\"10\">{folder}</text>",
            BOX.0,
            BOX.1,
            y + 17,
            y + 32
        );
    }
    svg + "</svg>\n"
}

/// The crates by the length of their longest chain of dependencies.
pub fn layers(graph: &Graph) -> Vec<Vec<String>> {
    let mut layers: Vec<Vec<String>> = Vec::new();
    for name in graph.keys() {
        let level = level(graph, name);
        layers.resize(layers.len().max(level + 1), Vec::new());
        layers[level].push(name.clone());
    }
    layers
}

pub fn level(graph: &Graph, name: &str) -> usize {
    let others = graph.get(name).into_iter().flatten();
    others.map(|other| level(graph, other) + 1).max().unwrap_or(0)
}

pub fn is_reached_otherwise(graph: &Graph, name: &str, other: &str) -> bool {
    graph[name].iter().any(|between| between != other && reaches(graph, between, other))
}

fn reaches(graph: &Graph, name: &str, other: &str) -> bool {
    graph.get(name).into_iter().flatten().any(|next| next == other || reaches(graph, next, other))
}

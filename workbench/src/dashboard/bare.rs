//! A page of figures without a picture, until the page proper is there.

/// The page.
pub const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Cleave</title>
<script src="/assets/bare.js" defer></script><h1>Cleave</h1><table id="table"></table><pre id="sample"></pre></html>"#;

const SCRIPT: &str = r#"const show = (event) => {
  const sample = JSON.parse(event.data);
  const row = (cells) => { const tr = document.createElement("tr");
    cells.forEach((cell) => { const td = document.createElement("td"); td.textContent = cell; tr.append(td); }); return tr; };
  const of = (name, get) => row([name, ...sample.shops.map(get)]);
  document.getElementById("table").replaceChildren(of("", (s) => s.driver), of("decided/s", (s) => s.throughput_per_s),
    of("answered p99", (s) => s.answered.p99_ms), of("decided p99", (s) => s.decided.p99_ms), of("pending", (s) => s.pending));
  document.getElementById("sample").textContent = JSON.stringify(sample, null, 1);
};
new EventSource("/api/samples").onmessage = show;
"#;

/// A style or a script, with its type.
pub fn asset(name: &str) -> Option<(&'static str, &'static str)> {
    (name == "bare.js").then_some(("text/javascript; charset=utf-8", SCRIPT))
}

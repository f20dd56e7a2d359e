"use strict";
// The tax of distribution: where the time of an order goes, part by part, with one bar per shop. It is loaded only
// while it is shown, and at most once per interval, because every process of every shop is asked for its spans.
const tax = (() => {
  const PARTS = ["handler", "database", "serialization", "queue", "relay_wait", "network", "gateway", "left_over"];
  const EVERY = 10_000; // ms
  const place = byId("tax");
  let asked = 0;
  let found = [];

  const ms = (value) => value === undefined ? "–" : numbers.duration(value);

  function bars(values) {
    const most = Math.max(...values.map((value) => value ?? 0), 1e-9);
    const bar = (value, n) => svg("rect", { class: found[n].mode, x: 0, y: 1 + 12 * n, height: 10, width: 100 * (value ?? 0) / most });
    return svg("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, ...values.map(bar));
  }

  function row(name, values) {
    return element("tr", {}, element("th", { scope: "row" }, name),
      ...values.map((value, n) => element("td", { class: `figure ${found[n].mode}` }, ms(value))),
      element("td", { class: "bars" }, bars(values)));
  }

  function draw() {
    const title = element("h3", {}, words.word("tax_title"));
    if (!found.some((one) => one.tax)) {
      place.replaceChildren(title, element("p", { class: "soft" }, words.word("tax_none")));
      return;
    }
    const head = element("tr", {}, element("td"),
      ...found.map((one) => element("th", { scope: "col", class: `figure ${one.mode}` }, modeMark(one.mode), ` ${words.word(`mode_${one.mode}`)}`)),
      element("td"));
    const part = (key) => row(words.word(`part_${key}`), found.map((one) => one.tax?.parts_ms[key]));
    place.replaceChildren(title,
      element("table", { class: "costs-table" }, element("thead", {}, head),
        element("tbody", {}, ...PARTS.map(part), row(words.word("tax_whole"), found.map((one) => one.tax?.whole_ms)))),
      element("p", { class: "soft" }, words.word("tax_how", Math.max(...found.map((one) => one.tax?.orders ?? 0)))));
  }

  /** Loads it again if it is old. A recorded run has no processes to ask. */
  async function look() {
    place.hidden = player.here();
    if (place.hidden) return;
    draw();
    if (Date.now() - asked < EVERY) return;
    asked = Date.now();
    try {
      found = await server.get("/api/tax");
    } catch {
      return; // the server is away, and the page says so elsewhere
    }
    draw();
  }

  return { look };
})();

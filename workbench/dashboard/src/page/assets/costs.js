"use strict";
// What an order costs: a sentence, and a bar for each shop. The ratio and the verdict come from the server, by the same
// rules as in a report.
const costs = (() => {
  const unit = (per, name) => (value) => value === null ? "–" : `${numbers.figure(value / per)} ${name}`;
  /** A figure's key in a shop's `cost`, its name in the comparison, and the format of its value. */
  const FIGURES = [
    ["messages", "messages per order", numbers.figure],
    ["hops", "hops per order", numbers.figure],
    ["transactions", "transactions per order", numbers.figure],
    ["bytes", "bytes per order", unit(1000, "kB")],
    ["cpu_ms", "CPU per order", unit(1, "ms")],
  ];
  const place = byId("costs");
  const name = (key) => words.word(`cost_${key}`);
  const called = (shop) => words.word(`mode_${shop.mode}`);

  /** The ratio of a figure with its interval; false if no difference is shown, null if nothing is known. */
  function ratio(sample, figure) {
    const found = sample.comparison.find((one) => one.figure === figure);
    if (!found) return null;
    if (found.verdict !== "different" || found.ratio === null) return false;
    const interval = found.low === null ? "" : ` (${numbers.figure(found.low)}–${numbers.figure(found.high)}×)`;
    return `${numbers.figure(found.ratio)}×${interval}`;
  }

  /** A summary of all figures in a sentence or two. */
  function sentence(sample) {
    const told = FIGURES.map(([key, figure]) => [key, ratio(sample, figure)]);
    const greater = told.filter(([, value]) => value).map(([key, value]) => words.word("cost_times", value, name(key)));
    const same = told.filter(([, value]) => value === false).map(([key]) => name(key));
    const parts = [];
    if (greater.length) parts.push(words.word("cost_sentence", greater.join(", "), called(sample.shops[1]).toLowerCase(), called(sample.shops[0]).toLowerCase()));
    if (same.length) parts.push(words.word("cost_no_difference", same.join(", ")));
    return parts.join(" ") || words.word("cost_none");
  }

  /** The line below the charts, which also says if the machine was too busy. */
  function drawLine(sample) {
    say(byId("cost-line"), sentence(sample));
    const together = player.inTurn() ? "machine_in_turn" : "machine_shared";
    say(byId("together"), sample.shops.length > 1 ? words.word(together) : "");
  }

  function bars(shops, values) {
    const most = Math.max(...values, 1e-9);
    const bar = (shop, n) => svg("rect", { class: shop.mode, x: 0, y: 1 + 12 * n, height: 10, width: 100 * (values[n] ?? 0) / most });
    return svg("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, ...shops.map(bar));
  }

  function row(sample, [key, figure, write]) {
    const values = sample.shops.map((shop) => shop.cost[key]);
    const told = ratio(sample, figure);
    const only = values[0] === 0 && values[1] > 0 ? words.word("cost_only") : "–";
    return element("tr", {}, element("th", { scope: "row" }, name(key)),
      ...sample.shops.map((shop, n) => element("td", { class: `figure ${shop.mode}` }, write(values[n]))),
      element("td", { class: "bars" }, bars(sample.shops, values)),
      element("td", {}, told === false ? words.word("no_difference") : told ?? only));
  }

  function draw(sample) {
    const head = element("tr", {}, element("th", { scope: "col" }, words.word("cost_per_order")),
      ...sample.shops.map((shop) => element("th", { scope: "col", class: `figure ${shop.mode}` }, modeMark(shop.mode), ` ${called(shop)}`)),
      element("td"), element("th", { scope: "col" }, sample.shops.length > 1 ? words.word("cost_ratio_header", called(sample.shops[1]), called(sample.shops[0])) : ""));
    place.replaceChildren(
      element("h3", {}, words.word("cost_title")),
      element("p", { class: "lead" }, sentence(sample)),
      element("table", { class: "costs-table" }, element("thead", {}, head), element("tbody", {}, ...FIGURES.map((one) => row(sample, one)))),
      element("p", { class: "soft" }, words.word("cost_how", sample.windows)),
      element("p", { class: "soft" }, words.word("cost_dashboard", numbers.figure(sample.dashboard.cpu_percent), numbers.memory(sample.dashboard.memory_mb))));
  }

  return { draw, drawLine };
})();

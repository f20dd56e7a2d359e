"use strict";
// The charts, which are the same for both shops and share their axes.
const charts = (() => {
  const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
  const of = (unit) => (value) => value === null || value === undefined ? "–" : `${numbers.figure(value)}${unit}`;
  const cores = (shop) => shop.cpu_percent === null ? null : shop.cpu_percent / 100;
  const latency = (name) => ({
    name, logarithmic: true, least: 10, write: numbers.duration, axis: numbers.duration,
    lines: [(shop) => shop[name].p50_ms, (shop) => shop[name].p99_ms],
  });
  /** `lines` read a value from a shop, `write` formats it, `least` is the smallest end of the axis. */
  const SPECS = [
    { name: "throughput", least: 10, named: true, lines: [(shop) => shop.throughput_per_s], write: of("/s"), axis: of("/s") },
    { name: "errors", least: 5, lines: [(shop) => sum(shop.errors)], write: of("/s"), axis: of("/s") },
    latency("answered"),
    latency("decided"),
    { name: "pending", least: 5, lines: [(shop) => shop.pending], write: numbers.figure, axis: numbers.figure },
    { name: "processes", least: 2, events: true, lines: [(shop) => shop.processes.filter((process) => process.ready).length], write: numbers.figure, axis: numbers.figure },
    { name: "cpu", least: 0.5, lines: [cores], write: (value) => words.word("cores", numbers.figure(value)), axis: numbers.figure },
    { name: "memory", least: 50, lines: [(shop) => shop.memory_mb], write: numbers.memory, axis: numbers.memory },
  ];
  const place = byId("charts");
  let columns = [];
  let waiting = false;
  let ago = 0; // how many milliseconds ago the moment is that is pointed at

  const chartOf = new WeakMap();
  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) if (contentRect.width) chartOf.get(target).measured(contentRect);
    page.redraw();
  });

  function column(shop, n) {
    const all = SPECS.map((spec) => new Chart(spec, n));
    const facts = element("small");
    const section = element("section", { class: `shop ${shop.mode}` },
      element("h2", {}, element("span", {}, modeMark(shop.mode), " ", element("span", { "data-word": `mode_${shop.mode}` }, words.word(`mode_${shop.mode}`))), facts),
      element("div", { class: "charts" }, ...all.map((chart) => chart.figure)));
    return { driver: shop.driver, all, facts, section };
  }

  /** The end of a chart's axis, the same in every column. */
  function top(n, points) {
    const most = Math.max(SPECS[n].least, ...columns.flatMap(({ all }) => all[n].values(points)));
    return SPECS[n].logarithmic ? 10 ** Math.ceil(Math.log10(most) - 1e-9) : numbers.nice(most);
  }

  function draw(sample) {
    if (columns.map(({ driver }) => driver).join() !== sample.shops.map((shop) => shop.driver).join()) {
      columns = sample.shops.map(column);
      place.replaceChildren(...columns.map(({ section }) => section));
      for (const chart of columns.flatMap(({ all }) => all)) {
        chart.measured(chart.picture.getBoundingClientRect());
        resized.observe(chart.picture);
        chartOf.set(chart.picture, chart);
      }
    }
    Chart.measure();
    const points = samples.upTo(sample);
    const windows = samples.windows(sample);
    const read = points.findLast(({ time }) => time <= sample.time - ago) ?? points.at(-1);
    SPECS.forEach((_, n) => {
      const end = top(n, points);
      columns.forEach(({ all }) => all[n].draw({ points, now: sample.time, top: end, windows, read }));
    });
    sample.shops.forEach((shop, n) => {
      say(columns[n].facts, facts(shop));
      columns[n].facts.title = facts(shop);
      columns[n].facts.classList.toggle("violated", shop.problem !== null);
    });
  }

  /** The driver, its problem, and how inconsistent its services are. */
  function facts(shop) {
    const parts = [shop.driver];
    if (shop.broken_on_purpose) parts.push(words.word("broken_on_purpose"));
    if (shop.problem) parts.push(shop.problem);
    if (shop.disagreement) parts.push(words.word("disagree", shop.disagreement.orders_now));
    return parts.join(" · ");
  }

  /** Selects a moment in every chart at once; 0 is now. */
  function point(milliseconds) {
    if (!waiting) requestAnimationFrame(() => { waiting = false; page.redraw(); });
    waiting = true;
    ago = Math.min(Math.max(milliseconds, 0), (samples.SHOWN - 1) * 1000);
  }
  place.addEventListener("pointermove", (event) => {
    const picture = event.target.closest(".chart > svg")?.getBoundingClientRect();
    if (picture) point((picture.right - event.clientX) / (picture.width - Chart.LEFT) * samples.SHOWN * 1000);
  });
  place.addEventListener("pointerleave", () => point(0));

  return { draw, step: (seconds) => point(ago - seconds * 1000) };
})();

"use strict";
// A chart of one figure of one shop over time: SVG with axes, one or two lines, gaps where nothing is known, and the
// windows in which something was disturbed.
class Chart {
  // The room for the axes, in pixels; it grows with the type.
  static measure() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    Object.assign(Chart, { LEFT: 3.25 * rem, BOTTOM: rem, TOP: 0.4 * rem, LINE: 0.75 * rem });
  }

  /** `spec` is one of charts.js; the picture stands in a figure with its name and its latest value. */
  constructor(spec, shop) {
    this.spec = spec;
    this.shop = shop;
    this.value = element("output");
    this.picture = svg("svg", { role: "img" });
    this.size = null;
    const name = element("span", { "data-word": spec.name }, words.word(spec.name));
    this.figure = element("figure", { class: spec.lines.length > 1 ? "chart two" : "chart", "data-chart": spec.name }, element("figcaption", {}, name, this.value), this.picture);
  }

  /** Its size in pixels, known from the page's last layout: to ask for it each time would lay the page out each time. */
  measured({ width, height }) {
    this.size = [Math.max(width, 80), Math.max(height, 40)];
  }

  /** All that its lines reach in these samples. */
  values(points) {
    const read = (line) => points.map((sample) => line(sample.shops[this.shop])).filter((value) => value !== null && value !== undefined);
    return this.spec.lines.flatMap(read);
  }

  /**
   * Draws these samples up to the moment `now`, on an axis that ends at `top`. One unit is a pixel, so that text is not
   * stretched. `read` is the sample whose values are told: the latest, or the one that is pointed at.
   */
  draw({ points, now, top, windows, read }) {
    const [width, height] = this.size;
    const below = height - Chart.BOTTOM;
    const x = (time) => Chart.LEFT + (width - Chart.LEFT - 2) * (1 - (now - time) / (samples.SHOWN * 1000));
    const y = this.scale(top, below);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.replaceChildren(
      ...this.grid(y, top, width, below),
      ...windows.flatMap((window, n) => this.window(window, n, { x, below, middle: (Chart.LEFT + width) / 2 }, points.at(-1)?.shops[this.shop].driver)),
      ...this.times(x, now, height),
      ...this.spec.lines.map((line, n) => this.line(points, line, x, y, n)),
      ...this.marks(points, x, below),
      ...(read === points.at(-1) ? [] : [svg("line", { class: "cursor", x1: x(read.time), x2: x(read.time), y1: 0, y2: below })]),
    );
    this.tell(points, read);
  }

  /** From 0; or, for latencies, which differ by powers of ten, logarithmic from 1 ms. */
  scale(top, below) {
    const share = this.spec.logarithmic ? (value) => Math.log10(Math.max(value, 1)) / Math.log10(top) : (value) => value / top;
    return (value) => below - (below - Chart.TOP) * Math.min(share(value), 1);
  }

  grid(y, top, width, below) {
    let ticks = [0, top / 2, top];
    if (this.spec.logarithmic) ticks = Array.from({ length: Math.round(Math.log10(top)) + 1 }, (_, n) => 10 ** n);
    // Where there is little room, every second one.
    if (below < 1.5 * Chart.LINE * ticks.length) ticks = ticks.filter((_, n) => n % 2 === 0);
    return ticks.flatMap((value, n) => [
      svg("line", { class: n ? "grid" : "base", x1: Chart.LEFT, x2: width, y1: y(value), y2: y(value) }),
      svg("text", { x: Chart.LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, this.spec.axis(value)),
    ]);
  }

  times(x, now, height) {
    const at = (seconds, anchor, text) => svg("text", { x: x(now - seconds * 1000), y: height - 3, "text-anchor": anchor }, text);
    const half = samples.SHOWN / 2;
    const room = x(now) - x(now - half * 1000) > 6 * Chart.LINE;
    return [
      at(samples.SHOWN, "start", words.word("seconds_ago", samples.SHOWN)), at(0, "end", words.word("now")),
      ...(room ? [at(half, "middle", words.word("seconds_ago", half))] : []),
    ];
  }

  /** Hatched where the fault is in this shop; between its edges only where it has no counterpart here. */
  window({ from, until, kind, name, shops }, n, { x, below, middle }, driver) {
    const [left, right] = [Math.max(x(from), Chart.LEFT), Math.max(x(until), Chart.LEFT)];
    const here = shops.includes(driver);
    const edge = (at) => svg("line", { class: "edge", x1: at, x2: at, y1: 0, y2: below });
    const ground = svg("rect", { class: here ? "window" : "elsewhere", x: left, y: 0, width: Math.max(right - left, 2), height: below }, svg("title", {}, here ? name : words.word("not_here", name)));
    if (!this.spec.named) return [ground, edge(left), edge(right)];
    // On the side on which there is more room, and neighbours in two lines.
    const start = left < middle;
    const label = svg("text", { class: "window-name", x: start ? left + 3 : right - 3, y: Chart.LINE * (1 + n % 2), "text-anchor": start ? "start" : "end" }, here ? kind : `(${kind})`);
    return [ground, edge(left), edge(right), label];
  }

  line(points, read, x, y, n) {
    let path = "";
    let before = null;
    for (const sample of points) {
      const value = read(sample.shops[this.shop]);
      const known = value !== null && value !== undefined;
      // More than two seconds without a value are a gap, not a line. A lone value is a dot.
      const joined = known && before !== null && sample.time - before < 2500;
      if (known) path += `${joined ? "L" : "M"}${x(sample.time).toFixed(1)} ${y(value).toFixed(1)}${joined ? "" : "h.1"}`;
      before = known ? sample.time : null;
    }
    return svg("path", { d: path, class: n ? "second" : "first" });
  }

  /** What the supervisor did, as marks at the foot of the chart of the processes. */
  marks(points, x, below) {
    if (!this.spec.events) return [];
    const driver = points.at(-1)?.shops[this.shop].driver;
    const events = points.flatMap((sample) => sample.events.filter((event) => event.shop === driver));
    return events.slice(-50).map((event) => {
      const at = Math.max(x(Date.parse(event.at)), Chart.LEFT);
      return svg("path", { class: "happened", d: `M${at} ${below - 7}l4 7h-8z` }, svg("title", {}, `${event.process}: ${event.message}`));
    });
  }

  /** The value beside the name; and the same, with the range, for who cannot see the picture. */
  tell(points, read) {
    const written = this.spec.lines.map((line) => this.spec.write(read ? line(read.shops[this.shop]) : null));
    // One unit is enough for two values that share it.
    const [first, second] = written.map((text) => text.split(" "));
    if (second && first[1] === second[1]) written[0] = first[0];
    say(this.value, second ? words.word("latencies", ...written) : written[0]);
    const values = this.values(points);
    const range = values.length ? [Math.min(...values), Math.max(...values)] : [null, null];
    this.picture.setAttribute("aria-label", words.word("chart_says", words.word(this.spec.name), this.value.textContent, ...range.map(this.spec.write)));
  }
}

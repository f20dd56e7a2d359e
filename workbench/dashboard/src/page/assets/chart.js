"use strict";
// A chart of one figure of one shop over time: SVG with axes, one or two lines, gaps where there is no data, and the
// periods with faults.
class Chart {
  // The space for the axes, in pixels; it grows with the font size.
  static measure() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    Object.assign(Chart, { LEFT: 3.25 * rem, BOTTOM: rem, TOP: 0.4 * rem, LINE: 0.75 * rem });
  }

  /** `spec` is one of charts.js. The picture is in a figure with its name and its latest value. */
  constructor(spec, shop) {
    this.spec = spec;
    this.shop = shop;
    this.value = element("output");
    this.picture = svg("svg", { role: "img" });
    this.size = null;
    const name = element("span", { "data-word": spec.name }, words.word(spec.name));
    this.figure = element("figure", { class: spec.lines.length > 1 ? "chart two" : "chart", "data-chart": spec.name }, element("figcaption", {}, name, this.value), this.picture);
  }

  /** Its size in pixels, from the page's last layout. Reading it each time would force a layout each time. */
  measured({ width, height }) {
    this.size = [Math.max(width, 80), Math.max(height, 40)];
  }

  /** All values of its lines in these samples. */
  values(points) {
    const read = (line) => points.map((sample) => line(sample.shops[this.shop])).filter((value) => value !== null && value !== undefined);
    return this.spec.lines.flatMap(read);
  }

  /**
   * Draws these samples up to the time `now`, on an axis that ends at `top`. One unit is a pixel, so that text is not
   * stretched. `read` is the sample whose values are shown: the latest, or the one under the pointer.
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

  /** From 0; or logarithmic from 1 ms for latencies, which differ by powers of ten. */
  scale(top, below) {
    const share = this.spec.logarithmic ? (value) => Math.log10(Math.max(value, 1)) / Math.log10(top) : (value) => value / top;
    return (value) => below - (below - Chart.TOP) * Math.min(share(value), 1);
  }

  grid(y, top, width, below) {
    let ticks = [0, top / 2, top];
    if (this.spec.logarithmic) ticks = Array.from({ length: Math.round(Math.log10(top)) + 1 }, (_, n) => 10 ** n);
    // If there is little room, every second tick.
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

  /** Hatched if the fault is in this shop; only its edges if it has no counterpart here. */
  window({ from, until, kind, name, shops }, n, { x, below, middle }, driver) {
    const [left, right] = [Math.max(x(from), Chart.LEFT), Math.max(x(until), Chart.LEFT)];
    const here = shops.includes(driver);
    const edge = (at) => svg("line", { class: "edge", x1: at, x2: at, y1: 0, y2: below });
    const ground = svg("rect", { class: here ? "window" : "elsewhere", x: left, y: 0, width: Math.max(right - left, 2), height: below }, svg("title", {}, here ? name : words.word("not_here", name)));
    if (!this.spec.named) return [ground, edge(left), edge(right)];
    // The label goes to the side with more room, and neighbours use two lines.
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
      // More than two seconds without a value are shown as a gap. A single value is a dot.
      const joined = known && before !== null && sample.time - before < 2500;
      if (known) path += `${joined ? "L" : "M"}${x(sample.time).toFixed(1)} ${y(value).toFixed(1)}${joined ? "" : "h.1"}`;
      before = known ? sample.time : null;
    }
    return svg("path", { d: path, class: n ? "second" : "first" });
  }

  /** The supervisor's actions, as marks at the bottom of the process chart. */
  marks(points, x, below) {
    if (!this.spec.events) return [];
    const driver = points.at(-1)?.shops[this.shop].driver;
    const events = points.flatMap((sample) => sample.events.filter((event) => event.shop === driver));
    return events.slice(-50).map((event) => {
      const at = Math.max(x(Date.parse(event.at)), Chart.LEFT);
      return svg("path", { class: "happened", d: `M${at} ${below - 7}l4 7h-8z` }, svg("title", {}, `${event.process}: ${event.message}`));
    });
  }

  /** Shows the value beside the name, and with its range for readers who cannot see the picture. */
  tell(points, read) {
    const written = this.spec.lines.map((line) => this.spec.write(read ? line(read.shops[this.shop]) : null));
    // If two values have the same unit, it is written once.
    const [first, second] = written.map((text) => text.split(" "));
    if (second && first[1] === second[1]) written[0] = first[0];
    say(this.value, second ? words.word("latencies", ...written) : written[0]);
    const values = this.values(points);
    const range = values.length ? [Math.min(...values), Math.max(...values)] : [null, null];
    this.picture.setAttribute("aria-label", words.word("chart_says", words.word(this.spec.name), this.value.textContent, ...range.map(this.spec.write)));
  }
}

"use strict";
// Where samples come from: the running dashboard, second by second. A connection that breaks is made anew by the
// browser, which also says what it had last, so that nothing is missing.
const feed = {
  async start() {
    try {
      for (const sample of await server.get(`/api/history?seconds=${samples.SHOWN}`)) samples.add(sample);
    } catch { /* then it begins now */ }
    page.redraw();
    this.listen();
  },

  listen() {
    const source = new EventSource("/api/samples");
    source.addEventListener("message", ({ data }) => {
      if (samples.add(JSON.parse(data))) page.arrived();
    });
    source.addEventListener("open", () => page.connected(true));
    source.addEventListener("error", () => {
      page.connected(false);
      // A browser gives up for good where it is answered something else than a stream, by a proxy for instance while
      // the dashboard is started anew.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), 2000);
    });
  },
};

"use strict";
// Samples of the running dashboard, second by second. If the connection breaks, the browser reconnects and sends the
// last id that it received, so that no sample is missing.
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
      // A browser gives up for good if the response is not a stream, for example from a proxy while the dashboard is
      // being restarted.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), 2000);
    });
  },
};

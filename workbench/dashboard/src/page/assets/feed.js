"use strict";
// Samples of the running dashboard, second by second. If the connection breaks, the browser reconnects and sends the
// last id that it received, so that no sample is missing.
const feed = {
  source: null,

  /** A browser opens six connections to a server, and a stream keeps one. With seven tabs, none would get another response.
   *  So a tab that is not visible closes its stream, and fetches what it missed when it is visible again. */
  async start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.open()));
    await this.open();
  },

  async open() {
    try {
      for (const sample of await server.get(`/api/history?seconds=${samples.SHOWN}`)) samples.add(sample);
    } catch { /* then it begins now */ }
    page.redraw();
    if (!document.hidden) this.listen();
  },

  stop() {
    this.source?.close();
    this.source = null;
    page.connected(false);
  },

  listen() {
    this.source?.close();
    const source = new EventSource("/api/samples");
    this.source = source;
    source.addEventListener("message", ({ data }) => {
      if (samples.add(JSON.parse(data))) page.arrived();
    });
    source.addEventListener("open", () => page.connected(true));
    source.addEventListener("error", () => {
      page.connected(false);
      // A browser gives up for good if the response is not a stream, for example from a proxy while the dashboard is
      // being restarted.
      const ended = source.readyState === EventSource.CLOSED && source === this.source;
      if (ended) setTimeout(() => source === this.source && this.listen(), 2000);
    });
  },
};

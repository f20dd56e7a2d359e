"use strict";
// Where samples come from: the running dashboard, second by second. A connection that breaks is made anew by the
// browser, which also says what it had last, so that nothing is missing.
const feed = {
  async start() {
    try {
      for (const sample of await server.get(`/api/history?seconds=${samples.SHOWN}`)) samples.add(sample);
    } catch { /* then it begins now */ }
    page.redraw();
    const source = new EventSource("/api/samples");
    source.addEventListener("message", ({ data }) => {
      if (samples.add(JSON.parse(data))) page.arrived();
    });
    source.addEventListener("open", () => page.connected(true));
    source.addEventListener("error", () => page.connected(false));
  },
};

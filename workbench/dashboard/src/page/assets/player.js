"use strict";
// Plays a recorded run: the same samples on the same page, at any speed, from any second.
const player = (() => {
  const MOST_LINES = 20_000;
  const [form, button, seek, at, speed] = ["player", "play", "seek", "seek-at", "speed"].map(byId);
  let recorded = [];
  let position = 0;
  let playing = true;
  let inTurn = false; // two recordings, side by side
  let stories = { ids: [] }; // the orders whose stories were recorded; where there is no server, these as well

  /** Reads a recording: a header, then one sample per line. A truncated last line is left out. */
  function read(text) {
    const lines = text.split("\n").filter((line) => line.trim());
    if (lines.length - 1 > MOST_LINES) throw new Error(words.word("recording_long", MOST_LINES));
    const header = JSON.parse(lines[0] ?? "{}");
    if (header.schema !== "cleave.live/1") throw new Error(words.word("recording_other", header.schema ?? "?"));
    inTurn = header.in_turn === true;
    const found = [];
    lines.slice(1).forEach((line, n) => {
      try { found.push(JSON.parse(line)); } catch (error) {
        if (n < lines.length - 2) throw new Error(words.word("recording_damaged", n + 2));
      }
    });
    if (!found.length) throw new Error(words.word("recording_empty"));
    return found;
  }

  function start(text, told) {
    recorded = read(text);
    stories = told;
    seek.max = recorded.length - 1;
    form.hidden = false;
    // Starts at the end of the first minute, so that there is something to see at once.
    to(Math.min(60, recorded.length - 1));
    setTimeout(tick, 1000);
  }

  /** Shows the n-th sample, as if all before it had just arrived. */
  function to(n) {
    position = n;
    samples.clear();
    for (const sample of recorded.slice(Math.max(0, n - samples.SHOWN), n + 1)) samples.add(sample);
    shown();
    page.redraw();
  }

  function tick() {
    if (playing && position < recorded.length - 1) {
      position += 1;
      samples.add(recorded[position]);
      shown();
      page.redraw();
    }
    setTimeout(tick, 1000 / Number(speed.value));
  }

  function shown() {
    seek.value = position;
    at.textContent = `${numbers.clock(recorded[position].second)} / ${numbers.clock(recorded.at(-1).second)}`;
    button.textContent = playing ? "❚❚" : "▶";
    button.setAttribute("aria-pressed", String(playing));
  }

  function toggle() {
    playing = !playing;
    if (playing && position === recorded.length - 1) to(0);
    shown();
  }

  /** The recorded story of an order. */
  async function story(id) {
    if (!stories.ids.includes(id)) throw new Error(words.word("story_recorded"));
    const here = stories[words.language()];
    if (!here) return server.order(id);
    return here.find((told) => told.stories.some((one) => one.order_id === id));
  }

  /** The latest order of a kind with a recorded story, up to the shown second. */
  function notable(which) {
    for (const sample of recorded.slice(0, position + 1).toReversed()) {
      const found = sample.shops.toReversed().map((shop) => shop.notable[which]).find((one) => one && stories.ids.includes(one.order_id));
      if (found) return found;
    }
    return null;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  button.addEventListener("click", toggle);
  seek.addEventListener("input", () => to(Number(seek.value)));
  return { start, toggle, story, notable, here: () => recorded.length > 0, playing: () => playing, inTurn: () => inTurn };
})();

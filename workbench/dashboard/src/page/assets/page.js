"use strict";
// The page: the selected view, the parts that all views share, and the handling of each new second. This file is loaded
// last, and starts everything.
const page = (() => {
  const VIEWS = ["watch", "map", "cost", "order"];
  const TYPES = ["", "large-1", "large-2", "large-3"];
  const root = document.documentElement;
  let view = "watch";
  let paused = null; // the sample that is held
  let connected = false;
  let size = Number(store.get("type") ?? 0);
  let dark = store.get("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  const sample = () => paused ?? samples.latest();

  /** A new second. While the page is paused, it is kept and not shown. */
  function arrived() {
    connected = true;
    if (!paused) redraw();
  }

  function redraw() {
    state();
    const now = sample();
    if (!now) return;
    say(byId("clock"), numbers.clock(now.second));
    say(byId("rate"), rate(now.load));
    busy(now.busy);
    invariants.draw(now);
    controls.draw(now);
    if (view === "watch") {
      charts.draw(now);
      costs.drawLine(now);
    }
    if (view === "map") shopMap.draw(now);
    if (view === "cost") {
      costs.draw(now);
      tax.look();
    }
  }

  /** The rate; with a note if the generator's delay is of the same size as the latencies. */
  function rate({ rate_per_s, flash_sale, late_p99_ms }) {
    const parts = [rate_per_s ? words.word("rate_now", numbers.figure(rate_per_s)) : words.word("rate_none")];
    if (flash_sale) parts.push(words.word("flash_sale"));
    if (late_p99_ms > 20) parts.push(words.word("sent_late", numbers.duration(late_p99_ms)));
    return parts.join(" · ");
  }

  /** Says that the machine is busy, and why. */
  function busy(found) {
    byId("busy").hidden = !found;
    if (!found) return;
    const signs = [];
    if (found.waiting !== null) signs.push(words.word("busy_waiting", numbers.figure(Math.round(found.waiting * 100))));
    if (found.load !== null) signs.push(words.word("busy_load", numbers.figure(found.load), numbers.figure(found.cores)));
    if (found.late_ms > 20) signs.push(words.word("busy_late", numbers.duration(found.late_ms)));
    say(byId("busy"), words.word("busy", signs.join(", ")));
  }

  function state() {
    const key = player.here() ? "state_recorded" : paused ? "state_paused" : !connected ? "state_lost" : samples.latest() ? "state_live" : "state_waiting";
    say(byId("state"), words.word(key));
    byId("state").className = `state ${key.slice(6)}`;
    const stopped = player.here() ? !player.playing() : paused !== null;
    say(byId("pause"), stopped ? "▶" : "❚❚");
    byId("pause").setAttribute("aria-pressed", String(stopped));
  }

  /** Shows what the address selects: a view, or the story of an order and one of its steps. */
  function route() {
    const [name, id, mode, step] = location.hash.slice(1).split("/");
    view = VIEWS.includes(name) ? name : "watch";
    for (const one of VIEWS) byId(`view-${one}`).hidden = one !== view;
    for (const link of document.querySelectorAll(".views a")) {
      if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.body.dataset.view = view;
    if (view === "order") story.open(id ? decodeURIComponent(id) : null, mode, step === undefined ? null : Number(step));
    redraw();
  }

  const show = (name) => { location.hash = `#${name}`; };

  function pause() {
    if (player.here()) player.toggle();
    else paused = paused ? null : samples.latest() ?? null;
    redraw();
  }

  function look() {
    root.classList.toggle("dark", dark === "dark");
    for (const name of TYPES.filter(Boolean)) root.classList.toggle(name, name === TYPES[size]);
    redraw();
  }

  function theme() {
    dark = dark === "dark" ? "light" : "dark";
    store.set("theme", dark);
    look();
  }

  function type(by) {
    size = Math.min(Math.max(size + by, 0), TYPES.length - 1);
    store.set("type", size);
    look();
  }

  function language() {
    words.turn();
    keyboard.list();
    controls.translate();
    story.reread();
    redraw();
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.();
  }

  /** Shows or hides the controls. */
  function panel(open = byId("controls").hidden) {
    byId("controls").hidden = !open;
    document.body.classList.toggle("controlled", open);
    byId("panel").setAttribute("aria-expanded", String(open));
    redraw();
  }

  function notice(text, bad = false) {
    byId("notice").hidden = false;
    byId("notice").classList.toggle("bad", bad);
    say(byId("notice"), text);
  }

  function withoutControls() {
    for (const one of document.querySelectorAll(".live-only")) one.hidden = true;
    document.body.classList.remove("controlled");
  }

  async function start() {
    words.fill();
    keyboard.list();
    look();
    // An address of an order opens its story.
    const order = /^\/orders\/([\w-]+)$/.exec(location.pathname);
    if (order) history.replaceState(null, "", `/#order/${order[1]}`);
    const recording = byId("recording");
    try {
      const session = recording ? { recorded: true, controls: false } : await server.get("/api/session");
      const may = session.controls && server.admitted();
      if (may) controls.start(session);
      else withoutControls();
      if (may) panel(store.get("panel") !== "hidden" && innerWidth > 1000);
      if (session.recorded) {
        const [run, stories] = recording
          ? [recording.textContent, JSON.parse(byId("recorded-stories").textContent)]
          : await Promise.all([server.text("/api/recording"), server.get("/api/stories")]);
        player.start(run, stories);
        route();
      } else {
        route();
        if (!may) notice(words.word("read_only"));
        await feed.start();
      }
    } catch (error) {
      withoutControls();
      route();
      notice(words.word(recording ? "replay_failed" : "start_failed", error.message), true);
    }
  }

  const on = (id, action) => byId(id).addEventListener("click", () => action());
  on("pause", pause);
  on("theme", theme);
  on("language", language);
  on("smaller", () => type(-1));
  on("larger", () => type(1));
  on("full", fullScreen);
  on("panel", () => panel());
  addEventListener("hashchange", route);
  addEventListener("resize", redraw);

  return {
    start, sample, arrived, redraw, show, pause, theme, type, language, fullScreen, panel,
    connected(so) { connected = so; state(); },
  };
})();

page.start();

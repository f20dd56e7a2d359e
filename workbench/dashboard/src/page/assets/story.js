"use strict";
// The story of one order in each shop: the picture comes from the server, and j and k walk through the steps. The
// address contains order, shop and step (#order/ID/split/3), so that it opens the same view again.
const story = (() => {
  const place = byId("stories");
  let shown = null; // the id that is on the page
  let stories = [];
  let mode = null; // whose steps are gone through
  let step = null;

  /** Shows what the address selects. */
  async function open(id, wantedMode, wantedStep) {
    if (!id) {
      shown = null;
      return place.replaceChildren(note(words.word("story_none")));
    }
    byId("find-id").value = id;
    if (id !== shown && !await read(id)) return undefined;
    const longest = stories.toSorted((a, b) => events(b).length - events(a).length)[0];
    mode = stories.some((one) => modeOf(one) === wantedMode) ? wantedMode : longest && modeOf(longest);
    step = Number.isInteger(wantedStep) ? wantedStep : null;
    return mark();
  }

  async function read(id) {
    place.replaceChildren(note(words.word("story_reading")));
    try {
      const found = await (player.here() ? player.story(id) : server.order(id));
      stories = found.stories;
      shown = id;
      place.replaceChildren(...stories.map(panel));
      return true;
    } catch (error) {
      shown = null;
      place.replaceChildren(note(words.word("story_failed", error.message)));
      return false;
    }
  }

  const note = (text) => element("p", { class: "panel" }, text);
  const modeOf = ({ driver }) => driver.split(":")[0];
  const events = (one) => one.story?.events ?? [];

  function panel(one) {
    const { driver, order_id, story: told, svg: picture, problem } = one;
    const own = modeOf(one);
    return element("section", { class: `shop ${own}`, "data-mode": own },
      element("h2", {}, element("span", {}, modeMark(own), ` ${words.word(`mode_${own}`)}`), element("small", {}, [driver, order_id].filter(Boolean).join(" · "))),
      told ? outcome(told) : element("p", {}, problem ?? words.word("story_not_here")),
      told ? element("p", { class: "step-now", "aria-live": "polite" }, words.word("story_keys")) : null,
      picture ? drawing(picture, own) : null,
      told ? steps(told.events, own, !picture) : null,
      ...(told ? next(told) : []));
  }

  function outcome({ outcome: { status, code, detail }, decided_us }) {
    const why = code ? `: ${words.wordOr(`refusal_${code}`, code)}` : "";
    const after = decided_us === null ? "" : ` · ${words.word("decided_after", numbers.duration(decided_us / 1000))}`;
    return element("p", { class: `outcome ${status}`, title: detail }, words.wordOr(`outcome_${status}`, status), why, after);
  }

  /**
   * Parses the picture as a separate document, and leaves out everything that could run or load. It also leaves out the
   * picture's own style, which is for viewers outside this page: the page's policy forbids it, and views.css has the
   * same rules.
   */
  function drawing(picture, own) {
    const bare = picture.replace(/<style>[^<]*<\/style>/, "");
    const parsed = new DOMParser().parseFromString(bare, "image/svg+xml").documentElement;
    if (parsed.nodeName !== "svg") return null;
    for (const foreign of parsed.querySelectorAll("script, style, foreignObject, image")) foreign.remove();
    const drawn = document.importNode(parsed, true);
    for (const event of drawn.querySelectorAll(".event")) {
      const n = Number(event.id.slice(1));
      event.id = `${own}-${event.id}`; // there are two pictures on the page
      event.addEventListener("click", () => go(own, n));
    }
    return element("div", { class: "story-svg" }, drawn);
  }

  /** The same as a list: for readers who cannot see the picture, and for stories without one. */
  function steps(all, own, open) {
    const line = (event, n) => element("li", { "data-step": n, onclick: () => go(own, n) }, ...parts(event));
    return element("details", { open: open ? "" : null }, element("summary", {}, words.word("steps", all.length)), element("ol", { class: "steps" }, ...all.map(line)));
  }

  const parts = (event) => [
    element("time", {}, numbers.duration(event.at_us / 1000)), element("span", { class: "soft" }, event.lane),
    element("span", {}, `${words.wordOr(`what_${event.what}`, event.what)} `, element("b", {}, event.name), event.ok === false ? " ✗" : ""),
  ];

  /** What the order waits for, the possible actions (if the shop is running), and the sources that were silent. */
  function next(told) {
    const lines = [
      ["waits_for", told.waits_for.map((one) => [one.says])],
      ["actions", player.here() ? [] : told.safe_next_actions.map((one) => [one.says, one.command ? element("code", {}, one.command) : null])],
    ];
    const silent = told.told_by.filter((one) => one.why_not).map((one) => `${one.name} (${one.why_not})`);
    return [
      ...lines.filter(([, all]) => all.length).map(([key, all]) => element("div", { class: "waits" },
        element("h3", {}, words.word(key)), ...all.map((parts) => element("p", {}, ...parts.flatMap((part) => [part, " "]))))),
      silent.length ? element("p", { class: "soft" }, words.word("silent", silent.join(", "))) : null,
    ];
  }

  /** Goes to a step. The address follows, without a history entry for each step. */
  function go(to, n) {
    const most = events(stories.find((one) => modeOf(one) === to) ?? {}).length - 1;
    if (!shown || most < 0) return;
    [mode, step] = [to, Math.min(Math.max(n, 0), most)];
    history.replaceState(null, "", `#order/${shown}/${mode}/${step}`);
    mark();
  }

  function mark() {
    for (const here of place.querySelectorAll(".here")) here.classList.remove("here");
    const section = place.querySelector(`[data-mode="${mode}"]`);
    const event = events(stories.find((one) => modeOf(one) === mode) ?? {})[step];
    if (!section || !event) return;
    section.querySelector(".step-now").replaceChildren(`${step + 1}. `, ...parts(event).flatMap((part) => [part, " "]));
    for (const here of [section.querySelector(`[data-step="${step}"]`), byId(`${mode}-e${step}`)]) {
      here?.classList.add("here");
      here?.scrollIntoView({ block: "nearest" });
    }
  }

  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId("find-id").value.trim();
    if (id) location.hash = `#order/${id}`;
  });

  /** The buttons that pick an order from the shown second, preferably in the split shop, whose stories are longer. */
  function pick(which) {
    const found = player.here() ? player.notable(which) : page.sample()?.shops.toReversed().map((shop) => shop.notable[which]).find(Boolean);
    if (found) location.hash = `#order/${found.order_id}`;
    else place.replaceChildren(note(words.word("pick_none")));
  }
  for (const button of document.querySelectorAll("[data-pick]")) button.addEventListener("click", () => pick(button.dataset.pick));

  /** After a change of the language, loads the story again. */
  function reread() {
    const id = shown;
    shown = null;
    if (!byId("view-order").hidden) open(id, mode, step);
  }

  return { open, reread, next: () => go(mode, (step ?? -1) + 1), previous: () => go(mode, (step ?? 1) - 1) };
})();

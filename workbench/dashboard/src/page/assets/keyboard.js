"use strict";
// The keyboard: shortcuts for everything that a pointer can do, and the list of them.
const keyboard = (() => {
  const dialog = byId("shortcuts");
  const KEYS = [
    [["1", "2", "3", "4"], "key_views", (key) => page.show(["watch", "map", "cost", "order"][Number(key) - 1])],
    [[" "], "key_space", () => page.pause()],
    [["h"], "key_h", () => controls.heal()],
    [["j", "k"], "key_jk", (key) => key === "j" ? story.next() : story.previous()],
    [["arrowleft", "arrowright"], "key_arrows", (key) => charts.step(key === "arrowleft" ? -1 : 1)],
    [["c"], "key_c", () => page.panel()],
    [["f"], "key_f", () => page.fullScreen()],
    [["+", "=", "-"], "key_type", (key) => page.type(key === "-" ? -1 : 1)],
    [["t"], "key_t", () => page.theme()],
    [["l"], "key_l", () => page.language()],
    [["?"], "key_help", () => dialog.open ? dialog.close() : dialog.showModal()],
  ];
  const written = (key) => ({ " ": words.word("space"), arrowleft: "←", arrowright: "→" })[key] ?? key;

  document.addEventListener("keydown", (event) => {
    // Keys in a text field belong to the field, and space presses the focused button.
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=range]), select") || event.key.startsWith("Arrow") && event.target.closest("input")) return;
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key.toLowerCase()));
    if (!found) return;
    event.preventDefault();
    found[2](event.key.toLowerCase());
  });

  /** The list of shortcuts, in the dialog. */
  function list() {
    byId("shortcuts-list").replaceChildren(...KEYS.flatMap(([keys, what]) => [
      element("dt", {}, ...keys.filter((key) => key !== "=").flatMap((key) => [element("kbd", {}, written(key)), " "])),
      element("dd", {}, words.word(what)),
    ]));
  }

  byId("help").addEventListener("click", () => dialog.showModal());
  return { list };
})();

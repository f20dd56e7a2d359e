"use strict";
// The invariants: the live audit's verdict for each shop, as symbol and word. A change is announced to screen readers.
const invariants = (() => {
  const NAMES = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"];
  const SIGNS = { held: "✓", violated: "✗", no_evidence: "–" };
  const place = byId("invariants");
  const before = new Map();

  const tiles = NAMES.map((name) => {
    const lines = element("div", { class: "lines" });
    const tile = element("li", { class: "tile", "data-invariant": name },
      element("h3", {}, element("b", {}, name), element("span", { "data-word": name })), lines);
    place.append(tile);
    return { name, tile, lines, shown: "" };
  });

  function draw(sample) {
    for (const one of tiles) {
      const found = sample.shops.map((shop) => ({ shop, finding: finding(shop, one.name) }));
      // Redrawn only if something changed: a link must not be replaced under the pointer.
      const shown = words.language() + JSON.stringify(found.map(({ shop, finding }) => [shop.driver, finding]));
      if (shown === one.shown) continue;
      one.shown = shown;
      one.lines.replaceChildren(...found.map(line));
      one.tile.classList.toggle("broken", found.some(({ finding }) => finding.verdict === "violated"));
    }
    announce(sample);
  }

  const finding = (shop, name) =>
    shop.invariants.find(({ invariant }) => invariant === name) ?? { invariant: name, verdict: "no_evidence", anomalies: 0, example: null, order_id: null };

  function line({ shop, finding: { verdict, anomalies, example, order_id } }) {
    const tip = [shop.driver, words.word(verdict), anomalies ? words.word("anomalies", anomalies) : null, example].filter(Boolean).join(": ");
    // If the example is an order, the word links to its story.
    const word = verdict === "violated" && order_id
      ? element("a", { class: "word", href: `#order/${order_id}`, "aria-label": `${words.word(verdict)}: ${words.word("example")} ${example ?? order_id}` }, words.word(verdict))
      : element("span", { class: "word" }, words.word(verdict));
    return element("p", { class: css(verdict), title: tip, "data-driver": shop.driver, "data-verdict": verdict },
      modeMark(shop.mode), element("span", { class: "unseen" }, `${words.word(`mode_${shop.mode}`)}: `),
      element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[verdict]), word);
  }

  const css = (verdict) => verdict === "no_evidence" ? "unknown" : verdict;

  /** Announces a changed verdict to screen readers. */
  function announce(sample) {
    const turned = [];
    for (const shop of sample.shops) {
      for (const name of NAMES) {
        const key = `${shop.driver} ${name}`;
        const { verdict } = finding(shop, name);
        if (before.has(key) && before.get(key) !== verdict) {
          turned.push(words.word("verdict_changed", words.word(`mode_${shop.mode}`), `${name} ${words.word(name)}`, words.word(verdict)));
        }
        before.set(key, verdict);
      }
    }
    if (turned.length) say(byId("verdicts"), turned.join(". "));
  }

  return { draw };
})();

"use strict";
// The lesson beside a recorded run: its steps, each of which shows a second of the run in a view, an order's story or the
// comparison. Only a page that stands alone can have one.
const lesson = (() => {
  const given = byId("lesson-data");
  const { steps, comparison } = given ? JSON.parse(given.textContent) : { steps: [], comparison: {} };
  let here = 0;

  function show(n) {
    here = n;
    const { second, view, order } = steps[n];
    player.at(second, view === "watch"); // charts show what went before, too; another view is looked at in peace
    const found = order && player.notable(order);
    location.hash = found ? `#order/${found.order_id}` : `#${view}`;
    draw();
  }

  function pick(n) {
    show(n);
    byId("steps").children[n].scrollIntoView({ block: "nearest" });
  }

  const when = ({ second, view }) => view === "comparison" ? null : element("time", { class: "soft" }, numbers.clock(second));

  function item(step, n) {
    const { title, text } = step[words.language()];
    return element("li", { "aria-current": n === here ? "step" : null },
      element("button", { type: "button", "data-step": n, onclick: () => pick(n) }, `${n + 1}. ${title}`), when(step), element("p", {}, text));
  }

  /** Draws the steps, and the report in the language that is shown. It is a page of its own, and has no scripts. */
  function draw() {
    if (!given) return;
    const focused = document.activeElement?.dataset.step;
    byId("steps").replaceChildren(...steps.map(item));
    if (focused) document.querySelector(`#steps [data-step="${focused}"]`)?.focus();
    const report = byId("report");
    if (report.lang === words.language()) return;
    report.lang = words.language();
    report.srcdoc = comparison[report.lang];
  }

  /** Begins at the first step, unless the address names a view. */
  function start() {
    if (given && !location.hash) show(0);
    draw();
  }

  return { start, draw };
})();

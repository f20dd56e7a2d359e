"use strict";
// The controls: one click acts on both shops. The results and refusals are shown per shop.
const controls = (() => {
  const told = byId("told");
  let session = null;

  /** Mixes by name: intended outcomes and their shares. The rest is `usual`. */
  const MIXES = {
    usual: { confirmed: 0.9, price_changed: 0.025, out_of_stock: 0.025, insufficient_funds: 0.025, region_not_served: 0.025 },
    good: { confirmed: 1 },
    compensated: { confirmed: 0.5, insufficient_funds: 0.25, region_not_served: 0.25 },
  };
  /** Faults for one click: a kind, its target and attributes, and its duration. */
  const PRESETS = [
    ["kill", { kind: "kill", target: "payments", for: "5s" }],
    ["cut", { kind: "down", target: "gateway-orders", for: "10s" }],
    ["slow", { kind: "latency", target: "orders-database", attributes: { latency: 100 }, for: "20s" }],
    ["pause", { kind: "pause", target: "inventory", for: "8s" }],
    ["broker", { kind: "kill_broker", for: "8s" }],
    ["database", { kind: "restart_database", for: "5s" }],
    ["duplicate", { kind: "duplicate", target: "inventory", for: "20s" }],
  ];

  /** Sends a request to the server, and shows the result. */
  async function act(name, path, body) {
    tell(words.word("doing", name));
    try {
      tell([words.word("done", name), ...outcomes(await server.post(path, body))].join(" · "));
    } catch (error) {
      tell(words.word("failed", name, error.message), true);
    }
  }

  function tell(text, bad = false) {
    say(told, text);
    told.classList.toggle("bad", bad);
  }

  /** The shops in which it failed, with the reasons. Success is visible on the page. */
  const outcomes = (answer) => Array.isArray(answer) ? answer.filter((one) => one.why_not).map((one) => `${one.shop}: ${one.why_not}`) : [];

  const heal = (id = null, shop = null) => act(words.word(id === null ? "heal_all" : "heal"), "/api/heal", { id, shop });
  const number = (id) => Number(byId(id).value);
  const choices = (select, values, name = (value) => value) => {
    const kept = select.value;
    select.replaceChildren(...values.map((value) => element("option", { value }, name(value))));
    if (values.includes(kept)) select.value = kept;
  };

  const MODES = ["monolith", "hybrid", "split"];

  function start(found) {
    session = found;
    byId("load-rate").max = session.rate_most;
    byId("count").max = session.instances_most;
    choices(byId("service"), [...session.services]);
    for (const mode of MODES) {
      const drivers = session.drivers.filter((one) => one.mode === mode);
      choices(byId(`driver-${mode}`), drivers.map((one) => one.driver), (driver) => drivers.find((one) => one.driver === driver).broken_on_purpose ? `${driver} ✗` : driver);
    }
    choices(byId("fault-kind"), session.faults.map((one) => one.kind));
    kind();
    translate();
  }

  /** Elements that are created here and not in the template. */
  function translate() {
    if (!session) return;
    choices(byId("load-mix"), Object.keys(MIXES), (name) => words.word(`mix_${name}`));
    byId("presets").replaceChildren(...PRESETS.map(([name, fault]) => element("button", {
      type: "button", "data-preset": name, title: `${fault.kind} ${fault.target ?? ""} ${fault.for}`,
      onclick: () => act(words.word(`preset_${name}`), "/api/faults", { fault, shop: null }),
    }, words.word(`preset_${name}`))));
    kind();
    active.shown = "";
  }

  const chosen = () => session.faults.find((one) => one.kind === byId("fault-kind").value);

  /** The fields of the selected kind. */
  function kind() {
    const { kind, does, targets, attributes } = chosen();
    say(byId("fault-does"), words.wordOr(`does_${kind}`, does));
    choices(byId("fault-target"), targets);
    byId("fault-target").parentElement.hidden = targets.length === 0;
    byId("fault-attributes").replaceChildren(...attributes.map((one) => {
      const id = `attribute-${one.name}`;
      const unit = one.unit ? `, ${one.unit}` : "";
      const field = one.unit === null
        ? element("input", { id, "data-attribute": one.name, "data-text": "" })
        : element("input", { id, type: "number", "data-attribute": one.name, min: one.least, max: one.most, value: one.default ?? Math.max(one.least, 200) });
      return element("p", { class: "row" }, element("label", { for: id }, `${one.name}${unit}`), field);
    }));
  }

  function fault() {
    const { kind, targets } = chosen();
    const attributes = {};
    for (const field of byId("fault-attributes").querySelectorAll("input")) {
      if (field.value !== "") attributes[field.dataset.attribute] = "text" in field.dataset ? field.value : Number(field.value);
    }
    const fault = { kind, attributes, for: `${number("fault-ttl")}s` };
    if (targets.length) fault.target = byId("fault-target").value;
    act(kind, "/api/faults", { fault, shop: null });
  }

  const called = (one) => (one.target ? words.word("fault_on", one.kind, one.target) : one.kind);

  /** The active faults with their remaining time; redrawn only if they change. */
  const active = { shown: "", lines: [] };
  function draw(sample) {
    const faults = sample.faults.filter((one) => one.active);
    const button = byId("heal-all");
    say(button, faults.length ? words.word("heal_all_n", faults.length) : words.word("heal_all"));
    button.classList.toggle("needed", faults.length > 0);
    const ids = JSON.stringify([words.language(), ...faults.map((one) => [one.shop, one.id])]);
    if (ids !== active.shown) {
      active.shown = ids;
      active.lines = faults.map((one) => element("span"));
      byId("active").replaceChildren(...faults.map((one, n) => element("li", {},
        element("span", {}, modeMark(one.shop.split(":")[0]), ` ${called(one)} `, active.lines[n]),
        element("button", { type: "button", "aria-label": `${words.word("heal")}: ${called(one)}, ${one.shop}`, onclick: () => heal(one.id, one.shop) }, words.word("heal")))));
    }
    faults.forEach((one, n) => say(active.lines[n], one.problem ?? words.word("heals_in", Math.max(0, Math.round((Date.parse(one.until) - sample.time) / 1000)), one.hits)));
    happened(sample);
    if (session) current(sample);
  }

  /** The last actions of the supervisors. */
  function happened(sample) {
    const modes = new Map(sample.shops.map((shop) => [shop.driver, shop.mode]));
    const last = samples.upTo(sample).flatMap((one) => one.events.map((event) => ({ ...event, second: one.second }))).slice(-4).reverse();
    const shown = JSON.stringify(last);
    if (shown === active.happened) return;
    active.happened = shown;
    byId("happened").replaceChildren(...last.map((event) => element("li", { class: event.warning ? "violated" : null },
      modeMark(modes.get(event.shop) ?? event.shop.split(":")[0]), ` ${numbers.clock(event.second)} ${event.process}: ${event.message}`)));
  }

  /** Fields that are not being edited show the current values. */
  function current(sample) {
    for (const mode of MODES) byId(`driver-${mode}`).closest("p").hidden = sample.shops.every((shop) => shop.mode !== mode);
    for (const shop of sample.shops) {
      const select = byId(`driver-${shop.mode}`);
      if (!select.closest("details").open) select.value = shop.driver;
    }
  }

  const on = (id, event, action) => byId(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    action();
  });
  const load = (rate_per_s) => act(words.word("load"), "/api/load", { rate_per_s, mix: MIXES[byId("load-mix").value] });
  on("load", "submit", () => load(number("load-rate")));
  on("load-stop", "click", () => act(words.word("load_stop"), "/api/load", { rate_per_s: 0 }));
  on("flash", "click", () => act(words.word("flash_sale"), "/api/flash-sale", { products: 3, quota: 100, for_s: 20 }));
  byId("fault-kind").addEventListener("change", kind);
  on("fault", "submit", fault);
  on("instances", "submit", () => act(words.word("scale"), "/api/scale", { service: byId("service").value, instances: number("count") }));
  on("deploy", "click", () => act(words.word("deploy"), "/api/deploy", { service: byId("service").value }));
  on("drivers", "submit", async () => {
    for (const shop of page.sample()?.shops ?? []) {
      const driver = byId(`driver-${shop.mode}`).value;
      if (driver !== shop.driver) await act(driver, "/api/drivers", { shop: shop.driver, driver });
    }
  });
  on("reset", "click", () => act(words.word("reset_do"), "/api/reset", {}));
  on("heal-all", "click", () => heal());

  return { start, translate, draw, heal: () => session && heal() };
})();

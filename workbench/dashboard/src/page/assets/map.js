"use strict";
// The map of a shop: its parts, their connections, and the messages that wait between them. Orders are moving dots.
const shopMap = (() => {
  const SERVICES = ["catalog", "inventory", "orders", "payments", "shipping"];
  const [WIDTH, HEIGHT, MIDDLE] = [480, 440, 240];
  /** Above this rate per second orders are too fast to follow by eye, and are not drawn. */
  const SLOW = 20;
  const place = byId("maps");
  let columns = [];

  const text = (x, y, css, ...words) => svg("text", { x, y, class: css }, ...words);
  const box = (x, y, width, height, css) => svg("rect", { x: x - width / 2, y, width, height, rx: 6, class: css });
  const link = (d, faulty, css = "") => svg("path", { d, class: `link ${css} ${faulty ? "faulty" : ""}` });
  const store = (x, y, width) => svg("path", {
    class: "store", d: `M${x - width / 2} ${y + 6}v26c0 8 ${width} 8 ${width} 0v-26c0 -8 ${-width} -8 ${-width} 0c0 8 ${width} 8 ${width} 0`,
  });

  /** The start of every map: clients and entrance. */
  function door(shop, faults) {
    return [
      link(`M${MIDDLE} 34V60`, faults.has("client-gateway")),
      box(MIDDLE, 4, 110, 30, "box"), text(MIDDLE, 24, "name title", words.word("clients")),
      box(MIDDLE, 60, 180, 38, ready(shop, "gateway") ? "box" : "box down"),
      text(MIDDLE - 24, 84, "name title", count(shop, "gateway", words.word("gateway"))), text(MIDDLE + 62, 84, "fact", cpu(shop, "gateway")),
    ];
  }

  const instances = (shop, service) => shop.processes.filter((process) => process.service === service);
  const ready = (shop, service) => instances(shop, service).some((process) => process.ready);
  /** A name, with the number of instances unless it is one, and with a word if none is ready. */
  function count(shop, service, name) {
    const [all, up] = [instances(shop, service).length, instances(shop, service).filter((process) => process.ready).length];
    if (up === 0) return `${name} ✗`;
    return all === 1 ? name : `${name} ×${up === all ? all : `${up}/${all}`}`;
  }
  /** The processor time of all instances of a service together. */
  const cpu = (shop, service) => {
    const known = instances(shop, service).map((process) => process.cpu_percent).filter((value) => value !== null);
    return known.length ? `${numbers.figure(known.reduce((a, b) => a + b, 0))} %` : "–";
  };

  function breaker(shop, service, x, y) {
    const found = shop.breakers.find((one) => one.service === service);
    return found ? [text(x, y, `breaker ${found.state}`, words.wordOr(`breaker_${found.state}`, found.state))] : [];
  }

  /** A monolith is drawn as one database, even if its modules have one each. */
  function wholeDatabase({ databases }) {
    const all = (read) => databases.every(read);
    return { reachable: all((one) => one.reachable), outbox: null, in_doubt: all((one) => one.in_doubt === null) ? null : databases.reduce((sum, one) => sum + (one.in_doubt ?? 0), 0) };
  }

  function database(found, x, y, width) {
    if (!found) return [store(x, y, width)];
    const lines = [];
    if (!found.reachable) lines.push([words.word("down"), true]);
    const late = found.outbox_oldest_ms > 2000;
    if (found.outbox !== null) lines.push([words.word("outbox_lag", found.outbox), late]);
    if (found.outbox > 0) lines.push([numbers.duration(found.outbox_oldest_ms), late]);
    if (found.in_doubt !== null && (found.in_doubt > 0 || found.outbox === null)) lines.push([words.word("in_doubt_n", found.in_doubt), found.in_doubt > 0]);
    return [store(x, y, width), ...lines.map(([line, high], n) => text(x, y + 52 + 14 * n, high ? "fact high" : "fact", line))];
  }

  function monolith(shop, faults) {
    const modules = SERVICES.map((service, n) => [box(MIDDLE + 84 * (n - 2), 186, 80, 30, "store"), text(MIDDLE + 84 * (n - 2), 206, "fact", service)]);
    return [
      link(`M${MIDDLE} 98V150`, faults.has("gateway-monolith")), ...breaker(shop, "monolith", MIDDLE + 52, 128),
      link(`M${MIDDLE} 226V290`, faults.has("monolith-database") || faults.has("database")),
      ...door(shop, faults),
      box(MIDDLE, 150, 440, 76, ready(shop, "monolith") ? "box" : "box down"),
      text(MIDDLE, 173, "name title", count(shop, "monolith", "monolith")), text(MIDDLE + 180, 173, "fact", cpu(shop, "monolith")),
      ...modules.flat(),
      ...database(wholeDatabase(shop), MIDDLE, 286, 160), text(MIDDLE, 314, "name title", words.word("database")),
    ];
  }

  const column = (n) => 49 + 95.5 * n;

  /** The groups of a shop with messages, from left to right: a monolith with the modules at home, and one service for each
      of the others. Each has its middle, its width and its lower edge. */
  function groups(shop) {
    const away = shop.mode === "hybrid" ? shop.driver.split(":")[1].split("/") : SERVICES;
    const home = SERVICES.filter((module) => !away.includes(module));
    const apart = SERVICES.filter((module) => away.includes(module));
    const all = [...(home.length ? [{ service: "monolith", modules: home }] : []), ...apart.map((service) => ({ service, modules: [] }))];
    let first = 0;
    return all.map(({ service, modules }) => {
      const columns = Math.max(modules.length, 1);
      const x = (column(first) + column(first + columns - 1)) / 2;
      first += columns;
      return { service, modules, x, width: 90 + 95.5 * (columns - 1), bottom: modules.length ? 214 : 206 };
    });
  }

  function grouped(shop, faults) {
    const parts = groups(shop).flatMap(({ service, x, width, bottom }) => {
      const open = shop.breakers.some((one) => one.service === service && one.state === "open");
      const right = x + width / 2 - 8;
      return [
        link(`M${MIDDLE} 98C${MIDDLE} 132 ${x} 104 ${x} 134`, faults.has(`gateway-${service}`), open ? "open" : ""),
        link(`M${x - 14} ${bottom}V234`, faults.has(`${service}-database`) || faults.has("database")),
        link(`M${right} ${bottom}V380`, faults.has(`${service}-broker`) || faults.has("broker")),
      ];
    });
    const boxes = groups(shop).flatMap(({ service, modules, x, width, bottom }) => {
      const queue = shop.queues.find((one) => one.service === service);
      // A database with the tables of one module bears its name, even if its process is the monolith.
      const data = shop.databases.find((one) => one.service === service) ?? shop.databases.find((one) => modules.includes(one.service));
      const left = x - width / 2 + 45;
      return [
        ...breaker(shop, service, x, 147),
        box(x, 152, width, bottom - 152, ready(shop, service) ? "box" : "box down"),
        text(x, modules.length ? 167 : 173, "name", service),
        ...modules.flatMap((module, n) => [box(left + 95.5 * n, 173, 82, 22, "store"), text(left + 95.5 * n, 188, "fact", module)]),
        text(x, modules.length ? 208 : 194, "fact", `${count(shop, service, "")} ${cpu(shop, service)}`.trim()),
        ...database(data, x - 14, 230, 58),
        ...(queue ? [text(x - 8, 370, queue.waiting > 100 || queue.dead ? "fact high" : "fact", words.word("queued", queue.waiting) + (queue.retry ? ` ↻${queue.retry}` : "") + (queue.dead ? ` ✝${queue.dead}` : ""))] : []),
      ];
    });
    return [...parts, ...door(shop, faults), ...boxes, box(MIDDLE, 382, 474, 36, "box"), text(MIDDLE, 405, "name title", words.word("broker"))];
  }

  /** The position of an order's dot: at the process that has it, the n-th there. */
  function spot(shop, seen, n) {
    if (shop.mode === "monolith") return [36 + 14 * n, 166];
    const at = groups(shop).find(({ service }) => service === seen.at);
    // On the lower edge of the process's box, six per row. Orders at the entrance are beside it.
    const [x, y] = at ? [at.x - at.width / 2 + 6, at.bottom] : [MIDDLE + 104, 79];
    return [x + 12 * (n % 6), y - 10 * Math.floor(n / 6)];
  }

  function orders(column, shop, rate) {
    const shown = rate <= SLOW ? shop.seen.slice(-12) : [];
    const taken = new Map();
    const now = new Set();
    for (const seen of shown) {
      const n = taken.get(seen.at) ?? 0;
      taken.set(seen.at, n + 1);
      now.add(seen.order_id);
      let dot = column.dots.get(seen.order_id);
      if (!dot) {
        dot = svg("circle", { r: 5, class: "order-dot" }, svg("title", {}));
        dot.style.transform = `translate(${MIDDLE}px, 50px)`;
        column.layer.append(dot);
        column.dots.set(seen.order_id, dot);
        dot.getBoundingClientRect(); // so that it moves from the door to its place, instead of beginning there
      }
      const [x, y] = spot(shop, seen, n);
      dot.style.transform = `translate(${x}px, ${y}px)`;
      dot.classList.toggle("refused", seen.status === "cancelled");
      dot.firstChild.textContent = `${seen.order_id} ${seen.status}`;
    }
    for (const [id, dot] of column.dots) if (!now.has(id)) { dot.remove(); column.dots.delete(id); }
  }

  /** What processes wait for, a line each: an outage is named, and not only seen as a queue that grows. */
  function waits(list, shop) {
    const all = shop.processes.flatMap((process) => (process.waits ?? []).map((wait) => ({ process, ...wait })));
    list.hidden = all.length === 0;
    list.replaceChildren(...all.map(({ process, part, on, since, why }) => {
      const at = new Date(since).toLocaleTimeString();
      return element("li", { title: why }, words.word("waits", process.name, words.wordOr(`part_${part.replace(" ", "_")}`, part), words.wordOr(on, on), at));
    }));
  }

  function build(shop) {
    const ground = svg("g");
    const layer = svg("g", { "aria-hidden": "true" });
    const picture = svg("svg", { class: "map", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" }, ground, layer);
    const section = element("section", { class: `shop ${shop.mode}` },
      element("h2", {}, element("span", {}, modeMark(shop.mode), " ", element("span", { "data-word": `mode_${shop.mode}` }, words.word(`mode_${shop.mode}`))), element("small", {}, shop.driver)),
      picture, element("ul", { class: "waits", hidden: "" }), element("p", { class: "map-key" }));
    return { driver: shop.driver, ground, layer, picture, section, dots: new Map() };
  }

  function draw(sample) {
    if (columns.map(({ driver }) => driver).join() !== sample.shops.map((shop) => shop.driver).join()) {
      columns = sample.shops.map(build);
      place.replaceChildren(...columns.map(({ section }) => section));
    }
    sample.shops.forEach((shop, n) => {
      const here = sample.faults.filter((fault) => fault.active && fault.shop === shop.driver);
      const faults = new Set(here.map((fault) => fault.target ?? (fault.kind.includes("broker") ? "broker" : "database")));
      columns[n].ground.replaceChildren(...(shop.mode === "monolith" ? monolith : grouped)(shop, faults));
      columns[n].picture.setAttribute("aria-label", words.word(`map_says_${shop.mode}`));
      say(columns[n].section.lastChild, words.word(`map_key_${shop.mode}`, SLOW));
      waits(columns[n].section.querySelector(".waits"), shop);
      orders(columns[n], shop, sample.load.rate_per_s);
    });
  }

  return { draw };
})();

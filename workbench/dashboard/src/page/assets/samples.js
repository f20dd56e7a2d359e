"use strict";
// The samples of the last minutes, and the faults in them.
const samples = (() => {
  /** The seconds that charts show. Samples are kept a little longer. */
  const SHOWN = 120;
  const MOST = 300;
  const MOST_FAULTS = 100;
  let kept = [];
  const faults = new Map();

  function add(sample) {
    const last = kept.at(-1);
    if (last && sample.second <= last.second) {
      // Either this second is known already, or the dashboard was restarted and counts from zero again.
      if (Date.parse(sample.at) <= last.time) return false;
      clear();
    }
    sample.time = Date.parse(sample.at);
    kept.push(sample);
    if (kept.length > MOST) kept = kept.slice(-SHOWN - 10);
    for (const fault of sample.faults) faults.set(`${fault.shop} ${fault.id}`, fault);
    while (faults.size > MOST_FAULTS) faults.delete(faults.keys().next().value);
    return true;
  }

  function clear() {
    kept = [];
    faults.clear();
  }

  /** The samples of the shown time, up to this one. */
  const upTo = (sample) => kept.filter(({ time }) => time <= sample.time && time > sample.time - SHOWN * 1000);

  /** The periods with faults, each with the affected shops. */
  function windows(sample) {
    const all = [];
    for (const fault of faults.values()) {
      const from = Date.parse(fault.from);
      const until = Math.min(Date.parse(fault.until), sample.time);
      if (from > sample.time || until < sample.time - SHOWN * 1000) continue;
      // A fault reaches the two shops one after the other. If it starts at nearly the same time in another shop, it is
      // the same one.
      const same = all.find((one) => one.kind === fault.kind && Math.abs(one.from - from) < 5000 && !one.shops.includes(fault.shop));
      if (same) {
        same.until = Math.max(same.until, until);
        same.shops.push(fault.shop);
      } else {
        all.push({ from, until, kind: fault.kind, name: fault.name, shops: [fault.shop] });
      }
    }
    return all;
  }

  return { add, clear, upTo, windows, latest: () => kept.at(-1), SHOWN };
})();

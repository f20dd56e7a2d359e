"use strict";
// What is known of the last minutes: the samples of a bounded time, and the faults that were seen in them.
const samples = (() => {
  /** Seconds that charts show, and that are kept a little longer. */
  const SHOWN = 120;
  const MOST = 300;
  const MOST_FAULTS = 100;
  let kept = [];
  const faults = new Map();

  function add(sample) {
    const last = kept.at(-1);
    if (last && sample.second <= last.second) {
      // A second that is known already; or the dashboard was started anew, and counts from zero again.
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

  /** The samples of the shown time up to this one. */
  const upTo = (sample) => kept.filter(({ time }) => time <= sample.time && time > sample.time - SHOWN * 1000);

  /** The times in which something was disturbed, each with the shops in which it was. */
  function windows(sample) {
    const all = [];
    for (const fault of faults.values()) {
      const from = Date.parse(fault.from);
      const until = Math.min(Date.parse(fault.until), sample.time);
      if (from > sample.time || until < sample.time - SHOWN * 1000) continue;
      // The two shops are told one after the other: what began at nearly the same moment in another shop is the same.
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

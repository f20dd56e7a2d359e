"use strict";
// Formats numbers: three figures, and a unit.
const numbers = {
  /** 0.0312, 1.25, 38.1, 120, 25,400; an en dash if nothing is known. */
  figure(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    if (size >= 100 || value === 0) return Math.round(value).toLocaleString("en");
    return Number(value.toPrecision(3)).toString();
  },
  /** Milliseconds, or seconds if there are many. */
  duration(ms) {
    if (ms === null || ms === undefined) return "–";
    return ms >= 1000 ? `${numbers.figure(ms / 1000)} s` : `${numbers.figure(ms)} ms`;
  },
  /** Megabytes. */
  memory(mb) {
    return mb === null || mb === undefined ? "–" : `${numbers.figure(mb)} MB`;
  },
  /** Seconds as m:ss or h:mm:ss. */
  clock(seconds) {
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  },
  /** The next round number for an axis: 1, 2 or 5 with zeros. */
  nice(value) {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].find((step) => step * power >= value * 0.9999) * power;
  },
};

"use strict";
// What the browser keeps for this page, if it may keep anything: in a file opened from a disk it may not.
const store = {
  get(key) {
    try { return localStorage.getItem(`cleave.${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`cleave.${key}`, value); } catch { /* then it is forgotten */ }
  },
};

"use strict";
// Stores values in the browser, if it allows that: for a file opened from disk it may not.
const store = {
  get(key) {
    try { return localStorage.getItem(`cleave.${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`cleave.${key}`, value); } catch { /* then it is forgotten */ }
  },
};

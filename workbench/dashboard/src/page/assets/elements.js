"use strict";
// Creates elements. Text is always set as text, so text from an order never becomes markup.

/** An element with attributes (false and null leave one out) and children, which are texts or elements. */
function element(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same in SVG. */
function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function furnish(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The element with this id. */
const byId = (id) => document.getElementById(id);

/** Sets a text only if it changed, to avoid needless announcements and layout. */
function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** The shape of a mode, in addition to its colour: a disc for the monolith, two lozenges for the split shop, a half disc and
    a lozenge for a hybrid. */
function modeMark(mode) {
  const shapes = {
    monolith: "M5 .5a4.5 4.5 0 0 1 0 9a4.5 4.5 0 0 1 0 -9z",
    split: "M2.75 0 5.5 5 2.75 10 0 5zM7.25 0 10 5 7.25 10 4.5 5z",
    hybrid: "M4.5 .5v9a4.5 4.5 0 0 1 0 -9zM7.5 0 10 5 7.5 10 5 5z",
  };
  const shape = svg("path", { d: shapes[mode] });
  shape.setAttribute("fill", "currentColor");
  return svg("svg", { class: `mark ${mode}`, viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" }, shape);
}

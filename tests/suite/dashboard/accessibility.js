// Checks the page for users with low vision or without a pointer. Returns a list of complaints, which is empty if there
// are none. The contrast is that of WCAG 2.2 (4.5 to 1 for text, 1.4.3), computed from the colours that the browser paints.
const complaints = [];
const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest(".unseen, [aria-hidden=true]");
const called = (element) => `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} "${element.textContent.trim().slice(0, 30)}"`;

// Headings: exactly one of level 1, and no level is skipped on the way down.
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  if (!heading.checkVisibility() || heading.closest("dialog")) continue;
  const own = Number(heading.tagName[1]);
  if (own > level + 1) complaints.push(`${called(heading)} comes after a heading of level ${level}`);
  level = own;
}
if ([...document.querySelectorAll("h1")].filter(seen).length !== 1) complaints.push("there is not exactly one h1");

// The contrast of every text with its background.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function channels(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return { light: [red, green, blue], alpha: alpha / 255 };
}
function luminance(light) {
  const [red, green, blue] = light.map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const { light, alpha } = channels(getComputedStyle(at).backgroundColor);
    if (alpha > 0.99) return light;
  }
  return [255, 255, 255];
}
let looked = 0;
let least = 99;
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  if (!own || !seen(element) || element.closest("script, style, option, noscript, title") || element.disabled) continue;
  const style = getComputedStyle(element);
  const text = channels(element instanceof SVGElement ? style.fill : style.color).light;
  const [lighter, darker] = [luminance(text), luminance(ground(element))].sort((a, b) => b - a);
  const ratio = (lighter + 0.05) / (darker + 0.05);
  looked += 1;
  least = Math.min(least, ratio);
  if (ratio < 4.5) complaints.push(`${called(element)} has a contrast of ${ratio.toFixed(2)}`);
}
if (looked < 20) complaints.push(`only ${looked} texts were checked`);

// Nothing is wider than the window.
if (document.documentElement.scrollWidth > innerWidth) complaints.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
return { complaints, looked, least };

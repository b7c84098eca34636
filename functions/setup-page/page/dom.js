// Texts, elements and icons. Elements are made of text nodes only: nothing that is shown is ever parsed as markup.
const SVG = "http://www.w3.org/2000/svg";

// Paths of icons, drawn in a square of 20.
const ICONS = {
  pass: "M4 10.5l4 4 8-9",
  fail: "M5 5l10 10M15 5L5 15",
  warn: "M10 8v3.500M10 14v.1M10 3L18 16.500H2z",
  info: "M10 9.500v4.500M10 6.200v.1M17.500 10a7.500 7.500 0 1 1-15 0a7.500 7.500 0 0 1 15 0",
  skipped: "M4 10h12",
  unavailable: "M10 6v4.500l3 1.500M17.500 10a7.500 7.500 0 1 1-15 0a7.500 7.500 0 0 1 15 0",
  copy: "M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z",
  open: "M8 4H4v12h12v-4M11 3.5h5.5V9M16 4l-7 7",
  download: "M10 3v10M5.5 9l4.5 4.5L14.5 9M3.5 17h13",
  next: "M4 10h12M11 5l5 5-5 5",
  back: "M16 10H4M9 5l-5 5 5 5",
  retry: "M15.5 6.5A6.5 6.5 0 1 0 16.500 11M16 3v4h-4",
};

// The text of a key such as "aws.title", with {name} replaced by values.
export function t(key, values = {}) {
  const found = key.split(".").reduce((part, name) => part?.[name], texts);
  if (typeof found !== "string") return key;
  return filled(found, values);
}

function filled(text, values = {}) {
  const all = { platform: document.body.dataset.platform, ...values };
  return text.replace(/\{(\w+)\}/g, (mark, name) => (name in all ? String(all[name]) : mark));
}

// The list of a key, of texts or of lists of texts.
export function list(key) {
  const found = key.split(".").reduce((part, name) => part?.[name], texts);
  return (found ?? []).map((text) => (Array.isArray(text) ? text.map((part) => filled(part)) : filled(text)));
}

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

let counter = 0;

// An id that no other element has.
export function fresh(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

// A text for screen readers, about something that changed.
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

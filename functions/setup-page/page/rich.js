import { el } from "./dom.js";

// A text with `code` and **strong** words. Nothing else has a meaning in it, so a text of a server can be shown.
export function rich(text) {
  const parts = String(text).split(/(`[^`]+`|\*\*[^*]+\*\*)/);
  return parts.map((part) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return el("strong", {}, part.slice(2, -2));
    return part;
  });
}

export function paragraph(text, style) {
  return el("p", { class: style }, rich(text));
}

// Formats a time in the language of the page, in the form of the reader's country.
function formatted(value, style) {
  const own = navigator.languages.find((language) => language.startsWith(document.documentElement.lang));
  return new Intl.DateTimeFormat(own ?? document.documentElement.lang, style).format(new Date(value));
}

export function day(value) {
  return formatted(value, { dateStyle: "medium" });
}

export function clock(value) {
  return formatted(value, { timeStyle: "short" });
}

export function moment(value) {
  return formatted(value, { dateStyle: "medium", timeStyle: "short" });
}

import { announce, el, fresh, icon, t } from "./dom.js";
import { paragraph, rich } from "./rich.js";
import { draft } from "./store.js";
import { explain, sentence } from "./api.js";

export function button(label, handler, { kind = "secondary", symbol, type = "button" } = {}) {
  const element = el("button", { type, class: `button ${kind}` }, symbol ? icon(symbol) : null, el("span", {}, label));
  if (handler) element.addEventListener("click", () => busy(element, handler));
  return element;
}

// Runs an action of a button. A second click does nothing while the first is at work.
export async function busy(element, action) {
  if (element.getAttribute("aria-disabled") === "true") return;
  element.setAttribute("aria-disabled", "true");
  element.classList.add("busy");
  try {
    await action();
  } finally {
    element.removeAttribute("aria-disabled");
    element.classList.remove("busy");
  }
}

export function link(label, href, { kind = "link", symbol = "open" } = {}) {
  const more = el("span", { class: "hidden" }, ` ${t("common.newTab")}`);
  const attributes = { class: kind, href, target: "_blank", rel: "noopener noreferrer" };
  return el("a", attributes, el("span", {}, label), symbol ? icon(symbol) : null, more);
}

// A box with a title and what to know or to do. Kinds: info, pass, warn, fail.
export function notice(kind, title, ...content) {
  const box = el("div", { class: `notice ${kind}` }, el("span", { class: "badge-icon" }, icon(kind)));
  box.append(el("div", { class: "notice-text" }, el("p", { class: "notice-title" }, title), ...content));
  return box;
}

// Shows an error in a place: what happened, why, and what to do.
export function showError(place, error, ...actions) {
  const { title, text, detail, requestId } = explain(error);
  const box = notice("fail", title, paragraph(text));
  const body = box.querySelector(".notice-text");
  if (detail) body.append(el("p", {}, rich(detail)));
  if (requestId) body.append(el("p", { class: "small" }, t("errors.id"), " ", el("code", {}, requestId)));
  if (actions.length) body.append(el("div", { class: "row" }, actions));
  place.replaceChildren(box);
  box.setAttribute("tabindex", "-1");
  box.focus();
  announce(`${title} ${text}`);
}

// A text with a button that copies it.
export function copyable(label, value, { multiline = false } = {}) {
  const id = fresh("copy");
  const content = el("code", { id, class: multiline ? "block" : "value", tabindex: multiline ? "0" : null }, value);
  if (multiline) Object.entries({ role: "region", "aria-label": label }).forEach((pair) => content.setAttribute(...pair));
  const copied = button(t("common.copy"), null, { kind: "copy", symbol: "copy" });
  copied.setAttribute("aria-label", t("common.copyWhat", { what: label }));
  copied.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      // A frame without the permission: select it, so that Ctrl-C copies it.
      window.getSelection().selectAllChildren(content);
      announce(t("common.selected"));
      return;
    }
    copied.querySelector("span").textContent = t("common.copied");
    copied.classList.add("done");
    announce(t("common.copiedWhat", { what: label }));
    setTimeout(() => {
      copied.querySelector("span").textContent = t("common.copy");
      copied.classList.remove("done");
    }, 2000);
  });
  const head = el("span", { class: "copy-label" }, label);
  return el("div", { class: multiline ? "copyable multiline" : "copyable" }, head, el("div", { class: "copy-row" }, content, copied));
}

export function download(label, name, text, type) {
  return button(label, () => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const anchor = el("a", { href: url, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }, { symbol: "download" });
}

export function disclosure(summary, ...content) {
  return el("details", {}, el("summary", {}, summary), el("div", { class: "details" }, ...content));
}

export function steps(items) {
  return el("ol", { class: "instructions" }, items.map((item) => el("li", {}, rich(item))));
}

export function section(number, title, ...content) {
  const heading = el("h2", {}, number ? el("span", { class: "number", "aria-hidden": "true" }, String(number)) : null, title);
  return el("section", { class: "panel" }, heading, ...content);
}

// A field with a label, a hint and its fault. `check` returns a fault or null. What is typed outlives a reload.
export function field({ name, label, hint, example, check = () => null, area = false, change = () => {}, value }) {
  const id = fresh("field");
  const fault = el("p", { id: `${id}-fault`, class: "fault", role: "status" });
  const attributes = { id, name, class: "input", autocomplete: "off", spellcheck: "false", autocapitalize: "none" };
  Object.assign(attributes, { "aria-describedby": `${id}-hint ${id}-fault`, placeholder: example, rows: area ? "6" : null });
  const input = el(area ? "textarea" : "input", attributes);
  input.value = draft.get(name) || value || "";
  const hints = el("p", { id: `${id}-hint`, class: "hint" }, hint ? rich(hint) : "");
  const element = el("div", { class: "field" }, el("label", { for: id }, label), hints, input, fault);
  const state = { timer: 0, isTold: false };
  const show = (text) => {
    fault.replaceChildren(...(text ? [icon("fail"), el("span", {}, rich(sentence(text)))] : []));
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    element.classList.toggle("wrong", Boolean(text));
    element.classList.toggle("right", !text && Boolean(input.value.trim()) && !check(input.value.trim()));
  };
  const validate = () => {
    state.isTold = false;
    const text = input.value.trim() ? check(input.value.trim()) : t("common.required");
    show(text);
    return !text;
  };
  input.addEventListener("input", () => {
    draft.set(name, input.value);
    clearTimeout(state.timer);
    if (element.classList.contains("wrong")) validate();
    else state.timer = setTimeout(() => input.value.trim() && validate(), 700);
    change();
  });
  input.addEventListener("blur", () => {
    clearTimeout(state.timer);
    // Later, so that a fault that appears does not move the button under a click; a fault of the service stays.
    state.timer = setTimeout(() => input.value.trim() && !state.isTold && validate(), 250);
  });
  if (input.value.trim()) validate();
  return {
    element,
    input,
    validate,
    // Shows a fault that the service found.
    show: (text) => {
      state.isTold = true;
      show(text);
    },
    get value() {
      return input.value.trim();
    },
    set value(text) {
      input.value = text;
      draft.set(name, text);
      if (text) validate();
      else show(null);
    },
    isGood: () => Boolean(input.value.trim()) && !check(input.value.trim()),
  };
}

// Validates all fields, and puts the focus on the first with a fault.
export function allGood(fields) {
  const wrong = fields.filter((one) => !one.validate());
  if (wrong.length) wrong[0].input.focus();
  return wrong.length === 0;
}

// A choice of one of several, as native radio buttons.
export function choice({ name, legend, options, value, change, kind = "segments" }) {
  const items = options.map(([key, label, more]) => {
    const input = el("input", { type: "radio", name, value: key, id: fresh("choice") });
    input.checked = key === value;
    input.addEventListener("change", () => change(key));
    const text = el("span", { class: "choice-text" }, label, more ? el("small", {}, more) : null);
    return el("label", { for: input.id, class: "choice" }, input, text);
  });
  return el("fieldset", { class: kind }, el("legend", {}, legend), el("div", { class: "choices" }, items));
}

// A dialog. Resolves to the name of the button that was pressed, null where it was closed.
export function ask(title, content, buttons) {
  const id = fresh("dialog");
  const dialog = el("dialog", { "aria-labelledby": id }, el("h2", { id }, title), ...content);
  const row = el("div", { class: "row end" });
  let answer = null;
  for (const [name, label, kind] of buttons) {
    const one = button(label, null, { kind });
    one.addEventListener("click", () => {
      answer = name;
      dialog.close();
    });
    row.append(one);
  }
  dialog.append(row);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

// Somebody else changed it: shows both values and asks. Resolves to "mine", "theirs" or null.
export function conflict(rows) {
  const head = el("tr", {}, ["what", "mine", "theirs"].map((key) => el("th", { scope: "col" }, t(`conflict.${key}`))));
  const body = rows.map(([name, mine, theirs]) => {
    const style = mine === theirs ? null : "differs";
    return el("tr", { class: style }, el("th", { scope: "row" }, name), el("td", {}, mine || "–"), el("td", {}, theirs || "–"));
  });
  const table = el("table", {}, el("thead", {}, head), el("tbody", {}, body));
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("conflict.title") }, table);
  const buttons = [["theirs", t("conflict.useTheirs"), "secondary"], ["mine", t("conflict.useMine"), "primary"]];
  return ask(t("conflict.title"), [paragraph(t("conflict.text")), scroll], buttons);
}

export function loading(text) {
  return el("p", { class: "loading", role: "status" }, el("span", { class: "spinner", "aria-hidden": "true" }), text);
}

import { el, icon, list, t } from "./dom.js";
import { clock, paragraph, rich } from "./rich.js";
import { Failed, api, hooks } from "./api.js";
import { draft, session } from "./store.js";
import { ask, button, link, loading, notice, section, showError } from "./widgets.js";
import { renderAws, renderTest } from "./aws.js";
import { renderProvider } from "./provider.js";
import { renderDomains } from "./domains.js";

const STEPS = [
  { id: "aws", section: "aws-identity-center", render: renderAws },
  { id: "test", section: "aws-identity-center", render: renderTest },
  { id: "provider", section: "identity-provider", render: renderProvider },
  { id: "domains", section: "domains", render: renderDomains },
  { id: "done", section: null, render: renderDone },
];

const root = document.getElementById("app");
const platform = document.body.dataset.platform;
const support = document.body.dataset.support;
const done = {};
let shown = null;
let visit = 0;

const app = {
  state: {},
  go: (id) => show(id, true),
  next: (id) => {
    const all = available();
    show(all[all.findIndex((step) => step.id === id) + 1]?.id ?? "done", true);
  },
  changed: (id, value) => {
    done[id] = value;
    drawStepper();
  },
  later: (action) => setTimeout(action, 0),
};

function available() {
  const sections = session.value.sections ?? [];
  return STEPS.filter((step) => !step.section || sections.includes(step.section));
}

function drawStepper() {
  const nav = document.getElementById("stepper");
  if (!nav) return;
  const all = available();
  const at = all.findIndex((step) => step.id === shown);
  const items = all.map((step, index) => {
    const state = step.id === shown ? "current" : done[step.id] ? "done" : "open";
    const mark = el("span", { class: "mark", "aria-hidden": "true" }, done[step.id] ? icon("pass") : String(index + 1));
    const name = el("span", { class: "step-name" }, t(`${step.id}.name`));
    const told = done[step.id] ? el("span", { class: "hidden" }, ` (${t("stepper.done")})`) : null;
    const one = el("button", { type: "button", class: `step ${state}${done[step.id] ? " is-done" : ""}`, "aria-current": step.id === shown ? "step" : null, on: { click: () => app.go(step.id) } }, mark, name, told);
    return el("li", {}, one);
  });
  const focused = nav.contains(document.activeElement);
  nav.replaceChildren(el("p", { class: "step-of" }, t("stepper.of", { number: at + 1, count: all.length, name: t(`${shown}.name`) })), el("ol", {}, items));
  if (focused) nav.querySelector("[aria-current]")?.focus();
}

async function show(id, push) {
  const step = available().find((one) => one.id === id) ?? available()[0];
  visit += 1;
  const mine = visit;
  shown = step.id;
  draft.set("step", step.id);
  if (push) history.pushState({ step: step.id }, "", location.pathname);
  else history.replaceState({ step: step.id }, "", location.pathname);
  document.title = `${t(`${step.id}.title`)} – ${platform}`;
  const heading = el("h1", { tabindex: "-1" }, t(`${step.id}.title`));
  const content = el("div", { class: "content" });
  const wait = loading(t("common.loading"));
  const main = document.getElementById("main");
  main.replaceChildren(heading, paragraph(t(`${step.id}.lead`), "lead"), wait, content);
  drawStepper();
  if (push) {
    window.scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }
  try {
    const focus = await step.render(content, app);
    if (mine !== visit) return;
    wait.remove();
    if (focus) focus.focus();
  } catch (error) {
    if (mine !== visit) return;
    wait.remove();
    if (step.id === "provider" && error instanceof Failed && [404, 409].includes(error.status)) return needsAws(content);
    showError(content, error, button(t("common.again"), () => show(step.id, false), { symbol: "retry" }));
  }
}

function needsAws(content) {
  const can = available().some((step) => step.id === "aws");
  const action = can ? el("div", { class: "row" }, button(t("provider.needsAws.go"), () => app.go("aws"), { kind: "primary" })) : null;
  content.append(notice("info", t("provider.needsAws.title"), paragraph(t(can ? "provider.needsAws.text" : "provider.needsAws.other")), action ?? ""));
}

async function renderDone(page) {
  const steps = available().filter((step) => step.id !== "done");
  const open = steps.filter((step) => !done[step.id]);
  page.append(open.length ? notice("warn", t("done.open.title"), paragraph(t("done.open.text"))) : notice("pass", t("done.all.title"), paragraph(t("done.all.text"))));
  const rows = steps.map((step) => {
    const kind = done[step.id] ? "pass" : "skipped";
    const change = done[step.id] ? null : button(t("done.finish"), () => app.go(step.id), { kind: "small" });
    return el("li", { class: "summary" }, el("span", {}, t(`${step.id}.title`)), el("span", { class: `status ${kind}` }, icon(kind), t(done[step.id] ? "done.isDone" : "done.isOpen")), change);
  });
  page.append(section(null, t("done.summary"), el("ul", { class: "summaries" }, rows)));
  const back = session.value.return_url;
  if (back && /^https:\/\//.test(back)) {
    page.append(el("div", { class: "row actions" }, el("a", { class: "button primary", href: back, target: "_top", rel: "noreferrer" }, icon("next"), el("span", {}, t("done.return")))));
  } else {
    page.append(paragraph(t("done.close")));
  }
}

// The steps that are done already, so that another person goes on where the last one ended.
async function findProgress() {
  const ids = available().map((step) => step.id);
  const quietly = async (id, look) => {
    if (!ids.includes(id)) return;
    try {
      done[id] = await look();
    } catch {
      done[id] = false;
    }
  };
  await Promise.all([
    quietly("aws", async () => (await api.config()).body.configured),
    quietly("test", async () => (await api.lastTest()).body.success),
  ]);
  await quietly("provider", async () => {
    const { body } = await api.instances();
    app.state.store = body.instances[0].identity_store_id;
    const found = (await api.providers(app.state.store)).body.associations[0];
    return Boolean(found && (found.is_enabled || session.value.enable === "platform"));
  });
}

function frame() {
  const nav = el("nav", { id: "stepper", class: "stepper", "aria-label": t("stepper.label") });
  root.replaceChildren(el("div", { class: "layout" }, nav, el("main", { id: "main" })), footer());
}

function footer() {
  const parts = [];
  if (session.value.expires_at && session.isOpen) parts.push(el("span", {}, t("common.sessionUntil", { time: clock(session.value.expires_at) })));
  if (support) parts.push(/^https:\/\//.test(support) ? link(t("common.support"), support) : el("a", { class: "link", href: support }, t("common.support")));
  return el("footer", { class: "foot" }, parts);
}

async function begin() {
  const { body } = await api.start({ secret: session.value.secret, session_secret: session.sessionSecret() });
  session.update(body);
}

function welcome() {
  document.title = `${t("start.title")} – ${platform}`;
  const error = el("div", { class: "result" });
  const start = button(t("start.button"), async () => {
    error.replaceChildren();
    try {
      await begin();
      await enter();
    } catch (failure) {
      if (failure instanceof Failed && [404, 410].includes(failure.status)) return ended(failure);
      showError(error, failure);
    }
    return undefined;
  }, { kind: "primary", symbol: "next" });
  const items = list("start.steps").map(([title, text]) => el("li", {}, el("strong", {}, title), el("span", {}, rich(text))));
  root.replaceChildren(el("main", { id: "main", class: "narrow" },
    el("h1", { tabindex: "-1" }, t("start.title")), paragraph(t("start.lead"), "lead"),
    section(null, t("start.whatTitle"), el("ol", { class: "overview" }, items)),
    notice("info", t("start.needTitle"), paragraph(t("start.need"))),
    error, el("div", { class: "row actions" }, start)), footer());
}

// A page about a link that cannot be used.
function dead(key, ...more) {
  document.title = `${t(`link.${key}.title`)} – ${platform}`;
  root.replaceChildren(el("main", { id: "main", class: "narrow" }, el("h1", { tabindex: "-1" }, t(`link.${key}.title`)), paragraph(t(`link.${key}.text`), "lead"), more), footer());
  root.querySelector("h1").focus();
}

function ended(failure) {
  const reason = failure.body.details?.reason;
  const known = { used_up: "used", revoked: "revoked", expired: "expired", completed: "completed" };
  session.close();
  dead(failure.status === 404 ? "unknown" : (known[reason] ?? "ended"));
}

let asking = null;

// The session is over. What was typed stays; a new session, and the request is sent again.
hooks.ended = () => {
  asking ??= (async () => {
    session.close();
    if (!session.value.secret) return false;
    const buttons = [["later", t("session.later"), "secondary"], ["again", t("session.again"), "primary"]];
    const answer = await ask(t("session.title"), [paragraph(t("session.text"))], buttons);
    if (answer !== "again") return false;
    try {
      await begin();
      return true;
    } catch (failure) {
      if (failure instanceof Failed && [404, 410].includes(failure.status)) ended(failure);
      return false;
    }
  })().finally(() => { asking = null; });
  return asking;
};

async function enter() {
  frame();
  await findProgress();
  const ids = available().map((step) => step.id);
  const wanted = history.state?.step ?? draft.get("step");
  const first = ids.find((id) => !done[id]) ?? "done";
  await show(ids.includes(wanted) ? wanted : first, false);
  document.querySelector("h1")?.focus({ preventScroll: true });
}

window.addEventListener("popstate", (event) => {
  if (session.isOpen && document.getElementById("stepper")) show(event.state?.step, false);
});

document.body.append(el("div", { id: "announcer", class: "hidden", role: "status", "aria-live": "polite" }));
if (session.isOpen) enter();
else if (session.value.secret) welcome();
else dead("none");

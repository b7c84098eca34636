import { announce, el, icon, t } from "./dom.js";
import { moment, paragraph, rich } from "./rich.js";
import { api } from "./api.js";
import { session } from "./store.js";
import { button, copyable, disclosure, loading, notice, showError, steps } from "./widgets.js";
import { list } from "./dom.js";

const EVERY = 20000;

async function path() {
  const { sso_configuration: known, sso_configuration_id: id } = session.value;
  if (known?.path) return known.path;
  const { body } = await api.owner(known?.id ?? id);
  const parts = [body.OrganisationID, body.ServerID, body.ID].map(encodeURIComponent);
  return `/organisations/${parts[0]}/authorisationservers/${parts[1]}/sso-configuration/${parts[2]}`;
}

export async function renderDomains(page, app) {
  const base = await path();
  const { body } = await api.domains(base);
  const domains = new Map(body.content.map((domain) => [domain.Domain, domain]));
  if (!domains.size) {
    page.append(notice("info", t("domains.none.title"), paragraph(t("domains.none.text"))));
    app.changed("domains", true);
  }
  const next = button(t("common.continue"), () => app.next("domains"), { kind: "primary", symbol: "next" });
  const later = el("p", { class: "hint" }, t("domains.later"));
  const cards = new Map();
  const update = () => {
    const all = [...domains.values()].every((domain) => domain.Status === "Proven");
    later.hidden = all;
    app.changed("domains", all);
  };
  for (const name of domains.keys()) {
    const card = domainCard(domains.get(name), async (quiet) => {
      const found = (await api.verify(base, name)).body;
      const proven = found.Status === "Proven" && domains.get(name).Status !== "Proven";
      domains.set(name, found);
      update();
      if (proven || !quiet) announce(`${name}: ${t(`domains.status.${found.Status}`)}`);
      return found;
    });
    cards.set(name, card);
    page.append(card.element);
  }
  if (domains.size) page.append(disclosure(t("domains.help.title"), steps(list("domains.help.steps"))));
  page.append(later, el("div", { class: "row actions" }, next));
  update();
  // In the background, one after the other, while somebody sees the page.
  const timer = setInterval(async () => {
    if (!page.isConnected) return clearInterval(timer);
    if (document.visibilityState !== "visible") return undefined;
    for (const [name, card] of cards) if (domains.get(name).Status !== "Proven") await card.recheck();
    return undefined;
  }, EVERY);
}

function domainCard(first, verify) {
  const status = el("span", {});
  const outcome = el("div", {});
  const content = el("div", { class: "stack" });
  const element = el("section", { class: "panel domain" }, el("div", { class: "check-head" }, el("h2", {}, first.Domain), status), content, outcome);
  let record = "";
  const check = button(t("domains.check"), async () => {
    outcome.replaceChildren(loading(t("domains.checking")));
    try {
      show(await verify(false));
    } catch (error) {
      showError(outcome, error);
    }
  }, { kind: "primary", symbol: "retry" });

  function show(domain) {
    const proven = domain.Status === "Proven";
    const kind = proven ? "pass" : domain.Outcome ? "warn" : "skipped";
    status.className = `status ${kind}`;
    status.replaceChildren(icon(kind), t(`domains.status.${domain.Status}`));
    const now = `${domain.RecordName} ${domain.RecordValue} ${proven}`;
    if (now !== record) {
      record = now;
      const table = [
        el("p", {}, t("domains.add")),
        el("div", { class: "values" }, copyable(t("domains.recordType"), "TXT"), copyable(t("domains.recordName"), domain.RecordName), copyable(t("domains.recordValue"), domain.RecordValue)),
        el("div", { class: "row" }, check),
      ];
      content.replaceChildren(...(proven ? [paragraph(t("domains.proven"))] : table));
    }
    outcome.replaceChildren(...(proven || !domain.Outcome ? [] : [finding(domain)]));
  }
  show(first);
  return {
    element,
    recheck: async () => {
      try {
        show(await verify(true));
      } catch {
        // The next check, or a click, shows what is wrong.
      }
    },
  };
}

// What DNS answered, and what to do about it.
function finding(domain) {
  const box = notice("warn", t(`domains.outcome.${domain.Outcome}.title`), paragraph(t(`domains.outcome.${domain.Outcome}.text`)));
  const text = box.querySelector(".notice-text");
  if (domain.Found.length) {
    text.append(el("p", {}, t("domains.found")), el("ul", { class: "codes" }, domain.Found.map((one) => el("li", {}, el("code", {}, one)))));
  }
  if (domain.Advice) text.append(el("p", {}, el("strong", {}, rich(domain.Advice))));
  if (domain.CheckedAt) text.append(el("p", { class: "small" }, t("domains.checkedAt", { time: moment(domain.CheckedAt) })));
  return box;
}

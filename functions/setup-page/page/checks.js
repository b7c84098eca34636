import { el, icon, t } from "./dom.js";
import { rich } from "./rich.js";
import { sentence } from "./api.js";

// The checks of a report: status by icon and word, the finding, and the remedy.
export function checkList(checks, { links = () => [], heading = "h3" } = {}) {
  const items = checks.map((check) => {
    const badge = el("span", { class: `status ${check.status}` }, icon(check.status), t(`status.${check.status}`));
    const item = el("li", { class: `check ${check.status}` });
    const title = el(heading, {}, check.title ?? t(`providerChecks.${check.id}`));
    item.append(el("div", { class: "check-head" }, title, badge), el("p", {}, rich(sentence(check.message ?? ""))));
    if (check.remediation) {
      item.append(el("div", { class: "remedy" }, el("p", { class: "remedy-title" }, t("test.todo")), remedy(check.remediation)));
    }
    const more = links(check);
    if (more.length) item.append(el("div", { class: "row" }, more));
    if (check.aws_request_id && ["fail", "unavailable"].includes(check.status)) {
      item.append(el("p", { class: "small" }, t("test.requestId"), " ", el("code", {}, check.aws_request_id)));
    }
    return item;
  });
  return el("ol", { class: "checks" }, items);
}

// A text of the API for readers of this page: its endpoints are steps here.
function forReaders(text) {
  const step = text.replaceAll("`POST /v1/integrations/aws-identity-center/bootstrap-template`", t("test.template"));
  return step.replace(/ \((?:GET|POST|PUT) \/v1\/[^)]*\)/g, "");
}

// A remedy with numbered parts, (1) (2) (3), becomes a list.
function remedy(text) {
  const parts = sentence(forReaders(text)).split(/\s*\((?=\d\) )/);
  if (parts.length < 3) return el("p", {}, rich(parts.join(" (")));
  const items = parts.slice(1).map((part) => el("li", {}, rich(part.replace(/^\d\) /, ""))));
  return el("div", {}, el("p", {}, rich(parts[0])), el("ol", {}, items));
}

// The checks before their results are there.
export function pendingChecks(titles) {
  const items = titles.map((title) => {
    const spinner = el("span", { class: "status skipped" }, el("span", { class: "spinner", "aria-hidden": "true" }), t("test.running"));
    return el("li", { class: "check" }, el("div", { class: "check-head" }, el("h2", {}, title), spinner));
  });
  return el("ol", { class: "checks", "aria-busy": "true" }, items);
}

import { el, icon, t } from "./dom.js";
import { day, rich } from "./rich.js";
import { copyable, notice } from "./widgets.js";

const DAY = 86400000;

// A fingerprint in pairs, as providers show it.
export function pairs(fingerprint) {
  return (fingerprint ?? "").toUpperCase().match(/../g)?.join(":") ?? "";
}

// The remaining life of a certificate: a bar, and the same in words.
function life(begin, end) {
  const now = Date.now();
  const days = Math.floor((end - now) / DAY);
  const left = Math.max(0, Math.min(1, (end - now) / Math.max(1, end - begin)));
  const kind = days < 0 ? "fail" : days < 30 ? "warn" : "pass";
  const fill = el("div", { class: `fill ${kind}` });
  fill.style.width = `${Math.round(left * 100)}%`;
  let words = t("certificate.left", { days, date: day(end) });
  if (days < 0) words = t("certificate.over", { days: -days, date: day(end) });
  else if (begin > now) words = t("certificate.later", { date: day(begin) });
  return el("div", { class: "life" }, el("div", { class: "bar", "aria-hidden": "true" }, fill),
    el("p", { class: `life-text ${kind}` }, icon(kind), words));
}

export function certificate(one) {
  const card = el("li", { class: one.usable ? "certificate" : "certificate unusable" });
  card.append(el("h4", {}, one.subject ?? t("certificate.unreadable")));
  if (!one.usable) card.append(el("p", { class: "status fail" }, icon("fail"), t("certificate.leftOut")));
  if (one.reason) card.append(el("p", { class: "reason" }, rich(one.reason)));
  if (one.fingerprint_sha256) card.append(copyable(t("certificate.fingerprint"), pairs(one.fingerprint_sha256)));
  if (one.not_after) card.append(life(one.not_before, one.not_after));
  return card;
}

// What was understood of a metadata document, before anything is saved.
export function understood(preview) {
  const usable = preview.certificates.filter((one) => one.usable).length;
  const parts = [
    el("dl", { class: "facts" },
      el("dt", {}, t("preview.entity")), el("dd", {}, el("code", {}, preview.entity_id)),
      el("dt", {}, t("preview.login")), el("dd", {}, el("code", {}, preview.login_url)),
      el("dt", {}, t("preview.signed")), el("dd", {}, t(preview.want_request_signed ? "common.yes" : "common.no"))),
    el("h3", {}, t(usable === 1 ? "preview.certificate" : "preview.certificates", { count: usable })),
    el("p", { class: "hint" }, t("preview.compare")),
    el("ul", { class: "certificates" }, preview.certificates.map(certificate)),
  ];
  const others = preview.left_out.length;
  if (others) {
    const items = el("ul", {}, preview.left_out.map((text) => el("li", {}, rich(text))));
    parts.push(notice("warn", t(others === 1 ? "preview.leftOutOne" : "preview.leftOut", { count: others }), items));
  }
  if (preview.want_request_signed) parts.push(notice("info", t("preview.signedTitle"), el("p", {}, t("preview.signedText"))));
  return el("div", { class: "understood" }, parts);
}

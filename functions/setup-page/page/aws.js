import { announce, el, fresh, list, t } from "./dom.js";
import { moment, paragraph, rich } from "./rich.js";
import { Failed, api, fieldFaults } from "./api.js";
import { draft } from "./store.js";
import { allGood, button, choice, conflict, copyable, disclosure, download, field, link, loading, notice, section, showError, steps } from "./widgets.js";
import { checkList, pendingChecks } from "./checks.js";

const INSTANCE = /^arn:(aws(?:-[a-z]{1,5}){0,3}):sso:::instance\/(sso)?ins-[a-zA-Z0-9.-]{16,}$/;
const REGION = /^[a-z]{2,5}(-[a-z]+)+-\d$/;
const ACCOUNT = /^\d{12}$/;
const ROLE = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/([\w+=,.@/-]+)$/;
const ROLE_NAME = "TrustplaneIdentityCenterRole";

function must(pattern, key) {
  return (text) => (pattern.test(text) ? null : t(key));
}

// The fault of a role's ARN: common mistakes have messages of their own.
function roleFault(text) {
  if (/:role-?policy\/|:policy\//.test(text)) return t("aws.role.isPolicy");
  if (/:assumed-role\//.test(text)) return t("aws.role.isSession");
  if (/:user\//.test(text)) return t("aws.role.isUser");
  return ROLE.test(text) ? null : t("aws.role.fault");
}

export async function renderAws(page, app) {
  const { body: saved, etag } = await api.config();
  let version = etag;
  const stored = (name, value) => draft.get(name) || value || "";
  const savedAccount = saved.role_arn?.match(ROLE)?.[2] ?? "";
  const error = el("div", { class: "result" });
  const template = el("div", { class: "template" });

  const instance = field({
    name: "sso_instance_arn", label: t("aws.instance.label"), hint: t("aws.instance.hint"),
    example: "arn:aws:sso:::instance/ssoins-0123456789abcdef", check: must(INSTANCE, "aws.instance.fault"),
    value: stored("sso_instance_arn", saved.sso_instance_arn), change: () => prepare(),
  });
  const region = field({
    name: "region", label: t("aws.region.label"), hint: t("aws.region.hint"), example: "eu-west-1",
    check: must(REGION, "aws.region.fault"), value: stored("region", saved.region), change: () => prepare(),
  });
  const account = field({
    name: "aws_account_id", label: t("aws.account.label"), hint: t("aws.account.hint"), example: "123456789012",
    check: must(ACCOUNT, "aws.account.fault"), value: stored("aws_account_id", savedAccount), change: () => prepare(),
  });
  account.input.setAttribute("inputmode", "numeric");
  const role = field({
    name: "role_arn", label: t("aws.role.label"), hint: t("aws.role.hint"),
    example: `arn:aws:iam::123456789012:role/${ROLE_NAME}`, check: roleFault, value: stored("role_arn", saved.role_arn),
  });
  const usual = button(t("aws.role.usual"), () => {
    role.value = `arn:${partition()}:iam::${account.value}:role/${ROLE_NAME}`;
    role.input.focus();
  }, { kind: "link" });
  const fields = { sso_instance_arn: instance, region, role_arn: role };

  function partition() {
    return instance.value.match(INSTANCE)?.[1] ?? "aws";
  }

  // The template of the role, as soon as the three values that it depends on are right.
  let prepared = "";
  let timer = 0;
  function prepare() {
    clearTimeout(timer);
    const ready = [instance, region, account].every((one) => one.isGood());
    usual.hidden = !account.isGood();
    if (!ready) {
      prepared = "";
      template.replaceChildren(notice("info", t("aws.create.waiting")));
      return;
    }
    timer = setTimeout(loadTemplate, prepared ? 500 : 0);
  }

  async function loadTemplate() {
    const body = { aws_account_id: account.value, sso_instance_arn: instance.value, region: region.value };
    const wanted = JSON.stringify(body);
    if (wanted === prepared) return;
    prepared = wanted;
    template.replaceChildren(loading(t("aws.create.loading")));
    try {
      const made = (await api.template(body)).body;
      if (wanted === prepared) template.replaceChildren(showTemplate(made));
    } catch (failure) {
      prepared = "";
      const faults = failure instanceof Failed ? fieldFaults(failure) : {};
      Object.entries({ ...fields, aws_account_id: account }).forEach(([name, one]) => faults[name] && one.show(faults[name]));
      const again = button(t("common.again"), loadTemplate, { symbol: "retry" });
      showError(template, failure, again);
    }
  }

  function showTemplate(made) {
    const content = el("div", { class: "tab" });
    const console_ = `https://${region.value}.console.aws.amazon.com/cloudformation/home?region=${region.value}#/stacks/create`;
    const file = download(t("aws.create.download"), "identity-center-role.yaml", made.cloudformation_yaml, "application/yaml");
    const shown = {
      cloudformation: () => {
        const quick = made.launch_stack_url && /^https:\/\//.test(made.launch_stack_url);
        if (!quick) {
          return [steps(list("aws.create.upload")), el("div", { class: "row" }, file, link(t("aws.create.console"), console_, { kind: "button secondary" }))];
        }
        return [
          steps(list("aws.create.quick")),
          el("div", { class: "row" }, link(t("aws.create.launch"), made.launch_stack_url, { kind: "button primary" }), file),
        ];
      },
      terraform: () => [
        steps(list("aws.create.terraform")),
        copyable(t("aws.create.terraformText"), made.terraform_hcl, { multiline: true }),
        el("div", { class: "row" }, download(t("aws.create.downloadTerraform"), "identity-center-role.tf", made.terraform_hcl, "text/plain")),
      ],
    };
    const show = (key) => {
      draft.set("tool", key);
      content.replaceChildren(...shown[key]());
    };
    const value = draft.get("tool") || "cloudformation";
    show(value);
    const options = [["cloudformation", t("aws.create.cloudformation")], ["terraform", t("aws.create.terraformName")]];
    const id = copyable(t("aws.create.externalId"), made.external_ids.join(", "));
    return el("div", {}, choice({ name: fresh("tool"), legend: t("aws.create.how"), options, value, change: show }), content,
      disclosure(t("aws.create.detailsTitle"), paragraph(t("aws.create.details")), id, copyable(t("aws.create.template"), made.cloudformation_yaml, { multiline: true })));
  }

  async function save() {
    error.replaceChildren();
    if (!allGood([instance, region, account, role])) return;
    const other = role.value.match(ROLE)?.[2];
    if (other !== account.value) {
      role.show(t("aws.role.otherAccount", { account: account.value, other }));
      role.input.focus();
      return;
    }
    const body = { sso_instance_arn: instance.value, role_arn: role.value, region: region.value };
    try {
      version = (await api.saveConfig(body, version)).etag;
      app.state.testNow = true;
      app.changed("aws", true);
      app.go("test");
    } catch (failure) {
      if (failure instanceof Failed && failure.status === 412) return resolve(body);
      const faults = failure instanceof Failed ? fieldFaults(failure) : {};
      const named = Object.entries(fields).filter(([name]) => faults[name]);
      named.forEach(([name, one]) => one.show(faults[name]));
      if (named.length) named[0][1].input.focus();
      else showError(error, failure, button(t("common.again"), save, { symbol: "retry" }));
    }
    return undefined;
  }

  // Another tab or person saved meanwhile.
  async function resolve(mine) {
    const current = await api.config();
    const rows = Object.entries({ sso_instance_arn: "instance", region: "region", role_arn: "role" });
    const answer = await conflict(rows.map(([name, key]) => [t(`aws.${key}.label`), mine[name], current.body[name]]));
    if (!answer) return;
    version = current.etag;
    if (answer === "theirs") Object.entries(fields).forEach(([name, one]) => { one.value = current.body[name] ?? ""; });
    else await save();
  }

  const settings = link(t("aws.instance.open"), "https://console.aws.amazon.com/singlesignon/home#/instances/settings");
  const permissions = el("div", { class: "columns" },
    el("div", {}, el("h3", {}, t("aws.may.title")), el("ul", { class: "ticks" }, list("aws.may.list").map((text) => el("li", {}, rich(text))))),
    el("div", {}, el("h3", {}, t("aws.mayNot.title")), el("ul", { class: "crosses" }, list("aws.mayNot.list").map((text) => el("li", {}, rich(text))))));
  page.append(
    section(null, t("aws.what.title"), paragraph(t("aws.what.text")), permissions,
      disclosure(t("aws.what.exact"), el("ul", { class: "codes" }, list("aws.actions").map((text) => el("li", {}, el("code", {}, text)))))),
    section(1, t("aws.find.title"), disclosure(t("aws.find.where"), steps(list("aws.find.steps")), settings), instance.element,
      el("div", { class: "columns" }, region.element, account.element)),
    section(2, t("aws.create.title"), template),
    section(3, t("aws.enter.title"), role.element, usual),
    error,
    el("div", { class: "row actions" }, button(t("aws.save"), save, { kind: "primary", symbol: "next" })),
  );
  prepare();
  if (app.state.focus && fields[app.state.focus]) {
    const wanted = fields[app.state.focus];
    app.state.focus = null;
    return wanted.input;
  }
  return null;
}

export async function renderTest(page, app) {
  const { body: config } = await api.config();
  if (!config.configured) {
    page.append(notice("info", t("test.nothing.title"), paragraph(t("test.nothing.text")), el("div", { class: "row" }, button(t("test.nothing.go"), () => app.go("aws"), { kind: "primary" }))));
    return;
  }
  const result = el("div", { class: "result" });
  const list_ = el("div", {});
  const next = button(t("common.continue"), () => app.next("test"), { kind: "primary", symbol: "next" });
  const again = button(t("test.again"), run, { symbol: "retry" });
  next.hidden = true;

  function links(check) {
    if (check.status === "pass" || check.status === "skipped") return [];
    const found = check.fields.map((name) => button(t(`test.change.${name}`), () => {
      app.state.focus = name;
      app.go("aws");
    }, { kind: "small" }));
    const [, partition, , name] = config.role_arn.match(ROLE) ?? [];
    if (partition === "aws" && check.fields.includes("role_arn")) {
      const path = encodeURIComponent(name.split("/").pop());
      found.push(link(t("test.openRole"), `https://console.aws.amazon.com/iam/home#/roles/details/${path}?section=trust_relationships`, { kind: "button small" }));
    }
    if (partition === "aws" && check.fields.some((one) => one !== "role_arn") && REGION.test(config.region)) {
      found.push(link(t("test.openInstance"), `https://${config.region}.console.aws.amazon.com/singlesignon/home?region=${config.region}`, { kind: "button small" }));
    }
    return found;
  }

  function show(report) {
    const warned = report.checks.some((check) => check.status === "warn");
    const kind = report.success ? (warned ? "warn" : "pass") : report.checks.some((check) => check.status === "fail") ? "fail" : "warn";
    const title = t(`test.result.${report.success ? (warned ? "warned" : "passed") : kind === "fail" ? "failed" : "unknown"}.title`);
    const text = t(`test.result.${report.success ? (warned ? "warned" : "passed") : kind === "fail" ? "failed" : "unknown"}.text`);
    result.replaceChildren(notice(kind, title, paragraph(text), el("p", { class: "small" }, t("test.at", { time: moment(report.checked_at) }))));
    list_.replaceChildren(checkList(report.checks, { links, heading: "h2" }));
    next.hidden = !report.success;
    app.changed("test", report.success);
    return title;
  }

  async function run() {
    app.state.testNow = false;
    next.hidden = true;
    result.replaceChildren(loading(t("test.runningLong")));
    list_.replaceChildren(pendingChecks(list("test.titles")));
    announce(t("test.runningLong"));
    try {
      announce(show((await api.test()).body));
      (next.hidden ? again : next).focus();
    } catch (failure) {
      list_.replaceChildren();
      showError(result, failure);
    }
  }

  page.append(result, list_, el("div", { class: "row actions" }, again, next));
  if (app.state.testNow) {
    app.later(() => again.click());
    return;
  }
  try {
    show((await api.lastTest()).body);
  } catch (failure) {
    if (!(failure instanceof Failed) || failure.status !== 404) throw failure;
    result.append(notice("info", t("test.never.title"), paragraph(t("test.never.text"))));
    again.querySelector("span").textContent = t("test.first");
  }
}

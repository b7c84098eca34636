import { announce, el, fresh, icon, t } from "./dom.js";
import { paragraph } from "./rich.js";
import { Failed, api, explain, fieldFaults } from "./api.js";
import { draft, session } from "./store.js";
import { allGood, ask, button, choice, conflict, field, loading, notice, section, showError } from "./widgets.js";
import { guide } from "./guides.js";
import { understood } from "./preview.js";
import { checkList } from "./checks.js";

const LARGEST = 256 * 1024;
const FIRST = { okta: "url", entra: "url", google: "file", ping: "url", onelogin: "file", jumpcloud: "url", adfs: "file", keycloak: "url", other: "url" };

// What is wrong with a text that should be metadata.
function metadataFault(text) {
  if (new Blob([text]).size > LARGEST) return t("metadata.large");
  if (/PRIVATE KEY/.test(text)) return t("metadata.isKey");
  if (/EntityDescriptor|EntitiesDescriptor/.test(text)) return /IDPSSODescriptor/.test(text) ? null : t("metadata.notIdp");
  if (/BEGIN CERTIFICATE/.test(text)) return t("metadata.isCertificate");
  if (/<html/i.test(text)) return t("metadata.isPage");
  return /^\s*</.test(text) ? t("metadata.notSaml") : t("metadata.notXml");
}

function urlFault(text) {
  if (/^http:\/\//i.test(text)) return t("metadata.urlHttp");
  try {
    const url = new URL(text);
    return url.protocol === "https:" && url.hostname.includes(".") ? null : t("metadata.url.fault");
  } catch {
    return t("metadata.url.fault");
  }
}

// The fields of the way that metadata is given by.
function sources(refresh) {
  const url = field({ name: "idp_saml_metadata_url", label: t("metadata.url.label"), hint: t("metadata.url.hint"), example: "https://idp.example.com/metadata", check: urlFault, change: refresh });
  const text = field({ name: "idp_saml_metadata", label: t("metadata.paste.label"), hint: t("metadata.paste.hint"), check: metadataFault, area: true, change: refresh });
  const entity = field({ name: "entity_id", label: t("metadata.entity.label"), hint: t("metadata.entity.hint"), example: "https://idp.example.com/saml", change: refresh });
  const login = field({ name: "login_url", label: t("metadata.login.label"), hint: t("metadata.login.hint"), example: "https://idp.example.com/sso", check: urlFault, change: refresh });
  const pem = field({ name: "idp_certificate", label: t("metadata.pem.label"), hint: t("metadata.pem.hint"), example: "-----BEGIN CERTIFICATE-----", area: true, change: refresh });
  const select = field({ name: "select_entity_id", label: t("metadata.select.label"), hint: t("metadata.select.hint"), change: refresh });
  select.element.hidden = true;
  const file = fileField(refresh);
  const selected = () => (select.element.hidden || !select.value ? {} : { idp_saml_config: { entity_id: select.value } });
  return {
    url: { fields: [url], names: { idp_saml_metadata_url: url, idp_saml_metadata: url }, elements: [url.element, select.element], select, body: () => ({ idp_saml_metadata_url: url.value, ...selected() }) },
    file: { fields: [file], names: { idp_saml_metadata: file }, elements: [file.element, select.element], select, body: () => ({ idp_saml_metadata: file.value, ...selected() }) },
    paste: { fields: [text], names: { idp_saml_metadata: text }, elements: [text.element, select.element], select, body: () => ({ idp_saml_metadata: text.value, ...selected() }) },
    fields: {
      fields: [entity, login, pem],
      names: { "idp_saml_config.entity_id": entity, "idp_saml_config.login_url": login, idp_certificate: pem, entity_id: entity, login_url: login },
      elements: [entity.element, login.element, pem.element],
      body: () => ({ idp_saml_config: { entity_id: entity.value, login_url: login.value }, idp_certificate: pem.value }),
    },
  };
}

// A place to drop a file, which is a labelled file input as well.
function fileField(refresh) {
  const id = fresh("file");
  const fault = el("p", { id: `${id}-fault`, class: "fault", role: "status" });
  const name = el("p", { class: "file-name" });
  const input = el("input", { id, type: "file", class: "file", accept: ".xml,text/xml,application/xml,application/samlmetadata+xml", "aria-describedby": `${id}-fault` });
  const drop = el("div", { class: "drop" }, icon("download"), el("label", { for: id }, t("metadata.file.label")), el("p", { class: "hint" }, t("metadata.file.hint")), input, name);
  const element = el("div", { class: "field" }, drop, fault);
  let content = draft.get("file");
  const show = (text) => {
    fault.replaceChildren(...(text ? [icon("fail"), el("span", {}, text)] : []));
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const validate = () => {
    const text = content ? metadataFault(content) : t("metadata.file.missing");
    show(text);
    return !text;
  };
  async function take(file) {
    if (!file) return;
    name.textContent = file.name;
    content = file.size > LARGEST ? "x".repeat(LARGEST + 1) : await file.text();
    draft.set("file", content.length > LARGEST ? "" : content);
    draft.set("fileName", file.name);
    if (validate()) announce(file.name);
    refresh();
  }
  name.textContent = content ? draft.get("fileName") : "";
  input.addEventListener("change", () => take(input.files[0]));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  return { element, input, validate, show, get value() { return content; } };
}

async function findStore() {
  const { body } = await api.instances();
  return body.instances[0]?.identity_store_id ?? null;
}

export async function renderProvider(page, app) {
  const store = app.state.store ?? (app.state.store = await findStore());
  if (!store) {
    page.append(notice("warn", t("provider.noInstance.title"), paragraph(t("provider.noInstance.text"))));
    return;
  }
  const [{ body: sp }, listed] = await Promise.all([api.serviceProvider(store), api.providers(store)]);
  const present = { provider: listed.body.associations[0] ?? null, etag: listed.etag };
  const saved = el("div", {});
  const work = el("div", { class: "stack" });
  const showSaved = () => {
    saved.replaceChildren();
    work.hidden = Boolean(present.provider);
    if (present.provider) saved.append(savedProvider(store, present, app, () => { work.hidden = false; work.querySelector("input")?.focus(); }));
  };
  const reload = async () => {
    const again = await api.providers(store);
    Object.assign(present, { provider: again.body.associations[0] ?? null, etag: again.etag });
    showSaved();
    saved.querySelector("h2")?.setAttribute("tabindex", "-1");
    saved.querySelector("h2")?.focus();
  };
  const metadata = metadataPanel(store, present, reload);
  const guided = guide(sp.sp_saml_config, (name) => metadata.show(name));
  work.append(guided.element, metadata.element);
  page.append(saved, work);
  showSaved();
  guided.begin();
}

// The third part: metadata, what was understood of it, and saving.
function metadataPanel(store, present, reload) {
  const element = el("div", {});
  const show = (name) => {
    const result = el("div", { class: "result" });
    const inputs = el("div", {});
    const ways = sources(() => result.replaceChildren());
    let way = draft.get(`way.${name}`) || FIRST[name];
    const place = () => inputs.replaceChildren(...ways[way].elements);
    place();
    const options = ["url", "file", "paste", "fields"].map((key) => [key, t(`metadata.ways.${key}`)]);
    const switched = (key) => {
      way = key;
      draft.set(`way.${name}`, key);
      result.replaceChildren();
      place();
    };
    const look = async () => {
      result.replaceChildren();
      if (!allGood(ways[way].fields)) return;
      const body = ways[way].body();
      result.replaceChildren(loading(t("preview.loading")));
      try {
        const preview = (await api.preview(store, body)).body;
        result.replaceChildren(showPreview(preview, body));
        result.querySelector("h3").setAttribute("tabindex", "-1");
        result.querySelector("h3").focus();
        announce(t("preview.title"));
      } catch (failure) {
        failed(failure, result, look);
      }
    };
    const failed = (failure, place_, again) => {
      place_.replaceChildren();
      const faults = failure instanceof Failed ? fieldFaults(failure) : {};
      const several = failure instanceof Failed && failure.status === 400 && /holds \d+ identity providers/.test(failure.message);
      if (several && ways[way].select) {
        ways[way].select.element.hidden = false;
        ways[way].select.show(explain(failure).detail);
        ways[way].select.input.focus();
        return;
      }
      const named = Object.entries(ways[way].names).filter(([key]) => faults[key]);
      named.forEach(([key, one]) => one.show(faults[key]));
      if (named.length) named[0][1].input.focus();
      else showError(place_, failure, button(t("common.again"), again, { symbol: "retry" }));
    };
    const showPreview = (preview, body) => {
      const error = el("div", {});
      const save = async () => {
        error.replaceChildren();
        try {
          await keep(store, present, body, preview);
          await reload();
          announce(t("provider.saved.title"));
        } catch (failure) {
          showError(error, failure, button(t("common.again"), save, { symbol: "retry" }));
        }
      };
      return el("div", { class: "preview" }, el("h3", { class: "preview-title" }, icon("pass"), t("preview.title")), understood(preview), error,
        el("div", { class: "row actions" }, button(t("preview.save"), save, { kind: "primary", symbol: "next" })));
    };
    element.replaceChildren(section(3, t("metadata.title"), paragraph(t("metadata.text")),
      choice({ name: fresh("way"), legend: t("metadata.legend"), options, value: way, change: switched }), inputs,
      el("div", { class: "row" }, button(t("preview.look"), look, { kind: "primary" })), result));
  };
  return { element, show };
}

// Creates the provider, or replaces the settings of the one there is. Asks where somebody changed it meanwhile.
async function keep(store, present, body, preview) {
  if (!present.provider) {
    try {
      return await api.createProvider(store, body);
    } catch (failure) {
      if (!(failure instanceof Failed) || failure.code !== "IIC.1328") throw failure;
      return settle(store, present, body, preview);
    }
  }
  const { idp_saml_config: settings, idp_certificate: certificate, ...metadata } = body;
  const update = certificate ? { ...settings } : { ...metadata, ...(settings ? { idp_saml_config: settings } : {}) };
  try {
    return await api.updateProvider(store, present.provider.idp_id, update, present.etag);
  } catch (failure) {
    if (!(failure instanceof Failed) || failure.status !== 412) throw failure;
    return settle(store, present, body, preview);
  }
}

async function settle(store, present, body, preview) {
  const current = await api.providers(store);
  Object.assign(present, { provider: current.body.associations[0] ?? null, etag: current.etag });
  if (!present.provider) return keep(store, present, body, preview);
  const theirs = present.provider.idp_saml_config;
  const rows = [[t("preview.entity"), preview.entity_id, theirs.entity_id], [t("preview.login"), preview.login_url, theirs.login_url]];
  return (await conflict(rows)) === "mine" ? keep(store, present, body, preview) : null;
}

// The provider that is saved: its facts, a test, and enabling.
function savedProvider(store, present, app, replace) {
  const { provider } = present;
  const enabled = provider.is_enabled;
  const byPlatform = session.value.enable === "platform";
  const error = el("div", {});
  const report = el("div", {});
  app.changed("provider", enabled || byPlatform);
  const enable = async () => {
    error.replaceChildren();
    try {
      await api.enableProvider(store, provider.idp_id, present.etag);
    } catch (failure) {
      if (failure instanceof Failed && failure.status === 412) {
        const current = await api.providers(store);
        const theirs = current.body.associations[0];
        const rows = [[t("preview.entity"), provider.idp_saml_config.entity_id, theirs?.idp_saml_config.entity_id], [t("preview.login"), provider.idp_saml_config.login_url, theirs?.idp_saml_config.login_url]];
        const answer = await conflict(rows);
        Object.assign(present, { provider: theirs ?? null, etag: current.etag });
        app.go("provider");
        return answer;
      }
      showError(error, failure, button(t("common.again"), enable, { symbol: "retry" }));
      return null;
    }
    announce(t("provider.enabled.title"));
    app.changed("provider", true);
    app.go("provider");
    return null;
  };
  const confirm = async () => {
    const buttons = [["no", t("common.cancel"), "secondary"], ["yes", t("provider.enable.yes"), "primary"]];
    const answer = await ask(t("provider.enable.title"), [paragraph(t("provider.enable.text"))], buttons);
    if (answer === "yes") await enable();
  };
  const test = async () => {
    report.replaceChildren(loading(t("provider.testing")));
    try {
      const { checks } = (await api.testProvider(store, provider.idp_id)).body;
      report.replaceChildren(checkList(checks));
    } catch (failure) {
      showError(report, failure);
    }
  };
  const kind = enabled ? "enabled" : byPlatform ? "platform" : "saved";
  const box = notice(enabled || byPlatform ? "pass" : "info", t(`provider.${kind}.title`), paragraph(t(`provider.${kind}.text`)));
  const certificates = el("div", {});
  showCertificates(store, provider, certificates);
  const actions = [button(t("provider.test"), test, { symbol: "retry" }), button(t("provider.replace"), () => replace())];
  if (enabled || byPlatform) actions.push(button(t("common.continue"), () => app.next("provider"), { kind: "primary", symbol: "next" }));
  else actions.push(button(t("provider.enable.button"), confirm, { kind: "primary" }));
  return el("div", { class: "stack" }, box, section(null, t("provider.current"),
    el("dl", { class: "facts" },
      el("dt", {}, t("preview.entity")), el("dd", {}, el("code", {}, provider.idp_saml_config.entity_id)),
      el("dt", {}, t("preview.login")), el("dd", {}, el("code", {}, provider.idp_saml_config.login_url)),
      provider.metadata_url ? [el("dt", {}, t("metadata.url.label")), el("dd", {}, el("code", {}, provider.metadata_url))] : []),
    certificates, report, error, el("div", { class: "row actions" }, actions)));
}

async function showCertificates(store, provider, place) {
  try {
    const { body } = await api.certificates(store, provider.idp_id);
    const count = body.idp_certificates?.length ?? provider.idp_certificate_ids.length;
    place.replaceChildren(el("p", { class: "small" }, t(count === 1 ? "provider.certificate" : "provider.certificates", { count })));
  } catch {
    place.replaceChildren();
  }
}

import { el, fresh, list, t } from "./dom.js";
import { paragraph } from "./rich.js";
import { choice, copyable, download, link, section, steps } from "./widgets.js";
import { draft } from "./store.js";

// The identity providers that have instructions of their own.
export const PROVIDERS = ["okta", "entra", "google", "ping", "onelogin", "jumpcloud", "adfs", "keycloak", "other"];

// The choice of a provider, and its instructions with the values of this platform.
export function guide(saml, changed) {
  const place = el("div", { class: "stack" });
  const show = (name) => {
    draft.set("provider", name);
    const documentation = texts.providers[name].url;
    place.replaceChildren(section(2, t("provider.configure.title", { name: t(`providers.${name}.name`) }),
      paragraph(t("provider.configure.text")),
      el("div", { class: "values" },
        copyable(t("provider.acs"), saml.acs_url), copyable(t("provider.entity"), saml.issuer)),
      el("div", { class: "row" }, download(t("provider.metadata"), "service-provider-metadata.xml", saml.metadata, "application/samlmetadata+xml")),
      steps(list(`providers.${name}.steps`)),
      documentation ? el("p", { class: "small" }, link(t("provider.documentation", { page: texts.providers[name].page }), documentation)) : null));
    changed(name);
  };
  const options = PROVIDERS.map((name) => [name, t(`providers.${name}.name`)]);
  const value = draft.get("provider");
  const chosen = section(1, t("provider.choose.title"), choice({ name: fresh("provider"), legend: t("provider.choose.legend"), options, value, change: show, kind: "cards" }));
  return { element: el("div", { class: "stack" }, chosen, place), begin: () => value && show(value) };
}

import { t } from "./dom.js";
import { session } from "./store.js";

const AWS = "/v1/integrations/aws-identity-center";
const TIME_LIMIT = 40000;
const ATTEMPTS = 3;

// A response that is no success; status 0 where there was none.
export class Failed extends Error {
  constructor(status, body, headers) {
    super(body?.message ?? body?.error_msg ?? "");
    this.status = status;
    this.body = body ?? {};
    this.requestId = headers?.get("x-request-id") ?? this.body.request_id ?? null;
    this.retryAfter = Number(headers?.get("retry-after") ?? 0);
  }
  get code() {
    return this.body.code ?? this.body.error_code ?? "";
  }
}

// Called when the session has ended; resolves to true once there is a new one.
export const hooks = { ended: async () => false };

// Keys of requests whose response is unknown: their repetition has the same key, so it is not done twice.
const unresolved = new Map();

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function send(method, path, { body, etag, anonymous }) {
  const headers = { accept: "application/json" };
  const { token, tenant_id: tenant } = session.value;
  if (!anonymous) Object.assign(headers, { authorization: `Bearer ${token}`, "x-tenant-id": tenant });
  if (etag) headers["if-match"] = etag;
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) headers["content-type"] = "application/json";
  const identity = `${method} ${path} ${etag ?? ""} ${text ?? ""}`;
  if (method === "POST" && !anonymous) {
    if (!unresolved.has(identity)) unresolved.set(identity, window.crypto.randomUUID());
    headers["idempotency-key"] = unresolved.get(identity);
  }
  let response;
  let read;
  try {
    const signal = AbortSignal.timeout(TIME_LIMIT);
    response = await fetch(path, { method, headers, body: text, signal, cache: "no-store", credentials: "omit" });
    read = await response.text();
  } catch {
    throw new Failed(0);
  }
  if (response.status < 500) unresolved.delete(identity);
  let json = null;
  try {
    json = read ? JSON.parse(read) : null;
  } catch {
    json = null;
  }
  if (!response.ok) throw new Failed(response.status, json, response.headers);
  return { body: json, etag: response.headers.get("etag"), status: response.status };
}

// Sends a request. One that got no response is repeated; one whose session has ended waits for another session.
export async function call(method, path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(method, path, options);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      if (error.status === 401 && !options.anonymous && (await hooks.ended())) continue;
      const again = error.status === 0 || error.status === 503 || error.status === 502;
      if (!again || attempt === ATTEMPTS || error.retryAfter > 5) throw error;
      await pause(Math.max(error.retryAfter * 1000, 400 * attempt));
    }
  }
}

export const api = {
  start: (body) => call("POST", "/v1/setup-sessions", { body, anonymous: true }),
  config: () => call("GET", `${AWS}/config`),
  saveConfig: (body, etag) => call("PUT", `${AWS}/config`, { body, etag }),
  template: (body) => call("POST", `${AWS}/bootstrap-template`, { body }),
  test: () => call("POST", `${AWS}/test`, { body: {} }),
  lastTest: () => call("GET", `${AWS}/test`),
  instances: () => call("GET", "/v1/instances"),
  serviceProvider: (store) => call("GET", `${stores(store)}/sp-config`),
  providers: (store) => call("GET", `${stores(store)}/external-idp`),
  certificates: (store, id) => call("GET", `${stores(store)}/external-idp/${encodeURIComponent(id)}/certificate`),
  preview: (store, body) => call("POST", `${stores(store)}/external-idp/preview`, { body }),
  createProvider: (store, body) => call("POST", `${stores(store)}/external-idp`, { body }),
  updateProvider: (store, id, body, etag) =>
    call("PUT", `${stores(store)}/external-idp/${encodeURIComponent(id)}`, { body, etag }),
  testProvider: (store, id) => call("POST", `${stores(store)}/external-idp/${encodeURIComponent(id)}/test`, { body: {} }),
  enableProvider: (store, id, etag) =>
    call("POST", `${stores(store)}/external-idp/${encodeURIComponent(id)}/enable`, { etag }),
  domains: (path) => call("GET", `${path}/domains?size=100`),
  verify: (path, domain) => call("POST", `${path}/domains/${encodeURIComponent(domain)}/verify`, { body: {} }),
  owner: (id) => call("GET", `/references/users/sso-configurations/${encodeURIComponent(id)}`),
};

function stores(store) {
  return `/v1/identity-stores/${encodeURIComponent(store)}`;
}

// The faults of single fields, by the names that the service has for them.
export function fieldFaults(error) {
  if (error.code === "invalid_request") return { ...error.body.details };
  const faults = {};
  if (error.code === "IIC.400") {
    const text = error.message.replace(/^Bad Request: /, "");
    for (const part of text.split("; ")) {
      const [, name, fault] = part.match(/^(idp_[\w.]+|entity_id|login_url) (.*)$/) ?? [];
      if (name) faults[name] = fault;
    }
  }
  return faults;
}

// What happened and what to do, in words; beside it what the service itself says.
export function explain(error) {
  if (!(error instanceof Failed)) throw error;
  const own = error.message.replace(/^Bad Request: /, "");
  const kinds = { 0: "offline", 401: "session", 403: "forbidden", 404: "missing", 409: "conflict", 410: "gone" };
  Object.assign(kinds, { 412: "changed", 413: "large", 422: "repeated", 429: "busy" });
  const kind = kinds[error.status] ?? (error.status >= 500 ? "service" : "refused");
  const detail = ["offline", "session"].includes(kind) ? "" : own;
  return {
    title: t(`errors.${kind}.title`),
    text: t(`errors.${kind}.text`, { seconds: error.retryAfter || 60 }),
    detail: detail ? sentence(detail) : "",
    requestId: error.status >= 500 ? error.requestId : null,
  };
}

export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

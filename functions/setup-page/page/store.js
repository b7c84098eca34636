// What the tab remembers. The secret of the link leaves the address bar before anything is drawn or requested.
const KEY = "trustplane.setup";
const DRAFTS = "trustplane.setup.drafts";

const fragment = decodeURIComponent(window.location.hash.slice(1));
if (window.location.hash) window.history.replaceState(window.history.state, "", window.location.pathname);

function read(key) {
  try {
    return JSON.parse(window.sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function write(key, value) {
  try {
    window.sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage the page works until it is reloaded.
  }
}

let kept = read(KEY);
let drafts = read(DRAFTS);

// Another link begins anew; the same link goes on.
function beginAnew(secret) {
  if (!/^[\w-]{16,256}$/.test(secret) || secret === kept.secret) return false;
  kept = { secret };
  drafts = {};
  write(KEY, kept);
  write(DRAFTS, drafts);
  return true;
}

beginAnew(fragment);

// A link that is opened in the tab of another one changes the fragment alone, and loads nothing.
window.addEventListener("hashchange", (event) => {
  if (beginAnew(decodeURIComponent(new URL(event.newURL).hash.slice(1)))) window.location.reload();
});

export const session = {
  get value() {
    return kept;
  },
  get isOpen() {
    return Boolean(kept.token);
  },
  update(more) {
    kept = { ...kept, ...more };
    write(KEY, kept);
  },
  // A new secret for a new session; the same one while a response may have been lost.
  sessionSecret() {
    if (!kept.sessionSecret) {
      const bytes = window.crypto.getRandomValues(new Uint8Array(32));
      const text = btoa(String.fromCharCode(...bytes));
      this.update({ sessionSecret: text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") });
    }
    return kept.sessionSecret;
  },
  close() {
    this.update({ token: null, sessionSecret: null });
  },
};

export const draft = {
  get(name) {
    return drafts[name] ?? "";
  },
  set(name, value) {
    drafts = { ...drafts, [name]: value };
    write(DRAFTS, drafts);
  },
};

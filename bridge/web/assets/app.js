// The page: the login, the bar at the top, and the routing between its parts.

import { ROOT, ask, get, html, render, speed, useEffect, useLayoutEffect, useState, whenLoggedOut, why } from "./lib.js";
import { openAdd, settle } from "./actions.js";
import { Downloads } from "./downloads.js";
import { TorBoxPill, totals } from "./overview.js";
import { Dialogs, Icon, Messages } from "./parts.js";
import { start, stop, useStore } from "./store.js";

// Parts that the first view does not need are loaded on demand.
const LATER = {
  downloads: () => import("./story.js").then((module) => module.Story),
  history: () => import("./history.js").then((module) => module.History),
  settings: () => import("./settings.js").then((module) => module.SettingsPage),
  setup: () => import("./setup.js").then((module) => module.SetupPage),
};
const TITLES = { history: "History", settings: "Settings", setup: "Set-up" };

const pathOf = () => location.pathname.slice(ROOT.pathname.length).replace(/\/+$/, "");

export const session = { password: "", username: "" }; // as entered here, for the set-up of an *arr

function App() {
  const [path, setPath] = useState(pathOf());
  const [inside, setInside] = useState(null);
  const go = (to) => {
    history.pushState({ inner: true }, "", new URL(to, ROOT));
    setPath(pathOf());
  };
  useEffect(() => {
    history.scrollRestoration = "manual";
    addEventListener("popstate", () => setPath(pathOf()));
    whenLoggedOut(() => { stop(); setInside(false); });
    enter();
  }, []);
  const enter = async () => {
    try {
      const { inside } = await get("api/bridge/session");
      setInside(inside);
      if (inside) start();
    } catch {
      setInside(null);
      setTimeout(enter, 2000);
    }
  };
  const [name, ...rest] = path.split("/");
  // The list restores its own scroll position; every other part starts at the top.
  useLayoutEffect(() => { if (path) scrollTo(0, 0); }, [path]);
  useLayoutEffect(() => {
    const title = TITLES[name];
    document.title = `${title ? `${title} · ` : ""}torbox-bridge`;
  }, [name]);
  return html`
    <${Bar} name=${name} go=${go} inside=${inside} />
    <main id="main">
      ${inside === null && html`<p class="loading-text" role="status">Loading…</p>`}
      ${inside === false && html`<${Login} enter=${enter} />`}
      ${inside && (name === "" ? html`<${Downloads} go=${go} />` : html`<${Part} key=${path} name=${name} id=${rest.join("/")} go=${go} />`)}
    </main>
    ${inside && html`<${Drop} />`}
    <${Dialogs} /><${Messages} />`;
}

function Part({ name, id, go }) {
  const [View, set] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const load = LATER[name];
    if (!load) return setProblem("There is no such page");
    load().then((found) => set(() => found), () => setProblem("This part of the page could not be loaded"));
  }, []);
  if (problem) return html`<p class="notice bad" role="alert">${problem}</p>`;
  return View ? html`<${View} id=${id} go=${go} session=${session} />` : html`<p class="loading-text" role="status">Loading…</p>`;
}

function Bar({ name, go, inside }) {
  const { overview } = useStore();
  const { fetching } = totals();
  const tab = (to, icon, text, here) => html`
    <a href=${new URL(to, ROOT).href} aria-current=${here ? "page" : undefined}
      onClick=${(event) => { if (event.ctrlKey || event.metaKey || event.shiftKey) return; event.preventDefault(); go(to); }}>
      <${Icon} name=${icon} /><span>${text}</span></a>`;
  const leave = async () => {
    try {
      await settle();
      await ask("api/v2/auth/logout", { method: "POST" });
    } finally {
      location.assign(ROOT);
    }
  };
  return html`
    <header class="top">
      <a class="skip" href="#main">Skip to the content</a>
      <a class="brand" href=${ROOT.href} onClick=${(event) => { event.preventDefault(); go(""); }}>
        <svg class="logo" viewBox="0 0 16 16" aria-hidden="true"><path d="M1 12h14M3 12V7a5 5 0 0 1 10 0v5M8 12V2" /></svg>
        <b>torbox-bridge</b><small>${overview ? overview.version : ""}</small></a>
      ${inside && html`
        <nav aria-label="Pages">
          ${tab("", "list", "Downloads", name === "" || name === "downloads")}
          ${tab("history", "clock", "History", name === "history")}
          ${tab("settings", "gear", "Settings", name === "settings" || name === "setup")}
        </nav>
        <div class="facts">
          ${fetching > 0 && html`<span class="now" title="Speed of all fetches">↓ ${speed(fetching)}</span>`}
          <${TorBoxPill} />
          <button type="button" class="button plain" onClick=${leave} title="Log out" aria-label="Log out"><${Icon} name="leave" /><span class="wide-only">Log out</span></button>
        </div>`}
    </header>`;
}

function Login({ enter }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const go = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setBusy(true);
    setProblem("");
    try {
      const told = await ask("api/v2/auth/login", { method: "POST", body: new URLSearchParams(form) });
      if (told.trim() === "Fails.") setProblem("Username or password is wrong");
      else {
        session.username = form.get("username");
        session.password = form.get("password");
        await enter();
      }
    } catch (error) {
      setProblem(error.status === 403 ? "Too many failed logins from your address. Try again in an hour, or restart the bridge" : why(error));
    }
    setBusy(false);
  };
  return html`
    <form class="card login" method="post" action=${new URL("api/v2/auth/login", ROOT).href} onSubmit=${go}>
      <h1>Log in</h1>
      <p class="faint">The first start has printed username and password into the log, unless <code>server.password</code> is set.</p>
      <div class="field"><label for="username">Username</label>
        <input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck=${false} required autofocus /></div>
      <div class="field"><label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required /></div>
      <p class="problem" role="alert">${problem}</p>
      <button type="submit" class="button primary" disabled=${busy}>${busy ? "Logging in…" : "Log in"}</button>
    </form>`;
}

// .torrent files may be dropped anywhere on the page.
function Drop() {
  const [over, set] = useState(false);
  useEffect(() => {
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let timer = 0;
    const drag = (event) => {
      if (!hasFiles(event) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      set(true);
      clearTimeout(timer);
      timer = setTimeout(() => set(false), 300);
    };
    const drop = (event) => {
      if (!hasFiles(event) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      set(false);
      openAdd([...event.dataTransfer.files]);
    };
    addEventListener("dragover", drag);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("drop", drop);
    };
  }, []);
  return over && html`<div class="drop-all" aria-hidden="true"><p>Drop .torrent files to add them</p></div>`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);

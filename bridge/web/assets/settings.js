// Every setting with its help, its default and the source of its value.

import { get, html, post, useEffect, useMemo, useRef, useState, why } from "./lib.js";
import { CheckAgain, Findings } from "./overview.js";
import { askFirst, Button, DialogHead, Field, Help, Icon, openDialog, say } from "./parts.js";
import { syncNow, useStore } from "./store.js";

const SECTIONS = {
  torbox: "TorBox",
  delivery: "Delivery",
  policy: "Policy",
  categories: "Categories",
  failover: "Failover",
  paths: "Paths",
  server: "Server",
  qbittorrent: "qBittorrent",
  web: "Web",
  history: "History",
  log: "Log",
};
const SOURCES = { environment: "from the environment", file: "from the file", default: "default" };
export const EVENTS = {
  failed: "A download failed",
  attention: "Files are missing",
  blocked: "TorBox is blocked",
  free: "It goes on again",
  disk_full: "The disk is full",
  completed: "A download completed",
};

const complain = (problems) => { if (problems.length) say(problems.join("\n"), { kind: "bad" }); };

async function waitForRestart() {
  // The bridge stops within seconds and starts again; until then requests fail.
  await new Promise((done) => setTimeout(done, 1200));
  for (let turn = 0; turn < 40; turn += 1) {
    try {
      const response = await fetch(new URL("../healthz", import.meta.url), { cache: "no-store", signal: AbortSignal.timeout(2000) });
      if (response.ok) return true;
    } catch {
      // not back yet
    }
    await new Promise((done) => setTimeout(done, 500));
  }
  return false;
}

export async function restart() {
  try {
    await post("api/bridge/restart");
  } catch (error) {
    say(why(error), { kind: "bad" });
    return false;
  }
  say("The bridge restarts with the new settings…", { stay: true });
  const back = await waitForRestart();
  if (back) location.reload();
  else say("The bridge has not come back at this address. Its log says why", { kind: "bad", stay: true });
  return back;
}

export function SettingsPage({ go }) {
  const [page, set] = useState(null);
  const [changes, setChanges] = useState({});
  const [problems, setProblems] = useState([]);
  const [restartDue, setRestartDue] = useState(false);
  const [text, setText] = useState("");
  const { check, overview } = useStore();
  const read = async () => {
    try {
      set(await get("api/bridge/settings"));
    } catch (error) {
      setProblems([why(error)]);
    }
  };
  useEffect(() => { read(); }, []);
  useEffect(() => {
    if (!Object.keys(changes).length) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changes]);
  const sections = useMemo(() => {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Map();
    for (const setting of page?.settings ?? []) {
      if (!terms.every((term) => `${setting.key} ${setting.help}`.toLowerCase().includes(term))) continue;
      const name = setting.key.split(".")[0];
      found.set(name, [...(found.get(name) ?? []), setting]);
    }
    return [...found].sort(([a], [b]) => Object.keys(SECTIONS).indexOf(a) - Object.keys(SECTIONS).indexOf(b));
  }, [page, text]);
  if (!page) return html`<h1>Settings</h1>${problems.length ? html`<p class="notice bad" role="alert">${problems[0]}</p>` : html`<p class="loading-text" role="status">Loading…</p>`}`;

  const send = async (change, restarts) => {
    try {
      await post("api/bridge/settings", change);
      setProblems([]);
      if (restarts) setRestartDue(true);
      say(restarts ? "Saved. It takes effect after a restart" : "Saved, and in use");
      await read();
      setTimeout(syncNow, 1500);
      return [];
    } catch (error) {
      return why(error).split("\n");
    }
  };
  const save = async () => {
    const set = {};
    const unset = [];
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) unset.push(key);
      else set[key] = value;
    }
    const restarts = page.settings.some((one) => one.key in changes && one.restart);
    const found = await send({ set, unset }, restarts);
    setProblems(found);
    if (!found.length) setChanges({});
  };
  const change = (key, value) => setChanges((before) => {
    const after = { ...before };
    if (value === undefined) delete after[key];
    else after[key] = value;
    return after;
  });
  const number = Object.keys(changes).length;
  const names = [...sections.map(([name]) => name)];
  return html`
    <h1>Settings</h1>
    ${page.problem && html`<p class="notice warn"><${Icon} name="warn" /><span>${page.problem}</span></p>`}
    ${(restartDue || overview?.unapplied.length > 0) && html`<div class="notice info"><${Icon} name="retry" /><p>Saved settings take effect after a restart of the bridge.</p>
      ${page.can_restart ? html`<${Button} kind="primary" onClick=${restart}>Restart now<//>` : html`<span>Restart it where you started it.</span>`}</div>`}
    <div class="settings">
      <nav aria-label="Sections">
        <div class="search"><${Icon} name="search" /><input type="search" aria-label="Search settings" placeholder="Search" value=${text} onInput=${(event) => setText(event.target.value)} /></div>
        <a href="#arr">*arr</a><a href="#notify">Notifications</a>
        ${names.map((name) => html`<a href=${`#${name}`}>${SECTIONS[name] ?? name}</a>`)}
        <a href="#check">Check</a>
        <${Button} onClick=${() => go("setup")}>Set-up assistant<//>
        <p class="faint">Saved in <code>${page.path}</code>. A variable in the environment wins over the file.</p>
      </nav>
      <div class="stack">
        ${!text && html`<${ArrList} page=${page} send=${send} go=${go} /><${NotifyList} page=${page} send=${send} />`}
        ${sections.map(([name, list]) => html`
          <section class="card" key=${name} id=${name} aria-labelledby=${`${name}-title`}>
            <h2 id=${`${name}-title`}>${SECTIONS[name] ?? name}</h2>
            ${list.map((setting) => html`<${Setting} key=${setting.key} setting=${setting} changed=${changes[setting.key]} isChanged=${setting.key in changes} change=${(value) => change(setting.key, value)} writable=${page.writable} />`)}
          </section>`)}
        ${!sections.length && html`<p class="empty">No setting fits.</p>`}
        <section class="card" id="check" aria-labelledby="check-title">
          <h2 id="check-title">Check</h2>
          ${check?.findings?.length ? html`<${Findings} findings=${check.findings} />` : html`<p class="faint">The setup has not been checked yet.</p>`}
          <${CheckAgain} check=${check} />
        </section>
      </div>
    </div>
    ${number > 0 && html`
      <div class="selection" role="toolbar" aria-label="Changed settings">
        <div role="alert">${problems.length > 0 && html`<b>Nothing was saved</b><ul class="problems">${problems.map((one) => html`<li>${one}</li>`)}</ul>`}</div>
        <b>${number} changed</b>
        <${Button} onClick=${() => { setChanges({}); setProblems([]); }}>Discard<//><${Button} kind="primary" onClick=${save}>Save<//></div>`}`;
}

function Setting({ setting, changed, isChanged, change, writable }) {
  const id = `set-${setting.key}`;
  const fixed = setting.source === "environment" || !writable;
  const value = isChanged ? changed ?? "" : setting.value;
  const plain = setting.default.replaceAll("`", "").replace(/^(null|none|empty)$/, "");
  const back = isChanged ? undefined : null;
  const put = (text) => change(text === setting.value && setting.kind !== "secret" ? undefined : text === "" && setting.kind !== "text" ? null : text);
  const common = { id, disabled: fixed, "aria-describedby": `${id}-help` };
  return html`
    <div class=${`setting ${isChanged ? "changed" : ""}`}>
      <div class="what">
        <label for=${id}><code>${setting.key}</code></label>
        <p id=${`${id}-help`}><${Help} text=${setting.help} /></p>
      </div>
      <div class="value">
        ${setting.kind === "choice" || setting.kind === "switch" ? html`
          <select ...${common} value=${value} onChange=${(event) => put(event.target.value)}>
            <option value="">Default${plain ? `: ${plain}` : ""}</option>
            ${setting.choices.map((one) => html`<option value=${one}>${one}</option>`)}
            ${setting.nullable && html`<option value="null">null</option>`}
          </select>` : setting.kind === "list" || setting.kind === "yaml" ? html`
          <textarea ...${common} rows=${setting.kind === "yaml" ? 5 : 2} spellcheck=${false} value=${value} onInput=${(event) => put(event.target.value)}
            placeholder=${setting.kind === "list" ? "One a line" : "YAML"}></textarea>` : html`
          <input ...${common} type=${setting.kind === "secret" ? "password" : "text"} autocomplete=${setting.kind === "secret" ? "new-password" : "off"} spellcheck=${false}
            value=${value} placeholder=${setting.kind === "secret" ? (setting.is_set ? "Set; type to replace it" : "Not set") : plain || "Not set"}
            onInput=${(event) => put(event.target.value)} />`}
        <p class="line wrap faint">
          <span class=${`badge ${setting.source === "environment" ? "warn" : setting.source === "file" ? "busy" : ""}`}>${setting.kind === "secret" && !setting.is_set ? "not set" : SOURCES[setting.source]}</span>
          ${setting.given_by && html`<code>${setting.given_by}</code>`}
          ${plain && setting.kind !== "choice" && setting.kind !== "switch" && setting.source !== "default" && html`<span>default ${plain}</span>`}
          <span>${setting.restart ? "takes effect after a restart" : "takes effect at once"}</span>
          ${(isChanged || (setting.source === "file" && !fixed)) && html`<button type="button" class="link" onClick=${() => change(back)}>${isChanged ? "Undo" : setting.kind === "secret" ? "Remove it" : "Use the default"}</button>`}
        </p>
      </div>
    </div>`;
}

// --- the *arr -------------------------------------------------------------------------------

function ArrList({ page, send, go }) {
  const fixed = page.arr_source === "environment" || !page.writable;
  const drop = async (entry) => complain(await send({ arr: page.arr.filter((one) => one !== entry) }, true));
  const askDrop = (entry) => askFirst({
    title: `Remove ${entry.name}`, verb: "Remove", act: () => drop(entry),
    text: "The bridge forgets its API key and no longer tells it when a download fails. Its download client and its downloads stay.",
  });
  return html`
    <section class="card" id="arr" aria-labelledby="arr-title">
      <h2 id="arr-title">*arr</h2>
      <p class="faint">The bridge tells them when a download fails, so that they find another release, and checks how they are set up.${page.arr_source === "environment" ? " They come from BRIDGE_ARR." : ""}</p>
      <ul class="entries">${page.arr.map((entry) => html`
        <li><b>${entry.name}</b><span class="badge">${entry.kind}</span><code>${entry.url}</code><span class="faint">${entry.categories.join(", ") || "no category"}</span>
          ${!fixed && html`<span class="spring"></span><${Button} kind="plain" onClick=${() => openDialog(ArrDialog, { page, entry, send })}>Edit<//>
            <${Button} kind="plain danger" onClick=${() => askDrop(entry)}>Remove<//>`}</li>`)}</ul>
      ${!fixed && html`<${Button} icon="add" onClick=${() => go("setup")}>Connect an *arr<//>`}
    </section>`;
}

function ArrDialog({ page, entry, send, close }) {
  const [told, setTold] = useState("");
  const go = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const changed = {
      name: form.get("name"), kind: form.get("kind"), url: form.get("url"), api_key: form.get("api_key"),
      categories: form.get("categories").split(",").map((one) => one.trim()).filter(Boolean), key_is_set: entry.key_is_set,
    };
    // Saved keys are found by name: under a new name the saved key would be lost.
    if (changed.name !== entry.name && !changed.api_key) return setTold("With another name, enter the API key again");
    const problems = await send({ arr: page.arr.map((one) => (one === entry ? changed : one)) }, true);
    if (problems.length) setTold(problems.join("\n"));
    else close();
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title=${entry.name} close=${close} />
      <${Field} id="arr-name" label="Name"><input id="arr-name" name="name" value=${entry.name} required /><//>
      <${Field} id="arr-kind" label="Kind"><select id="arr-kind" name="kind" value=${entry.kind}>${["sonarr", "radarr", "lidarr", "readarr", "whisparr"].map((one) => html`<option value=${one}>${one}</option>`)}</select><//>
      <${Field} id="arr-url" label="URL"><input id="arr-url" name="url" value=${entry.url} required /><//>
      <${Field} id="arr-key" label="API key"><input id="arr-key" name="api_key" type="password" autocomplete="new-password" placeholder="Set; type to replace it" /><//>
      <${Field} id="arr-categories" label="Categories" hint="Several with commas"><input id="arr-categories" name="categories" value=${entry.categories.join(", ")} /><//>
      <p class="problem" role="alert">${told}</p>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary">Save</button></footer>
    </form>`;
}

// --- notifications --------------------------------------------------------------------------

function NotifyList({ page, send }) {
  const fixed = page.notify_source === "environment" || !page.writable;
  const drop = async (entry) => complain(await send({ notify: page.notify.filter((one) => one !== entry) }, true));
  const askDrop = (entry) => askFirst({
    title: `Remove ${entry.name}`, verb: "Remove", act: () => drop(entry), text: "It gets no more notifications, and its URL and token are forgotten.",
  });
  return html`
    <section class="card" id="notify" aria-labelledby="notify-title">
      <h2 id="notify-title">Notifications</h2>
      <p class="faint">To Discord, ntfy, an Apprise server or any webhook.${page.notify_source === "environment" ? " They come from BRIDGE_NOTIFY." : ""}</p>
      <ul class="entries">${page.notify.map((entry) => html`
        <li><b>${entry.name}</b><span class="badge">${entry.kind}</span><span class="faint">${entry.events.join(", ")}</span><span class="spring"></span>
          <${Button} kind="plain" onClick=${() => tryOut({ name: entry.name })}>Test<//>
          ${!fixed && html`<${Button} kind="plain" onClick=${() => openDialog(NotifyDialog, { page, entry, send })}>Edit<//><${Button} kind="plain danger" onClick=${() => askDrop(entry)}>Remove<//>`}</li>`)}</ul>
      ${!fixed && html`<${Button} icon="add" onClick=${() => openDialog(NotifyDialog, { page, send })}>Add a receiver<//>`}
    </section>`;
}

async function tryOut(receiver) {
  try {
    const told = await post("api/bridge/notify/test", receiver);
    say(told.text, { kind: told.ok ? "" : "bad" });
    return told;
  } catch (error) {
    say(why(error), { kind: "bad" });
    return { ok: false, text: why(error) };
  }
}

const HINTS = {
  discord: "https://discord.com/api/webhooks/…",
  ntfy: "https://ntfy.sh/your-topic",
  apprise: "http://apprise:8000/notify/your-key",
  json: "https://example.org/hook",
};

function NotifyDialog({ page, entry, send, close }) {
  const [kind, setKind] = useState(entry?.kind ?? "discord");
  const [told, setTold] = useState("");
  const form = useRef();
  const read = () => {
    const data = new FormData(form.current);
    return {
      name: data.get("name").trim(), kind, url: data.get("url").trim(), token: data.get("token").trim(), events: data.getAll("events"),
      url_is_set: !!entry?.url_is_set, token_is_set: !!entry?.token_is_set,
    };
  };
  const go = async (event) => {
    event.preventDefault();
    const made = read();
    if (!made.url && (!entry || entry.name !== made.name)) return setTold("Enter its URL");
    const rest = page.notify.filter((one) => one !== entry);
    if (rest.some((one) => one.name === made.name)) return setTold("There is one of this name");
    const problems = await send({ notify: [...rest, made] }, true);
    if (problems.length) setTold(problems.join("\n"));
    else close();
  };
  const test = async () => {
    const { name, url, token } = read();
    const answer = await tryOut(url ? { name, kind, url, token } : { name: entry?.name ?? name });
    setTold(answer.text);
  };
  return html`
    <form onSubmit=${go} ref=${form}>
      <${DialogHead} title=${entry ? entry.name : "Add a receiver"} close=${close} />
      <${Field} id="notify-name" label="Name"><input id="notify-name" name="name" value=${entry?.name ?? kind} required /><//>
      <${Field} id="notify-kind" label="Kind"><select id="notify-kind" value=${kind} onChange=${(event) => setKind(event.target.value)}>
        <option value="discord">Discord webhook</option><option value="ntfy">ntfy</option><option value="apprise">Apprise server</option><option value="json">Webhook (JSON)</option></select><//>
      <${Field} id="notify-url" label="URL"><input id="notify-url" name="url" type="password" autocomplete="new-password" placeholder=${entry?.url_is_set ? "Set; type to replace it" : HINTS[kind]} /><//>
      <${Field} id="notify-token" label="Token" hint="Only if it asks for one; sent as Authorization: Bearer"><input id="notify-token" name="token" type="password" autocomplete="new-password" placeholder=${entry?.token_is_set ? "Set; type to replace it" : ""} /><//>
      <fieldset><legend>Tell it</legend>${Object.entries(EVENTS).map(([name, text]) => html`
        <label class="tick"><input type="checkbox" name="events" value=${name} checked=${entry ? entry.events.includes(name) : name !== "completed"} /><span>${text}</span></label>`)}</fieldset>
      <p class="problem" role="alert">${told}</p>
      <footer><${Button} onClick=${test}>Send a test<//><span class="spring"></span><${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary">Save</button></footer>
    </form>`;
}

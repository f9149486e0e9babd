// The set-up assistant: TorBox's key, each *arr, and its download client.

import { ROOT, get, html, post, useEffect, useState, why } from "./lib.js";
import { restart } from "./settings.js";
import { Button, Field, Icon, say } from "./parts.js";
import { readCheck, syncNow, useStore } from "./store.js";

const USUAL = { sonarr: ["tv-sonarr", 8989], radarr: ["radarr", 7878], lidarr: ["lidarr", 8686], readarr: ["readarr", 8787], whisparr: ["whisparr", 6969] };

export function SetupPage({ go, session }) {
  const [page, set] = useState(null);
  const [problem, setProblem] = useState("");
  const [saved, setSaved] = useState(false);
  const { overview } = useStore();
  const restartDue = saved || overview?.unapplied.includes("arr");
  const read = async () => {
    try {
      set(await get("api/bridge/settings"));
    } catch (error) {
      setProblem(why(error));
    }
  };
  useEffect(() => { read(); }, []);
  if (!page) return html`<h1>Set-up</h1>${problem ? html`<p class="notice bad" role="alert">${problem}</p>` : html`<p class="loading-text" role="status">Loading…</p>`}`;
  const value = (key) => page.settings.find((one) => one.key === key);
  return html`
    <h1>Set-up</h1>
    ${page.problem && html`<p class="notice warn"><${Icon} name="warn" /><span>${page.problem}</span></p>`}
    <div class="steps">
      <${TorBoxStep} setting=${value("torbox.api_key")} read=${read} writable=${page.writable} />
      <${ArrStep} page=${page} value=${value} read=${read} session=${session} saved=${() => setSaved(true)} />
      <section class="card" aria-labelledby="done-title">
        <h2 id="done-title"><span class="step">3</span>Start</h2>
        ${restartDue ? html`
          <p>The *arr is saved and takes effect after a restart of the bridge.</p>
          <p>${page.can_restart ? html`<${Button} kind="primary" icon="retry" onClick=${restart}>Restart now<//>` : "Restart it where you started it."}</p>` : html`
          <p class="faint">Grab something in your *arr: it appears on the page within a minute.</p>`}
        <p><${Button} onClick=${() => go("")}>To the downloads<//></p>
      </section>
    </div>`;
}

function TorBoxStep({ setting, read, writable }) {
  const { overview } = useStore();
  const [told, setTold] = useState(null);
  const [busy, setBusy] = useState(false);
  const fixed = setting.source === "environment" || !writable;
  const connected = overview?.torbox.state === "ok";
  const go = async (event) => {
    event.preventDefault();
    const key = new FormData(event.target).get("key").trim();
    setBusy(true);
    setTold(null);
    try {
      const answer = await post("api/bridge/setup/torbox", { api_key: key }, { patience: 60000 });
      if (answer.ok) {
        await post("api/bridge/settings", { set: { "torbox.api_key": key } });
        event.target.reset();
        await read();
        setTimeout(syncNow, 1500);
        setTimeout(readCheck, 1500);
      }
      setTold(answer);
    } catch (error) {
      setTold({ ok: false, text: why(error) });
    }
    setBusy(false);
  };
  return html`
    <section class="card" aria-labelledby="torbox-title">
      <h2 id="torbox-title"><span class="step">1</span>TorBox</h2>
      <p>${setting.is_set ? html`<span class=${`badge ${connected ? "good" : "warn"}`}>${connected ? "connected" : "key is set"}</span> A key is set${setting.source === "environment" ? html` by <code>${setting.given_by}</code>` : ""}.` : html`You find your API key on <a href="https://torbox.app/settings" rel="noreferrer" target="_blank">torbox.app/settings</a>.`}</p>
      ${!fixed && html`
        <form onSubmit=${go}>
          <${Field} id="setup-key" label=${setting.is_set ? "Another API key" : "TorBox API key"}>
            <input id="setup-key" name="key" type="password" autocomplete="off" spellcheck=${false} required /><//>
          <${Told} told=${told} />
          <button type="submit" class="button primary" disabled=${busy}>${busy ? "Asking TorBox…" : "Test and save"}</button>
        </form>`}
    </section>`;
}

// What is saved is asked only after a restart.
function Reached({ name }) {
  const { overview } = useStore();
  const arr = overview?.arrs.find((one) => one.name === name);
  if (!arr) return html`<span class="badge">saved</span>`;
  return arr.reachable === false ? html`<span class="badge bad">does not answer</span>` : html`<span class="badge good">connected</span>`;
}

const Told = ({ told }) => html`
  <div role="status">${told && html`<p class=${`notice ${told.ok ? "good" : "bad"}`}><${Icon} name=${told.ok ? "good" : "bad"} /><span>${told.text}${(told.complaints ?? []).map((one) => html`<br />${one}`)}</span></p>`}</div>`;

function ArrStep({ page, value, read, session, saved }) {
  const [form, setForm] = useState({ url: "", api_key: "" });
  const [test, setTest] = useState(null);
  const [client, setClient] = useState(null);
  const [told, setTold] = useState(null);
  const [busy, setBusy] = useState("");
  const setting = (key) => value(key).value || value(key).default.replaceAll("`", "").replace(/^(empty|null)$/, "");
  const fixed = page.arr_source === "environment" || !page.writable;
  const field = (name) => ({ value: form[name], onInput: (event) => { setForm({ ...form, [name]: event.target.value }); setTest(null); } });
  const part = (name) => ({ value: client[name], onInput: (event) => setClient({ ...client, [name]: event.target.value }) });

  const identify = async (event) => {
    event.preventDefault();
    setBusy("test");
    setTold(null);
    try {
      const answer = await post("api/bridge/setup/arr", { url: form.url.trim().replace(/\/+$/, ""), api_key: form.api_key.trim() }, { patience: 90000 });
      setTest(answer);
      if (answer.ok) {
        const taken = new Set(page.arr.map((one) => one.name));
        let name = answer.kind;
        for (let number = 2; taken.has(name); number += 1) name = `${answer.kind}${number}`;
        setClient({
          entry: name, name: "TorBox", host: location.hostname, port: location.port || (location.protocol === "https:" ? "443" : "80"), use_ssl: location.protocol === "https:",
          url_base: ROOT.pathname.replace(/\/$/, ""), username: session.username || setting("server.username"), password: session.password,
          category: (USUAL[answer.kind] ?? [answer.kind])[0], tags: "",
        });
      }
    } catch (error) {
      setTest({ ok: false, text: why(error) });
    }
    setBusy("");
  };

  const save = async () => {
    const url = form.url.trim().replace(/\/+$/, "");
    const entry = { name: client.entry, kind: test.kind, url, api_key: form.api_key.trim(), categories: [client.category.trim()].filter(Boolean) };
    const arr = [...page.arr.filter((one) => one.name !== entry.name), entry];
    await post("api/bridge/settings", { arr });
    saved();
    await read();
  };
  const create = async () => {
    setBusy("create");
    setTold(null);
    try {
      const answer = await post("api/bridge/setup/client", {
        kind: test.kind, url: form.url.trim().replace(/\/+$/, ""), api_key: form.api_key.trim(), host: client.host.trim(), port: Number(client.port),
        use_ssl: client.use_ssl, url_base: client.url_base, username: client.username, password: client.password, category: client.category.trim(), name: client.name.trim(),
        tags: client.tags.split(",").map((one) => one.trim()).filter(Boolean),
      }, { patience: 120000 });
      setTold(answer);
      if (answer.ok) {
        await save();
        say(`${client.entry} has its download client`);
        setForm({ url: "", api_key: "" });
        setTest(null);
      }
    } catch (error) {
      setTold({ ok: false, text: why(error) });
    }
    setBusy("");
  };
  const only = async () => {
    setBusy("save");
    try {
      await save();
      setTold({ ok: true, text: "Saved. Enter the values below in its Settings > Download Clients" });
    } catch (error) {
      setTold({ ok: false, text: why(error) });
    }
    setBusy("");
  };
  return html`
    <section class="card" aria-labelledby="arrs-title">
      <h2 id="arrs-title"><span class="step">2</span>Your *arr</h2>
      <p class="faint">Sonarr, Radarr, Lidarr, Readarr or Whisparr. The API key is in its Settings > General.</p>
      ${page.arr.length > 0 && html`<ul class="entries">${page.arr.map((one) => html`<li><${Reached} name=${one.name} /><b>${one.name}</b><code>${one.url}</code><span class="faint">${one.categories.join(", ")}</span></li>`)}</ul>`}
      ${fixed && page.arr_source === "environment" && html`<p>They come from <code>BRIDGE_ARR</code>.</p>`}
      <form onSubmit=${identify}>
        <div class="grid two-columns">
          <${Field} id="arr-url" label="URL"><input id="arr-url" ...${field("url")} placeholder="http://sonarr:8989" spellcheck=${false} required /><//>
          <${Field} id="arr-key" label="API key"><input id="arr-key" type="password" autocomplete="off" ...${field("api_key")} spellcheck=${false} required /><//>
        </div>
        ${!test?.ok && html`<${Told} told=${test} />`}
        <button type="submit" class="button" disabled=${busy === "test"}>${busy === "test" ? "Asking it…" : "Test"}</button>
      </form>
      ${test?.ok && client && html`
        <${Told} told=${test} />
        <h3>The download client there</h3>
        <p class="faint">The bridge as ${test.kind} reaches it: between containers its service name, not localhost.</p>
        <div class="grid two-columns">
          <${Field} id="client-host" label="Host"><input id="client-host" ...${part("host")} /><//>
          <${Field} id="client-port" label="Port"><input id="client-port" inputmode="numeric" ...${part("port")} /><//>
          <${Field} id="client-username" label="Username"><input id="client-username" ...${part("username")} autocomplete="off" /><//>
          <${Field} id="client-password" label="Password" hint="The one you log in with here"><input id="client-password" type="password" ...${part("password")} autocomplete="off" /><//>
          <${Field} id="client-category" label="Category"><input id="client-category" ...${part("category")} /><//>
          <${Field} id="client-tags" label="Tags in the *arr" hint="Optional: only releases with one of these tags are sent here"><input id="client-tags" ...${part("tags")} /><//>
          <${Field} id="client-name" label="Name of the client"><input id="client-name" ...${part("name")} /><//>
          <${Field} id="client-entry" label="Name of the *arr here"><input id="client-entry" ...${part("entry")} /><//>
        </div>
        <div class="line wrap">
          <${Button} kind="primary" disabled=${!!busy} onClick=${create}>${busy === "create" ? "It tests the bridge…" : "Create it there, and save"}<//>
          ${!fixed && html`<${Button} disabled=${!!busy} onClick=${only}>Save only; I enter it by hand<//>`}
        </div>
        <${ByHand} client=${client} />`}
      <${Told} told=${told} />
    </section>`;
}

const ByHand = ({ client }) => html`
  <details><summary>To enter it by hand</summary>
    <p>Settings > Download Clients > + > qBittorrent:</p>
    <dl>
      <dt>Name</dt><dd>${client.name}</dd><dt>Host</dt><dd>${client.host}</dd><dt>Port</dt><dd>${client.port}</dd>
      <dt>Use SSL</dt><dd>${client.use_ssl ? "on" : "off"}</dd><dt>URL Base</dt><dd>${client.url_base || "empty"}</dd>
      <dt>Username</dt><dd>${client.username}</dd><dt>Password</dt><dd>the one you log in with here</dd><dt>Category</dt><dd>${client.category}</dd>
      <dt>Post-Import Category</dt><dd>empty</dd><dt>Remove Completed</dt><dd>on</dd><dt>Remove Failed</dt><dd>on</dd>
    </dl>
  </details>`;

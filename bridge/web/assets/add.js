// The dialogs that add magnets, links and .torrent files, and adopt torrents of the TorBox account.

import { base64, bytes, count, get, html, post, useEffect, useRef, useState, why } from "./lib.js";
import { short, tagsOf, useChoices } from "./actions.js";
import { Button, DialogHead, Field, Icon, openDialog, say } from "./parts.js";
import { state, syncNow } from "./store.js";

export const add = (files = []) => openDialog(AddDialog, { files, wide: true });
export const adopt = () => openDialog(AdoptDialog, { wide: true });

const MOST_FILES = 500; // shown in a dialog

const pathOf = (choices, name) => {
  const known = choices.categories.find((one) => one.name === name);
  return name ? known?.path ?? "A new category is made" : choices.save_path;
};

const sourceOf = (file) => ({ key: `file ${file.name} ${file.size}`, name: file.name, file });
const linksIn = (text) => [...new Set(text.split(/\s+/).filter(Boolean))];

function AddDialog({ files, close }) {
  const choices = useChoices();
  const [text, setText] = useState("");
  const [given, setGiven] = useState(files.map(sourceOf));
  const [options, setOptions] = useState({ category: "", tags: "", paused: false, force: false, to_top: false, content_layout: "Original" });
  const [previews, setPreviews] = useState({});
  const [problems, setProblems] = useState([]);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const picker = useRef();
  const sources = [...linksIn(text).map((link) => ({ key: link, name: link, link })), ...given];
  const set = (name) => (event) => setOptions({ ...options, [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value });
  const take = (list) => setGiven((before) => {
    const there = new Set(before.map((one) => one.key));
    return [...before, ...[...list].map(sourceOf).filter((one) => !there.has(one.key))];
  });

  const preview = async (source) => {
    setPreviews((before) => ({ ...before, [source.key]: { loading: true, skip: new Set() } }));
    try {
      const body = source.file ? { torrent: await base64(source.file) } : { magnet: source.link };
      const told = await post("api/bridge/preview", body, { patience: 60000 });
      setPreviews((before) => ({ ...before, [source.key]: { ...told, skip: new Set() } }));
    } catch (error) {
      setPreviews((before) => ({ ...before, [source.key]: { text: why(error), files: [], skip: new Set() } }));
    }
  };
  const choose = (key, skip) => setPreviews((before) => ({ ...before, [key]: { ...before[key], skip } }));

  const go = async (event) => {
    event.preventDefault();
    if (!sources.length) return setProblems(["Enter a magnet or a URL, or choose a .torrent file"]);
    setBusy(true);
    try {
      const skipped = (source) => [...(previews[source.key]?.skip ?? [])];
      const torrents = [];
      for (const source of given) torrents.push({ name: source.name, data: await base64(source.file), skip: skipped(source) });
      const links = sources.filter((one) => one.link).map((one) => ({ link: one.link, skip: skipped(one) }));
      const told = await post("api/bridge/add", { links, torrents, ...options, tags: tagsOf(options.tags) }, { patience: 120000 });
      await syncNow();
      const bad = told.filter((one) => one.result === "refused");
      const good = told.length - bad.length;
      const there = told.filter((one) => one.result === "known").length;
      const pending = told.filter((one) => one.result === "pending").length;
      if (good) say([`${count(good - there - pending, "download")} added`, there && `${there} ${there === 1 ? "was" : "were"} there already`, pending && `${count(pending, "link")} being followed`].filter(Boolean).join(", "));
      if (!bad.length) return close();
      setProblems(bad.map((one) => `${short(one.source)}: ${one.why}`));
      setText(sources.filter((one) => one.link && bad.some((row) => row.source === one.link)).map((one) => one.link).join("\n"));
      setGiven(given.filter((one) => bad.some((row) => row.source === one.name)));
    } catch (error) {
      setProblems([why(error)]);
    } finally {
      setBusy(false);
    }
  };

  return html`
    <form onSubmit=${go} class=${over ? "over" : ""}
      onDragOver=${(event) => { event.preventDefault(); event.stopPropagation(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${(event) => { event.preventDefault(); event.stopPropagation(); setOver(false); take(event.dataTransfer.files); }}>
      <${DialogHead} title="Add downloads" close=${close} />
      <${Field} id="add-links" label="Magnets, info-hashes or URLs of .torrent files, one per line">
        <textarea id="add-links" rows="3" value=${text} onInput=${(event) => setText(event.target.value)} spellcheck=${false} autofocus placeholder="magnet:?xt=urn:btih:…"></textarea>
      <//>
      <div class="drop">
        <${Button} icon="file" onClick=${() => picker.current.click()}>Choose .torrent files<//>
        <span class="faint">or drop them here</span>
        <span class="spring"></span>
        <${Button} icon="cloud" kind="plain" onClick=${() => { close(); adopt(); }}>Adopt from TorBox…<//>
        <input type="file" ref=${picker} accept=".torrent,application/x-bittorrent" multiple hidden aria-label="Torrent files" onChange=${(event) => { take(event.target.files); event.target.value = ""; }} />
      </div>
      ${sources.length > 0 && html`
        <ul class="sources" aria-label="To be added">
          ${sources.map((source) => html`<${Source} key=${source.key} source=${source} preview=${previews[source.key]}
            look=${() => preview(source)} choose=${(skip) => choose(source.key, skip)}
            drop=${source.file && (() => setGiven(given.filter((one) => one !== source)))} />`)}
        </ul>`}
      <div class="grid">
        <${Field} id="add-category" label="Category" hint=${pathOf(choices, options.category)}>
          <input id="add-category" list="add-categories" value=${options.category} onInput=${set("category")} autocomplete="off" placeholder="None" aria-describedby="add-category-hint" />
        <//>
        <${Field} id="add-tags" label="Tags" hint="Several with commas"><input id="add-tags" value=${options.tags} onInput=${set("tags")} autocomplete="off" /><//>
        <${Field} id="add-layout" label="Content layout">
          <select id="add-layout" value=${options.content_layout} onChange=${set("content_layout")}>
            <option value="Original">Original</option><option value="Subfolder">Always a subfolder</option><option value="NoSubfolder">No subfolder</option>
          </select><//>
      </div>
      <datalist id="add-categories">${choices.categories.map((one) => html`<option value=${one.name} />`)}</datalist>
      <div class="ticks">
        <label class="tick"><input type="checkbox" checked=${options.paused} onChange=${set("paused")} /><span>Add paused</span></label>
        <label class="tick"><input type="checkbox" checked=${options.to_top} onChange=${set("to_top")} /><span>To the top of the queue</span></label>
        <label class="tick"><input type="checkbox" checked=${options.force} onChange=${set("force")} /><span>Force</span></label>
      </div>
      <div role="alert">${problems.length > 0 && html`<ul class="problems">${problems.map((one) => html`<li>${one}</li>`)}</ul>`}</div>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary" disabled=${busy}>${busy ? "Adding…" : sources.length > 1 ? `Add ${sources.length}` : "Add"}</button></footer>
    </form>`;
}

function Source({ source, preview, look, choose, drop }) {
  const canLook = source.file || !/^https?:/i.test(source.link);
  return html`
    <li>
      <div class="line"><${Icon} name=${source.file ? "file" : "link"} /><span class="name" title=${source.name}>${preview?.name ?? source.name}</span>
        ${preview?.cached && html`<span class="badge good">cached</span>`}
        ${preview?.size > 0 && html`<span class="faint">${bytes(preview.size)}</span>`}
        ${canLook && !preview && html`<${Button} kind="plain" onClick=${look}>Show files<//>`}
        ${drop && html`<button type="button" class="button plain square" aria-label=${`Do not add ${source.name}`} onClick=${drop}><${Icon} name="close" /></button>`}
      </div>
      ${preview?.loading && html`<p class="faint">Asking TorBox…</p>`}
      ${preview?.text && html`<p class="faint">${preview.text}</p>`}
      ${preview?.files?.length > 0 && html`<${FileTicks} preview=${preview} choose=${choose} />`}
    </li>`;
}

function FileTicks({ preview, choose }) {
  const turn = (index) => {
    const skip = new Set(preview.skip);
    if (!skip.delete(index)) skip.add(index);
    choose(skip);
  };
  const all = preview.skip.size === 0;
  const wanted = preview.files.filter((file) => !preview.skip.has(file.index));
  return html`
    <div class="file-ticks" tabindex="0" role="group" aria-label="Files">
      <label class="tick"><input type="checkbox" checked=${all} onChange=${() => choose(all ? new Set(preview.files.map((file) => file.index)) : new Set())} />
        <span><b>${wanted.length} of ${count(preview.files.length, "file")}</b>, ${bytes(wanted.reduce((sum, file) => sum + file.size, 0))}</span></label>
      ${preview.files.slice(0, MOST_FILES).map((file) => html`
        <label class="tick"><input type="checkbox" checked=${!preview.skip.has(file.index)} onChange=${() => turn(file.index)} />
          <span class="name">${file.name}</span><span class="faint">${bytes(file.size)}</span></label>`)}
      ${preview.files.length > MOST_FILES && html`<p class="faint">and ${preview.files.length - MOST_FILES} more</p>`}
    </div>`;
}

// --- adopting: what is on the account and was not added by the bridge ---------------------------

function AdoptDialog({ close }) {
  const choices = useChoices();
  const [items, setItems] = useState(null);
  const [chosen, setChosen] = useState(() => new Set());
  const [text, setText] = useState("");
  const [category, setCategory] = useState("");
  const [problems, setProblems] = useState([]);
  const [busy, setBusy] = useState(false);
  const read = async () => {
    try {
      setItems(await get("api/bridge/account", { patience: 60000 }));
    } catch (error) {
      setProblems([why(error)]);
    }
  };
  useEffect(() => { read(); }, []);
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (items ?? []).filter((one) => terms.every((term) => one.name.toLowerCase().includes(term)));
  const wanted = (items ?? []).filter((one) => chosen.has(one.hash));
  const size = wanted.reduce((sum, one) => sum + one.size, 0);
  const free = Math.min(...(state.overview?.disks ?? []).map((disk) => disk.free));
  const all = shown.length > 0 && shown.every((one) => chosen.has(one.hash));
  const turn = (hash) => {
    const after = new Set(chosen);
    if (!after.delete(hash)) after.add(hash);
    setChosen(after);
  };
  const turnAll = () => {
    const after = new Set(chosen);
    for (const one of shown) if (all) after.delete(one.hash); else after.add(one.hash);
    setChosen(after);
  };
  const go = async (event) => {
    event.preventDefault();
    if (!wanted.length) return setProblems(["Choose what the bridge adopts"]);
    setBusy(true);
    setProblems([]);
    try {
      const told = await post("api/bridge/account", { hashes: wanted.map((one) => one.hash), category: category.trim() }, { patience: 120000 });
      await syncNow();
      const names = new Map(wanted.map((one) => [one.hash, one.name]));
      const bad = Object.entries(told).filter(([, one]) => one.result === "refused");
      const good = Object.keys(told).length - bad.length;
      if (good) say(`${count(good, "download")} adopted`);
      if (!bad.length) return close();
      setProblems(bad.map(([hash, one]) => `${short(names.get(hash) ?? hash)}: ${one.why}`));
      setChosen(new Set(bad.map(([hash]) => hash)));
      await read();
    } catch (error) {
      setProblems([why(error)]);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title="Adopt from TorBox" close=${close} />
      <p class="faint">Torrents on your TorBox account that the bridge did not add. It fetches the ones that you choose and shows them like its own. It never deletes them at TorBox, unless <code>policy.remove_from_torbox</code> is <code>always</code>.</p>
      ${!items && !problems.length && html`<p class="loading-text" role="status">Asking TorBox…</p>`}
      ${items && !items.length && html`<p class="empty" role="status">There is nothing on your account that the bridge does not have.</p>`}
      ${items?.length > 0 && html`
        ${items.length > 8 && html`<div class="search"><${Icon} name="search" /><input type="search" aria-label="Search the account" placeholder="Search names" value=${text} onInput=${(event) => setText(event.target.value)} /></div>`}
        <div class="file-ticks tall" tabindex="0" role="group" aria-label="On your account">
          <label class="tick"><input type="checkbox" checked=${all} disabled=${!shown.length} onChange=${turnAll} /><span><b>${terms.length ? "All that fit" : "All"}</b> <span class="faint">${count(shown.length, "torrent")}, ${bytes(shown.reduce((sum, one) => sum + one.size, 0))}</span></span></label>
          ${shown.slice(0, MOST_FILES).map((one) => html`
            <label class="tick" key=${one.hash}><input type="checkbox" checked=${chosen.has(one.hash)} onChange=${() => turn(one.hash)} />
              <span class="name" title=${one.name}>${one.name}</span>
              <span class=${`badge ${one.ready ? "good" : ""}`}>${one.ready ? "ready" : `${one.state}, ${Math.round(one.progress * 100)} %`}</span><span class="faint">${bytes(one.size)}</span></label>`)}
          ${shown.length > MOST_FILES && html`<p class="faint">and ${shown.length - MOST_FILES} more: search to see them</p>`}
        </div>
        <${Field} id="adopt-category" label="Category" hint=${`${pathOf(choices, category.trim())}${category.trim() ? "" : ". Without a category no *arr sees them"}`}>
          <input id="adopt-category" list="adopt-categories" value=${category} onInput=${(event) => setCategory(event.target.value)} autocomplete="off" placeholder="None" aria-describedby="adopt-category-hint" />
        <//>
        <datalist id="adopt-categories">${choices.categories.map((one) => html`<option value=${one.name} />`)}</datalist>`}
      <div role="alert">${problems.length > 0 && html`<ul class="problems">${problems.map((one) => html`<li>${one}</li>`)}</ul>`}</div>
      <footer>${wanted.length > 0 && html`<span class=${size > free ? "warn-text" : "faint"}>${bytes(size)}${Number.isFinite(free) ? `, ${bytes(free)} free on disk` : ""}</span><span class="spring"></span>`}
        <${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary" disabled=${busy || !items?.length}>${busy ? "Adopting…" : wanted.length > 1 ? `Adopt ${wanted.length}` : "Adopt"}</button></footer>
    </form>`;
}

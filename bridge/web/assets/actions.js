// The actions on downloads, and the dialogs that ask for confirmation before a removal.

import { base64, bytes, count, get, html, post, useEffect, useMemo, useRef, useState, why } from "./lib.js";
import { Button, DialogHead, Field, Icon, openDialog, say } from "./parts.js";
import { rows, state, syncNow } from "./store.js";

const DONE = {
  pause: "paused",
  resume: "resumed",
  force: "forced",
  unforce: "no longer forced",
  recheck: "being rechecked",
  retry: "being retried",
  top: "moved to the top",
  bottom: "moved to the end",
  up: "moved up",
  down: "moved down",
  category: "moved to the category",
  add_tags: "tagged",
  remove_tags: "untagged",
  remove: "removed",
  fail: "reported as failed",
};
const INVERSE = { pause: "resume", resume: "pause", force: "unforce", up: "down", add_tags: "remove_tags", remove_tags: "add_tags" };

const known = (ids) => ids.map((id) => rows.get(id)).filter(Boolean);

export async function act(action, ids, more = {}, { undo = true } = {}) {
  if (!ids.length) return null;
  const before = known(ids);
  try {
    const told = await post("api/bridge/actions", { action, ids, ...more }, { patience: 600000 });
    await syncNow();
    const [first] = told.refused;
    const refused = told.refused.length;
    const done = `${told.done === 1 && before.length === 1 ? short(before[0].name) : count(told.done, "download")} ${DONE[action]}`;
    if (!told.done && first) say(refused === 1 ? first.why : `Not done for ${refused}: ${first.why}`, { kind: "bad" });
    else say(refused ? `${done}; not done for ${refused}: ${first.why}` : done, { undo: undo && told.done ? undoOf(action, before, more) : undefined });
    return told;
  } catch (error) {
    say(why(error), { kind: "bad" });
    return null;
  }
}

function undoOf(action, before, more) {
  const ids = before.map((row) => row.id);
  const quiet = { undo: false };
  if (action === "category") {
    return async () => {
      const old = grouped(before);
      for (const [category, list] of old) await act("category", list.map((row) => row.id), { category }, quiet);
    };
  }
  if (action === "add_tags") {
    // Undo must not remove the tag from rows that had it before.
    return async () => {
      for (const row of before) {
        const added = more.tags.filter((tag) => !(row.tags ?? []).includes(tag));
        if (added.length) await act("remove_tags", [row.id], { tags: added }, quiet);
      }
    };
  }
  return INVERSE[action] ? () => act(INVERSE[action], ids, more, quiet) : undefined;
}

function grouped(list) {
  const found = new Map();
  for (const row of list) found.set(row.category ?? "", [...(found.get(row.category ?? "") ?? []), row]);
  return found;
}

export const short = (name) => (name.length > 48 ? `${name.slice(0, 46)}…` : name);
const named = (list) => (list.length === 1 ? `“${short(list[0].name)}”` : count(list.length, "download"));

// The menu of the actions that apply to these rows.
export function itemsFor(list) {
  const ids = list.map((row) => row.id);
  const any = (...groups) => list.some((row) => groups.includes(row.group));
  const live = any("fetching", "torbox", "waiting", "paused");
  const running = any("fetching", "torbox", "waiting");
  const arrs = state.overview?.arrs ?? [];
  const told = list.some((row) => arrs.some((arr) => arr.categories.includes(row.category)));
  const forced = list.length && list.every((row) => row.forced);
  return [
    running && { icon: "pause", text: "Pause", act: () => act("pause", ids) },
    any("paused") && { icon: "play", text: "Resume", act: () => act("resume", ids) },
    (any("failed") || running) && { icon: "retry", text: any("failed") ? "Retry" : "Try now", act: () => act("retry", ids) },
    live && { icon: "bolt", text: forced ? "Do not force" : "Force", act: () => act(forced ? "unforce" : "force", ids) },
    live && { icon: "top", text: "Move to the top", act: () => act("top", ids) },
    live && { icon: "up", text: "Move up", act: () => act("up", ids) },
    any("completed", "seeding", "torbox", "failed") && { icon: "check", text: "Recheck", act: () => act("recheck", ids) },
    { icon: "folder", text: "Category…", act: () => openDialog(CategoryDialog, { list }) },
    { icon: "tag", text: "Tags…", act: () => openDialog(TagsDialog, { list }) },
    told && (live || any("failed")) && { icon: "flag", text: "Tell the *arr it failed…", kind: "danger", act: () => openDialog(FailDialog, { list }) },
    { icon: "trash", text: "Remove…", kind: "danger", act: () => openDialog(RemoveDialog, { list }) },
  ].filter(Boolean);
}

export const askRemove = (list, after) => openDialog(RemoveDialog, { list, after });

// --- dialogs --------------------------------------------------------------------------------

function RemoveDialog({ list, close, after }) {
  const [files, setFiles] = useState(true);
  const [torbox, setTorbox] = useState("settings");
  const size = list.reduce((sum, row) => sum + (row.completed ? row.size ?? 0 : 0), 0);
  const go = async (event) => {
    event.preventDefault();
    close();
    const told = await act("remove", list.map((row) => row.id), { delete_files: files, at_torbox: torbox });
    if (told?.done) after?.();
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title=${`Remove ${count(list.length, "download")}`} close=${close} />
      <p>${named(list)} ${list.length === 1 ? "leaves" : "leave"} the list. This cannot be undone.</p>
      <label class="tick"><input type="checkbox" checked=${files} onChange=${(event) => setFiles(event.target.checked)} />
        <span>Delete the files on disk${size ? ` (${bytes(size)})` : ""}<small>What an *arr has imported as a hard link or a copy stays in its library.</small></span></label>
      <fieldset><legend>At TorBox</legend>
        ${[
          ["settings", "As the settings say", "policy.remove_from_torbox: by default what the bridge has added is deleted"],
          ["yes", "Delete it there", "Also if you added it there yourself"],
          ["no", "Keep it there", "It stays on your account and may hold a slot"],
        ].map(([value, text, hint]) => html`
          <label class="tick"><input type="radio" name="torbox" value=${value} checked=${torbox === value} onChange=${() => setTorbox(value)} />
            <span>${text}<small>${hint}</small></span></label>`)}
      </fieldset>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button danger solid">Remove</button></footer>
    </form>`;
}

function FailDialog({ list, close }) {
  const go = (event) => {
    event.preventDefault();
    close();
    act("fail", list.map((row) => row.id));
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title="Tell the *arr it failed" close=${close} />
      <p>${named(list)} ${list.length === 1 ? "is" : "are"} given up now. The *arr blocklists the release, deletes it here and searches for another one.</p>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button danger solid">Tell it</button></footer>
    </form>`;
}

export function useChoices() {
  const [choices, set] = useState({ categories: [], tags: [], save_path: "" });
  useEffect(() => { get("api/bridge/choices").then(set, () => {}); }, []);
  return choices;
}

function CategoryDialog({ list, close }) {
  const choices = useChoices();
  const [name, set] = useState(list.length === 1 ? list[0].category ?? "" : "");
  const go = (event) => {
    event.preventDefault();
    close();
    act("category", list.map((row) => row.id), { category: name.trim() });
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title="Category" close=${close} />
      <p>For ${named(list)}. Files stay where they are. A new name makes a new category; empty is none.</p>
      <${Field} id="category-name" label="Category">
        <input id="category-name" list="category-names" value=${name} onInput=${(event) => set(event.target.value)} autocomplete="off" />
      <//>
      <datalist id="category-names">${choices.categories.map((one) => html`<option value=${one.name} />`)}</datalist>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary">Set category</button></footer>
    </form>`;
}

const tagsOf = (text) => [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];

function TagsDialog({ list, close }) {
  const choices = useChoices();
  const [text, set] = useState("");
  const there = useMemo(() => [...new Set(list.flatMap((row) => row.tags ?? []))].sort(), []);
  const ids = list.map((row) => row.id);
  const go = (event) => {
    event.preventDefault();
    close();
    const tags = tagsOf(text);
    if (tags.length) act("add_tags", ids, { tags });
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title="Tags" close=${close} />
      <p>For ${named(list)}.</p>
      ${there.length > 0 && html`<ul class="chips">${there.map((tag) => html`
        <li><button type="button" class="chip" aria-label=${`Remove the tag ${tag}`} onClick=${() => { close(); act("remove_tags", ids, { tags: [tag] }); }}>${tag} <${Icon} name="close" /></button></li>`)}</ul>`}
      <${Field} id="tag-names" label="Add tags" hint="Several with commas">
        <input id="tag-names" list="tag-list" value=${text} onInput=${(event) => set(event.target.value)} autocomplete="off" />
      <//>
      <datalist id="tag-list">${choices.tags.map((tag) => html`<option value=${tag} />`)}</datalist>
      <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button primary">Add tags</button></footer>
    </form>`;
}

// --- adding ---------------------------------------------------------------------------------

export const openAdopt = () => import("./adopt.js").then((module) => module.open(), () => say("This part of the page could not be loaded", { kind: "bad" }));
export const openAdd = (files = []) => openDialog(AddDialog, { files, wide: true });

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
        <${Button} icon="cloud" kind="plain" onClick=${() => { close(); openAdopt(); }}>Adopt from TorBox…<//>
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

export const pathOf = (choices, name) => {
  const known = choices.categories.find((one) => one.name === name);
  return name ? known?.path ?? "A new category is made" : choices.save_path;
};

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

export const MOST_FILES = 500;

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

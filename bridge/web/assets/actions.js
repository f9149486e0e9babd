// The actions on downloads, and the dialogs that ask for confirmation before a removal.

import { bytes, count, get, html, post, useEffect, useMemo, useState, why } from "./lib.js";
import { Button, DialogHead, Field, Icon, dismiss, openDialog, say } from "./parts.js";
import { hold, letGo, rows, state, syncNow } from "./store.js";

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

// `quiet`: success was told before. `keepalive`: the page is being left.
export async function act(action, ids, more = {}, { undo = true, quiet = false, keepalive = false } = {}) {
  if (!ids.length) return null;
  const before = known(ids);
  try {
    const told = await post("api/bridge/actions", { action, ids, ...more }, { patience: 600000, keepalive });
    await syncNow();
    const [first] = told.refused;
    if (quiet && (!first || action === "remove")) return told; // it cannot be removed: it is gone
    const refused = told.refused.length;
    const done = `${told.done === 1 && before.length === 1 ? short(before[0].name) : count(told.done, "download")} ${DONE[action]}`;
    if (!told.done && first) say(refused === 1 ? first.why : `Not done for ${refused}: ${first.why}`, { kind: "bad" });
    else say(refused ? `${done}; not done for ${refused}: ${first.why}` : done, { undo: undo && told.done ? undoOf(action, before, more) : undefined });
    return told;
  } catch (error) {
    say(`${quiet ? "Nothing was done: " : ""}${why(error)}`, { kind: "bad" });
    return null;
  }
}

// --- what cannot be taken back is sent late ---------------------------------------------------

// A removal, and a report to an *arr, leave the page when their message ends: the next eight seconds,
// another message or a dialog, or leaving the page ends it. Until then nothing was sent, so undo gives
// back everything, and nothing is destroyed if the browser or the bridge stops in between.

const MOST_UNDONE = 5000; // a page that is being left can send 64 KiB
const canUndo = (list) => list.length <= MOST_UNDONE;

let pending = null;
export const settle = (options) => pending?.(options);
addEventListener("pagehide", () => {
  settle({ keepalive: true });
  dismiss(); // the browser may keep the page and show it again
});

function actLate(action, list, more, text) {
  const ids = list.map((row) => row.id);
  if (!canUndo(list)) return act(action, ids, more);
  settle();
  if (action === "remove") hold(ids);
  const send = async (options) => {
    if (pending !== send) return;
    pending = null;
    if (!(await act(action, ids, more, { quiet: true, ...options }))) letGo(ids);
  };
  const undo = () => {
    pending = null;
    letGo(ids);
    say(`${named(list)} ${list.length === 1 ? "stays" : "stay"}`);
    // The button is gone, and the focus with it.
    requestAnimationFrame(() => document.activeElement === document.body && document.querySelector(`[data-id="${ids[0]}"] a`)?.focus());
  };
  pending = send;
  return say(text, { undo, ended: send });
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
export function itemsFor(list, after) {
  const ids = list.map((row) => row.id);
  const any = (...groups) => list.some((row) => groups.includes(row.group));
  const live = any("fetching", "torbox", "waiting", "paused");
  const running = any("fetching", "torbox", "waiting");
  const arrs = state.overview?.arrs ?? [];
  const told = list.some((row) => arrs.some((arr) => arr.categories.includes(row.category)));
  const forced = list.length && list.every((row) => row.forced);
  const destroys = !list.every(isHarmless);
  return [
    running && { icon: "pause", text: "Pause", act: () => act("pause", ids) },
    any("paused") && { icon: "play", text: "Resume", act: () => act("resume", ids) },
    (any("failed") || running) && { icon: "retry", text: any("failed") ? "Retry" : "Try now", act: () => act("retry", ids) },
    live && { icon: "bolt", text: forced ? "Do not force" : "Force", act: () => act(forced ? "unforce" : "force", ids) },
    live && { icon: "top", text: "Move to the top", act: () => act("top", ids) },
    live && { icon: "up", text: "Move up", act: () => act("up", ids) },
    (any("completed", "seeding", "torbox") || list.some((row) => row.state === "missingFiles")) && { icon: "check", text: "Recheck", act: () => act("recheck", ids) },
    { icon: "folder", text: "Category…", act: () => openDialog(CategoryDialog, { list }) },
    { icon: "tag", text: "Tags…", act: () => openDialog(TagsDialog, { list }) },
    told && (live || any("failed")) && { icon: "flag", text: "Tell the *arr it failed…", kind: "danger", act: () => openDialog(FailDialog, { list }) },
    { icon: "trash", text: destroys ? "Remove…" : "Remove", kind: "danger", act: () => askRemove(list, after) },
  ].filter(Boolean);
}

// A failed download has no files, and at TorBox nothing that the bridge has added.
const isHarmless = (row) => row.group === "failed" && row.state === "error";

// Asks if files or the item at TorBox are destroyed. `after` is called when the rows have left.
export function askRemove(list, after) {
  if (list.every(isHarmless) && canUndo(list)) remove(list, {}, after);
  else openDialog(RemoveDialog, { list, after });
}

function remove(list, more, after) {
  actLate("remove", list, more, `Removed ${named(list)}`);
  after?.();
}

const UNDO_HINT = "You can undo this for a few seconds.";

// --- dialogs --------------------------------------------------------------------------------

function RemoveDialog({ list, close, after }) {
  const [files, setFiles] = useState(true);
  const [torbox, setTorbox] = useState("settings");
  const size = list.reduce((sum, row) => sum + (row.completed ? row.size ?? 0 : 0), 0);
  const go = (event) => {
    event.preventDefault();
    close();
    remove(list, { delete_files: files, at_torbox: torbox }, after);
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title=${`Remove ${count(list.length, "download")}`} close=${close} />
      <p>${named(list)} ${list.length === 1 ? "leaves" : "leave"} the list. ${canUndo(list) ? UNDO_HINT : "This cannot be undone."}</p>
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
    actLate("fail", list, {}, `The *arr is told that ${named(list)} failed`);
  };
  return html`
    <form onSubmit=${go}>
      <${DialogHead} title="Tell the *arr it failed" close=${close} />
      <p>${named(list)} ${list.length === 1 ? "is" : "are"} given up now. The *arr blocklists the release, deletes it here and searches for another one. ${canUndo(list) ? UNDO_HINT : ""}</p>
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

export const tagsOf = (text) => [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];

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

// --- adding: its dialogs are loaded on demand -------------------------------------------------

const failed = () => say("This part of the page could not be loaded", { kind: "bad" });
export const openAdd = (files) => import("./add.js").then((module) => module.add(files), failed);
export const openAdopt = () => import("./add.js").then((module) => module.adopt(), failed);

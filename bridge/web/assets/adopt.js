// The dialog that adopts torrents which are on the TorBox account and which the bridge does not have.

import { bytes, count, get, html, post, useEffect, useState, why } from "./lib.js";
import { MOST_FILES, pathOf, short, useChoices } from "./actions.js";
import { Button, DialogHead, Field, Icon, openDialog, say } from "./parts.js";
import { state, syncNow } from "./store.js";

export const open = () => openDialog(AdoptDialog, { wide: true });

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

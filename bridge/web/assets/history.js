// The history of downloads, also of removed ones.

import { ROOT, breakable, bytes, get, html, moment, span, storage, useEffect, useRef, useState, why } from "./lib.js";
import { Button, Icon, Progress } from "./parts.js";

const OUTCOMES = {
  added: ["In progress", "busy"],
  completed: ["Completed", "good"],
  imported: ["Imported", "good"],
  failed: ["Failed", "bad"],
  reported: ["Handed back to the *arr", "warn"],
  removed: ["Removed", "calm"],
};
const REASONS = {
  invalid: "Invalid torrent", too_large: "Too large for the plan", not_cached: "Not cached", refused: "Refused by TorBox",
  remote_error: "Error at TorBox", stalled: "Stalled", no_metadata: "No metadata", not_present: "Not brought to storage",
  gave_up: "Given up", gone: "Gone from TorBox", infected: "Infected", expired: "Expired", zipped: "Only as a zip",
  incomplete: "Incomplete", nothing_chosen: "No file chosen",
};

const wordsOf = (row) => {
  if (row.outcome !== "removed") return OUTCOMES[row.outcome] ?? [row.outcome, ""];
  if (row.reported_at) return ["Handed back, removed", "warn"];
  if (row.failed_at) return ["Failed, removed", "bad"];
  if (row.imported_at) return ["Imported, removed", "good"];
  if (row.completed_at) return ["Completed, removed", "good"];
  return ["Removed", "calm"];
};

export function History({ go }) {
  const [page, set] = useState(null);
  const [problem, setProblem] = useState("");
  const [view, setView] = useState(storage.read("history", { text: "", outcome: "" }));
  const turn = useRef(0);
  const read = async (before) => {
    const mine = (turn.current += 1);
    const query = new URLSearchParams({ text: view.text, outcome: view.outcome });
    if (before) query.set("before", before);
    try {
      const told = await get(`api/bridge/history?${query}`);
      if (mine !== turn.current) return;
      set((old) => ({ ...told, rows: before ? [...old.rows, ...told.rows] : told.rows }));
      setProblem("");
    } catch (error) {
      setProblem(why(error));
    }
  };
  useEffect(() => {
    storage.write("history", view);
    const timer = setTimeout(() => read(), page ? 250 : 0);
    return () => clearTimeout(timer);
  }, [view.text, view.outcome]);
  return html`
    <h1>History</h1>
    ${problem && html`<p class="notice bad" role="alert">${problem}</p>`}
    ${page && html`<${Week} week=${page.week} />`}
    <div class="toolbar"><div class="tools">
      <div class="search"><${Icon} name="search" /><input type="search" aria-label="Search names and categories" placeholder="Search names and categories" value=${view.text} onInput=${(event) => setView({ ...view, text: event.target.value })} /></div>
      <select aria-label="Outcome" value=${view.outcome} onChange=${(event) => setView({ ...view, outcome: event.target.value })}>
        <option value="">All outcomes</option>${Object.entries(OUTCOMES).map(([name, [text]]) => html`<option value=${name}>${text}</option>`)}
      </select>
    </div></div>
    ${page && !page.rows.length && html`<div class="empty"><p>${view.text || view.outcome ? "Nothing fits this filter." : "Nothing has happened yet."}</p></div>`}
    ${page?.rows.length > 0 && html`
      <div class="card scroll" tabindex="0" role="region" aria-label="History">
        <table class="cards-when-narrow">
          <thead><tr><th scope="col">Name</th><th scope="col">Outcome</th><th scope="col">Category</th><th scope="col">Size</th><th scope="col">Took</th><th scope="col">When</th></tr></thead>
          <tbody>${page.rows.map((row) => html`<${Past} key=${row.id} row=${row} go=${go} />`)}</tbody>
        </table>
      </div>`}
    <${CleanUp} />
    ${page?.more && html`<p class="center"><${Button} onClick=${() => read(page.rows.at(-1).last_at)}>Show more<//></p>`}`;
}

// Scheduled automatic removals, and files and items that are left alone.
function CleanUp() {
  const [told, set] = useState(null);
  useEffect(() => { get("api/bridge/clean-up").then(set, () => {}); }, []);
  if (!told) return null;
  return [["Automatic clean-up", told.clean_up], ["Found and left alone", told.orphaned]].filter(([, list]) => list.length).map(([title, list]) => html`
    <section class="card spaced" key=${title} aria-label=${title}>
      <h2>${title}</h2>
      <ul class="entries">${list.slice(0, MOST).map((one) => html`
        <li><b class="name">${one.name}</b>${one.category && html`<span class="badge">${one.category}</span>`}<span class="faint">${one.why}${one.at ? `, ${moment(one.at)}` : ""}</span></li>`)}</ul>
      ${list.length > MOST && html`<p class="faint">and ${list.length - MOST} more</p>`}
    </section>`);
}

const MOST = 100;

function Past({ row, go }) {
  const [text, tone] = wordsOf(row);
  const end = row.completed_at ?? row.failed_at;
  const to = `downloads/${row.id}`;
  return html`
    <tr>
      <th scope="row"><a href=${new URL(to, ROOT).href} onClick=${(event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); go(to); }}>${breakable(row.name)}</a>
        ${row.message && html`<small>${row.message}</small>`}</th>
      <td><span class=${`badge ${tone}`}>${text}</span></td>
      <td data-label="Category">${row.category}</td><td data-label="Size">${row.size ? bytes(row.size) : ""}</td>
      <td data-label="Took">${end ? span(end - row.added_at) : ""}</td>
      <td data-label="When"><time datetime=${new Date(row.last_at * 1000).toISOString()}>${moment(row.last_at)}</time></td>
    </tr>`;
}

function Week({ week }) {
  const most = Math.max(1, ...Object.values(week.failures));
  return html`
    <section class="cards figures" aria-label="The last seven days">
      <div class="card"><h2><span>Grabs</span><span class="faint">7 days</span></h2><p class="figure">${week.grabs}</p></div>
      <div class="card"><h2><span>Completed</span><span class="faint">7 days</span></h2><p class="figure">${week.completed}<small> · ${bytes(week.bytes)}</small></p></div>
      <div class="card"><h2><span>Time to importable</span><span class="faint">median</span></h2><p class="figure">${week.median_seconds === null ? "–" : span(week.median_seconds)}</p></div>
      <div class="card"><h2><span>Failed</span><span class="faint">7 days</span></h2><p class="figure">${week.failed}</p>
        <ul class="bars">${Object.entries(week.failures).map(([reason, number]) => html`
          <li><span>${REASONS[reason] ?? reason}</span><${Progress} share=${number / most} label=${REASONS[reason] ?? reason} kind="bad" /><b>${number}</b></li>`)}</ul></div>
    </section>`;
}

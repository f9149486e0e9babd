// The list of downloads: filter, sort, select, act. Only visible rows are in the DOM.

import { ROOT, breakable, brief, bytes, hasMoments, html, now, percent, speed, storage, useEffect, useLayoutEffect, useMemo, useRef, useState, words } from "./lib.js";
import { askRemove, itemsFor, openAdd, openAdopt } from "./actions.js";
import { Cards, Notices } from "./overview.js";
import { Button, Icon, Menu, Progress } from "./parts.js";
import { rows, useStore, useTick } from "./store.js";

export const GROUPS = {
  fetching: ["Fetching", "busy"],
  torbox: ["At TorBox", "busy"],
  waiting: ["Waiting", "warn"],
  failed: ["Failed", "bad"],
  paused: ["Paused", "calm"],
  seeding: ["Seeding", "good"],
  completed: ["Completed", "good"],
};
const ORDER = Object.fromEntries(Object.keys(GROUPS).map((name, index) => [name, index]));
const FILTERS = [
  ["all", "All"],
  ["active", "Active"],
  ...Object.entries(GROUPS).map(([name, [text]]) => [name, text]),
  ["attention", "Needs attention"],
];
const ACTIVE = new Set(["fetching", "torbox", "waiting"]);

const lower = new WeakMap();
const nameOf = (row) => {
  let name = lower.get(row);
  if (name === undefined) lower.set(row, (name = row.name.toLowerCase()));
  return name;
};
const left = (row) => (row.size ?? 0) * (1 - (row.progress ?? 0));
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const SORTS = {
  state: ["State", (a, b) => ORDER[a.group] - ORDER[b.group]
    || (a.group === "waiting" ? (a.order ?? 0) - (b.order ?? 0) || a.added - b.added : 0)
    || (b.completed ?? 0) - (a.completed ?? 0) || b.added - a.added],
  name: ["Name", (a, b) => compare(nameOf(a), nameOf(b))],
  category: ["Category", (a, b) => compare(a.category ?? "", b.category ?? "")],
  size: ["Size", (a, b) => (b.size ?? 0) - (a.size ?? 0)],
  progress: ["Progress", (a, b) => (b.progress ?? 0) - (a.progress ?? 0)],
  speed: ["Speed", (a, b) => (b.speed ?? 0) - (a.speed ?? 0)],
  eta: ["Time left", (a, b) => (a.eta ?? Infinity) - (b.eta ?? Infinity) || left(b) - left(a)],
  added: ["Added", (a, b) => b.added - a.added],
};
const FRESH = { filter: "all", category: "*", tag: "*", text: "", sort: "state", turned: false };

const matches = (row, filter) =>
  filter === "all" || row.group === filter || (filter === "active" && ACTIVE.has(row.group)) || (filter === "attention" && row.attention);

function useView() {
  const [view, set] = useState(() => ({ ...FRESH, ...storage.read("view", {}) }));
  return [view, (change) => set((before) => {
    const after = { ...before, ...change };
    storage.write("view", after);
    return after;
  })];
}

// Counts, choices and the rows to show, computed again when a row or the view changes.
function useRows(view, changes) {
  const facts = useMemo(() => {
    const counts = Object.fromEntries(FILTERS.map(([name]) => [name, 0]));
    const categories = new Map();
    const tags = new Map();
    for (const row of rows.values()) {
      counts.all += 1;
      counts[row.group] += 1;
      if (ACTIVE.has(row.group)) counts.active += 1;
      if (row.attention) counts.attention += 1;
      categories.set(row.category ?? "", (categories.get(row.category ?? "") ?? 0) + 1);
      for (const tag of row.tags ?? []) tags.set(tag, (tags.get(tag) ?? 0) + 1);
    }
    return { counts, categories, tags };
  }, [changes]);
  // Sorted apart from the search, so that a letter costs only a look at each row.
  const sorted = useMemo(() => {
    const order = (SORTS[view.sort] ?? SORTS.state)[1];
    const all = [...rows.values()].sort((a, b) => order(a, b) || compare(a.id, b.id));
    return view.turned ? all.reverse() : all;
  }, [changes, view.sort, view.turned]);
  const shown = useMemo(() => {
    const terms = view.text.toLowerCase().split(/\s+/).filter(Boolean);
    return sorted.filter((row) => matches(row, view.filter)
      && (view.category === "*" || (row.category ?? "") === view.category)
      && (view.tag === "*" || (row.tags ?? []).includes(view.tag))
      && terms.every((term) => nameOf(row).includes(term) || row.hash.startsWith(term)));
  }, [sorted, view]);
  return [facts, shown];
}

export function Downloads({ go }) {
  const store = useStore();
  const [view, setView] = useView();
  const [selected, setSelected] = useState(() => new Set());
  const [facts, shown] = useRows(view, store.changes);
  useTick(5000);
  useEffect(() => {
    const gone = [...selected].filter((id) => !rows.has(id));
    if (gone.length) setSelected(new Set([...selected].filter((id) => rows.has(id))));
  }, [store.changes]);
  useEffect(() => {
    const keys = (event) => {
      if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        document.getElementById("search")?.focus();
      }
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  const chosen = shown.filter((row) => selected.has(row.id));
  return html`
    <h1 class="hidden">Downloads</h1>
    <${Notices} go=${go} />
    <${Cards} />
    <${Toolbar} view=${view} setView=${setView} facts=${facts} />
    ${store.loaded && !rows.size && html`<${Empty} />`}
    ${rows.size > 0 && !shown.length && html`
      <div class="empty"><p>No download fits this filter.</p><${Button} onClick=${() => setView({ ...FRESH, sort: view.sort, turned: view.turned })}>Clear the filter<//></div>`}
    ${shown.length > 0 && html`<${List} shown=${shown} view=${view} setView=${setView} selected=${selected} setSelected=${setSelected} go=${go} />`}
    ${chosen.length > 0 && html`<${SelectionBar} chosen=${chosen} clear=${() => setSelected(new Set())} />`}`;
}

const Empty = () => html`
  <div class="empty">
    <p><b>No downloads yet.</b></p><p>What your *arr grabs appears here. You can also add a magnet, a URL or a .torrent file, or drop one on this page.</p>
    <p><${Button} icon="add" kind="primary" onClick=${() => openAdd()}>Add<//> <${Button} icon="cloud" onClick=${openAdopt}>Adopt from TorBox<//></p>
  </div>`;

function Toolbar({ view, setView, facts }) {
  const { counts, categories, tags } = facts;
  const choices = (map, chosen) => {
    const names = new Set(map.keys());
    if (chosen !== "*") names.add(chosen);
    return [...names].sort();
  };
  return html`
    <div class="toolbar">
      <div class="filters" role="group" aria-label="State">
        ${FILTERS.filter(([name]) => counts[name] || name === "all" || name === view.filter).map(([name, text]) => html`
          <button type="button" key=${name} class=${`chip ${GROUPS[name]?.[1] ?? (name === "attention" ? "warn" : "")}`} aria-pressed=${String(view.filter === name)}
            onClick=${() => setView({ filter: name })}>${text} <b>${counts[name]}</b></button>`)}
      </div>
      <div class="tools">
        <div class="search"><${Icon} name="search" />
          <input id="search" type="search" placeholder="Search names" aria-label="Search names" value=${view.text} onInput=${(event) => setView({ text: event.target.value })} /></div>
        <select aria-label="Category" value=${view.category} onChange=${(event) => setView({ category: event.target.value })}>
          <option value="*">All categories</option>
          ${choices(categories, view.category).map((name) => html`<option key=${name} value=${name}>${name || "No category"} (${categories.get(name) ?? 0})</option>`)}
        </select>
        ${(tags.size > 0 || view.tag !== "*") && html`
          <select aria-label="Tag" value=${view.tag} onChange=${(event) => setView({ tag: event.target.value })}>
            <option value="*">All tags</option>
            ${choices(tags, view.tag).map((name) => html`<option key=${name} value=${name}>${name} (${tags.get(name) ?? 0})</option>`)}
          </select>`}
        <select class="sort" aria-label="Sort by" value=${view.sort} onChange=${(event) => setView({ sort: event.target.value, turned: false })}>
          ${Object.entries(SORTS).map(([name, [text]]) => html`<option value=${name}>Sort: ${text}</option>`)}
        </select>
        <${Button} icon="add" kind="primary" onClick=${() => openAdd()}>Add<//>
      </div>
    </div>`;
}

function SelectionBar({ chosen, clear }) {
  const ids = chosen.map((row) => row.id);
  const items = itemsFor(chosen);
  const direct = ["Pause", "Resume", "Retry", "Remove", "Remove…"];
  return html`
    <div class="selection" role="toolbar" aria-label="Selected downloads">
      <b>${ids.length} selected</b>
      ${items.filter((item) => direct.includes(item.text)).map((item) => html`
        <${Button} icon=${item.icon} kind=${item.kind ?? ""} onClick=${item.act}>${item.text}<//>`)}
      <${Menu} label="More actions" text="More" kind="" items=${items.filter((item) => !direct.includes(item.text))} />
      <button type="button" class="button plain square" aria-label="Clear the selection" onClick=${clear}><${Icon} name="close" /></button>
    </div>`;
}

// --- the virtual list -----------------------------------------------------------------------

const BEYOND = 6; // rows rendered above and below those in sight
const COLUMNS = [
  ["name", "Name", "name"],
  ["category", "Category", "category"],
  ["size", "Size", "size"],
  ["progress", "Progress", "progress"],
  ["speed", "Speed", "speed"],
  ["eta", "Left", "eta"],
  ["added", "Age", "added"],
];

const narrow = matchMedia("(max-width: 47.99rem)");
const GAP = 8; // between the cards of a phone
const heightOf = () => (narrow.matches ? 142 : 58);

function useWindow(length, container) {
  const [range, set] = useState([0, 30]);
  const height = heightOf();
  const measure = () => {
    if (!container.current) return;
    const top = container.current.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(-top / height) - BEYOND);
    const to = Math.min(length, Math.ceil((innerHeight - top) / height) + BEYOND);
    set((before) => (before[0] === from && before[1] === to ? before : [from, Math.max(from, to)]));
  };
  useLayoutEffect(measure, [length, height]);
  useEffect(() => {
    let frame = 0;
    const later = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(measure); };
    const moved = new ResizeObserver(later);
    moved.observe(document.body);
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      moved.disconnect();
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [length, height]);
  return [range, height];
}

let place = 0; // where the list was scrolled to, for the way back

function List({ shown, view, setView, selected, setSelected, go }) {
  const container = useRef();
  const last = useRef(null);
  const wanted = useRef(null);
  const [[from, to], height] = useWindow(shown.length, container);
  useLayoutEffect(() => { container.current.style.height = `${shown.length * height}px`; }, [shown.length, height]);
  useLayoutEffect(() => {
    if (place) scrollTo(0, place);
    // Not at the end: the parts above the list are removed first, and then the browser scrolls.
    const remember = () => { place = scrollY; };
    addEventListener("scroll", remember, { passive: true });
    return () => removeEventListener("scroll", remember);
  }, []);
  useLayoutEffect(() => {
    if (!wanted.current) return;
    const link = container.current.querySelector(`[data-id="${wanted.current}"] a`);
    if (link) {
      link.focus({ preventScroll: true });
      wanted.current = null;
    }
  });

  // A removed row takes the focus with it: the row that takes its place gets it.
  const focused = useRef(null);
  useLayoutEffect(() => {
    const lost = focused.current;
    if (!lost || rows.has(lost.id) || document.activeElement !== document.body || !shown.length) return;
    const next = shown[Math.min(lost.index, shown.length - 1)];
    focused.current = null;
    wanted.current = next.id;
    container.current.querySelector(`[data-id="${next.id}"] a`)?.focus({ preventScroll: true });
  }, [shown]);
  const noteFocus = (event) => {
    const id = Number(event.target.closest("[data-id]")?.dataset.id);
    if (id) focused.current = { id, index: shown.findIndex((row) => row.id === id) };
  };

  const pick = (row, index, range) => {
    const chosen = new Set(selected);
    if (range && last.current !== null && last.current < shown.length) {
      const [start, end] = [Math.min(last.current, index), Math.max(last.current, index)];
      for (let at = start; at <= end; at += 1) chosen.add(shown[at].id);
    } else if (!chosen.delete(row.id)) {
      chosen.add(row.id);
    }
    last.current = index;
    setSelected(chosen);
  };
  const all = shown.length > 0 && shown.every((row) => selected.has(row.id));
  const pickAll = () => setSelected(all ? new Set() : new Set(shown.map((row) => row.id)));
  const reach = (index) => {
    const row = shown[Math.max(0, Math.min(shown.length - 1, index))];
    wanted.current = row.id;
    const top = container.current.getBoundingClientRect().top + shown.indexOf(row) * height;
    if (top < 110) scrollBy(0, top - 110);
    else if (top + height > innerHeight - 70) scrollBy(0, top + height - innerHeight + 70);
    container.current.querySelector(`[data-id="${row.id}"] a`)?.focus({ preventScroll: true });
  };
  const keys = (event) => {
    const element = event.target.closest("[data-id]");
    if (!element || event.target.closest(".menu")) return;
    const index = shown.findIndex((row) => String(row.id) === element.dataset.id);
    const row = shown[index];
    if (!row) return;
    const page = Math.max(1, Math.floor((innerHeight - 200) / height));
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -index, End: shown.length };
    if (event.key in moves) {
      event.preventDefault();
      if (event.shiftKey && /Arrow/.test(event.key)) pick(shown[index + moves[event.key]] ?? row, Math.max(0, index + moves[event.key]), false);
      reach(index + moves[event.key]);
    } else if (event.key === " " && event.target.tagName === "A") {
      event.preventDefault();
      pick(row, index, event.shiftKey);
    } else if (event.key === "Delete") {
      const chosen = shown.filter((one) => selected.has(one.id));
      askRemove(chosen.length ? chosen : [row]);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      pickAll();
    } else if (event.key === "Escape" && selected.size) {
      setSelected(new Set());
    }
  };
  // An unchanged row keeps its element, so that it costs nothing to render.
  const live = useRef();
  live.current = { pick, go };
  const stable = useMemo(() => ({ pick: (...given) => live.current.pick(...given), go: (to) => live.current.go(to) }), []);
  const kept = useRef(new Map());
  const beat = Math.floor(now() / 5); // moments in words grow old
  const made = new Map();
  for (let index = from; index < Math.min(to, shown.length); index += 1) {
    const row = shown[index];
    const chosen = selected.has(row.id);
    const old = kept.current.get(row.id);
    const same = old && old.row === row && old.index === index && old.chosen === chosen && old.height === height && old.beat === beat;
    made.set(row.id, same ? old : {
      row, index, chosen, height, beat,
      element: html`<${Row} key=${row.id} row=${row} index=${index} height=${height} selected=${chosen} pick=${stable.pick} go=${stable.go} />`,
    });
  }
  kept.current = made;
  const sortBy = (name) => setView(view.sort === name ? { turned: !view.turned } : { sort: name, turned: false });
  return html`
    <div class="list" role="table" aria-label="Downloads" aria-rowcount=${shown.length + 1} onKeyDown=${keys} onFocusIn=${noteFocus}>
      <div class="row heads" role="row" aria-rowindex="1">
        <div role="columnheader" class="c-pick"><input type="checkbox" aria-label="Select all" checked=${all} onChange=${pickAll} /></div>
        ${COLUMNS.map(([name, text, sort]) => html`
          <div role="columnheader" class=${`c-${name}`} aria-sort=${view.sort !== sort ? "none" : view.turned ? "ascending" : "descending"}>
            <button type="button" onClick=${() => sortBy(sort)}>${text}${view.sort === sort && html`<span class=${`arrow ${view.turned ? "turned" : ""}`}><${Icon} name="down" /></span>`}</button></div>`)}
        <div role="columnheader" class="c-more"><span class="hidden">Actions</span></div>
      </div>
      <div class="rows" role="rowgroup" ref=${container}>
        ${[...made.values()].map((one) => one.element)}
      </div>
    </div>`;
}

function Row({ row, index, height, selected, pick, go }) {
  const element = useRef();
  const box = useRef();
  // The browser toggles the box on a click, but the selection decides whether it is checked.
  useLayoutEffect(() => { box.current.checked = selected; });
  useLayoutEffect(() => {
    element.current.style.transform = `translateY(${index * height}px)`;
    element.current.style.height = `${narrow.matches ? height - GAP : height}px`;
  }, [index, height]);
  const [state, tone] = GROUPS[row.group];
  const progress = row.progress ?? 0;
  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(`downloads/${row.id}`);
  };
  const doing = hasMoments(row.doing) ? words(row.doing) : row.doing;
  const busy = row.group === "fetching" || row.group === "torbox";
  return html`
    <div class=${`row ${tone} ${selected ? "selected" : ""}`} role="row" aria-rowindex=${index + 2} data-id=${row.id} ref=${element}
      onClick=${(event) => { if (!event.target.closest("a, button, input, label, .menu") && !String(getSelection())) pick(row, index, event.shiftKey); }}>
      <div role="cell" class="c-pick"><input type="checkbox" ref=${box} aria-label=${`Select ${row.name}`} checked=${selected}
        onClick=${(event) => pick(row, index, event.shiftKey)} /></div>
      <div role="cell" class="c-name">
        <a href=${new URL(`downloads/${row.id}`, ROOT).href} onClick=${open} title=${row.name}>${narrow.matches ? breakable(row.name) : row.name}</a>
        <p class=${`doing ${row.attention ? "attention" : ""}`} title=${doing}><i class="dot"></i><span class="hidden">${state}: </span>${row.forced ? "Forced · " : ""}${doing}</p>
        <p class="narrow-facts" aria-hidden="true">${[row.category, row.size && bytes(row.size), busy && row.eta !== undefined && `${brief(row.eta)} left`, (row.tags ?? []).map((tag) => `#${tag}`).join(" ")].filter(Boolean).join(" · ")}</p>
      </div>
      <div role="cell" class="c-category"><span class="category">${row.category ?? ""}</span>${(row.tags ?? []).length > 0 && html`<span class="tags">${row.tags.map((tag) => html`<i>${tag}</i>`)}</span>`}</div>
      <div role="cell" class="c-size">${row.size ? bytes(row.size) : html`<span class="faint">–</span>`}</div>
      <div role="cell" class="c-progress"><${Progress} share=${progress} label=${`Progress of ${row.name}`} kind=${tone} /><span>${percent(progress)}</span></div>
      <div role="cell" class="c-speed">${busy && row.speed ? speed(row.speed) : ""}</div>
      <div role="cell" class="c-eta">${busy && row.eta !== undefined ? brief(row.eta) : ""}</div>
      <div role="cell" class="c-added" title=${new Date(row.added * 1000).toLocaleString()}>${brief(now() - row.added)}</div>
      <div role="cell" class="c-more"><${Menu} label=${`Actions for ${row.name}`} items=${() => itemsFor([row])} /></div>
    </div>`;
}

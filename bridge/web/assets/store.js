// The page's copy of all rows and the overview. The bridge sends only changes.

import { get, Refused, useEffect, useState } from "./lib.js";

const BUSY = 2000;
const CALM = 5000;
const LONGEST = 30000;

export const rows = new Map();
export const state = {
  version: "",
  overviewTag: "",
  overview: null,
  check: null,
  loaded: false,
  problem: "",
  changes: 0, // counts syncs that changed something
};

const listeners = new Set();
const tell = () => listeners.forEach((listener) => listener());

// Renders the component again at every change.
export function useStore() {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((turn) => turn + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

// Renders the component again at an interval in milliseconds, so that relative times stay true.
export function useTick(pause) {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) again((turn) => turn + 1); }, pause);
    return () => clearInterval(timer);
  }, [pause]);
}

// Rows that are hidden: their removal can still be undone, or the next sync will not have them.
const held = new Map();

export function hold(ids) {
  for (const id of ids) {
    held.set(id, rows.get(id));
    rows.delete(id);
  }
  changed();
}

// Shows held rows again, unless they are gone at the bridge.
export function letGo(ids) {
  for (const id of ids) {
    if (held.get(id)) rows.set(id, held.get(id));
    held.delete(id);
  }
  changed();
}

function changed() {
  state.changes += 1;
  tell();
}

function apply(told) {
  if (told.full) {
    rows.clear();
    for (const id of held.keys()) held.set(id, null);
  }
  for (const row of told.rows) (held.has(row.id) ? held : rows).set(row.id, row);
  for (const id of told.gone) {
    rows.delete(id);
    held.delete(id);
  }
  const first = !state.loaded;
  const news = first || told.full || told.rows.length > 0 || told.gone.length > 0;
  state.version = told.version;
  if (told.overview) state.overview = told.overview;
  state.overviewTag = told.overview_tag;
  state.loaded = true;
  if (news) state.changes += 1;
  if (news || told.overview || state.problem) {
    state.problem = "";
    tell();
  }
}

let timer = 0;
let failures = 0;
let running = false;
let again = false;

const isBusy = () => {
  for (const row of rows.values()) if (row.group === "fetching" || row.group === "torbox" || row.group === "waiting") return true;
  return false;
};

async function turn() {
  clearTimeout(timer);
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    const query = new URLSearchParams({ since: state.version, overview: state.overviewTag });
    apply(await get(`api/bridge/sync?${query}`));
    failures = 0;
  } catch (error) {
    failures += 1;
    if (error instanceof Refused && error.status === 403) {
      running = false;
      return; // logged out: it begins again after the login
    }
    if (failures > 1) {
      state.problem = "The bridge does not answer. What you see may be out of date";
      tell();
    }
  }
  running = false;
  if (again) {
    again = false;
    return void turn();
  }
  const pause = failures ? Math.min(CALM * failures, LONGEST) : isBusy() ? BUSY : CALM;
  if (!document.hidden) timer = setTimeout(turn, pause);
}

export const syncNow = () => turn();

export async function readCheck() {
  try {
    state.check = await get("api/bridge/check");
    tell();
    if (state.check.running) setTimeout(readCheck, 1500);
  } catch {
    // The next sync reports that the bridge does not answer.
  }
}

let checkTimer = 0;
export function start() {
  clearInterval(checkTimer);
  checkTimer = setInterval(() => { if (!document.hidden) readCheck(); }, 60000);
  turn();
  readCheck();
}

export function stop() {
  clearTimeout(timer);
  clearInterval(checkTimer);
  rows.clear();
  held.clear();
  Object.assign(state, { version: "", overviewTag: "", overview: null, check: null, loaded: false });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && state.loaded) turn();
});

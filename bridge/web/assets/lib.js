// Shared by all parts of the page: rendering, the bridge's API, formats of numbers and times.
// Names, notes and TorBox's sentences become text nodes, never HTML.

import { createPortal, h, render, Fragment } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { createPortal, render, Fragment };
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback } from "./vendor/hooks.js";

export const html = htm.bind(h);
export const ROOT = new URL("..", import.meta.url);

const PATIENCE = 30000;

// --- the API --------------------------------------------------------------------------------

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// The server's clock minus this one's, in seconds.
let skew = 0;
export const now = () => Date.now() / 1000 + skew;

let onLoggedOut = () => {};
export const whenLoggedOut = (callback) => { onLoggedOut = callback; };

export async function ask(path, options = {}) {
  const signal = AbortSignal.timeout(options.patience ?? PATIENCE);
  const response = await fetch(new URL(path, ROOT), { cache: "no-store", signal, ...options });
  const text = await response.text();
  const date = Date.parse(response.headers.get("Date") ?? "");
  // The Date header has whole seconds, so a smaller difference means nothing.
  if (date && Math.abs(date / 1000 - now()) > 2) skew = (date - Date.now()) / 1000;
  if (response.status === 403) onLoggedOut();
  if (!response.ok) throw new Refused(response.status, problemIn(text) || `HTTP ${response.status}`);
  return text;
}

function problemIn(text) {
  try {
    const told = JSON.parse(text);
    return told.error ?? (told.problems ?? []).join("\n");
  } catch {
    return text.length < 200 ? text : "";
  }
}

export const get = async (path, options) => JSON.parse(await ask(path, options));

export const post = async (path, body, options = {}) =>
  JSON.parse(await ask(path, {
    method: "POST",
    body: JSON.stringify(body ?? {}),
    headers: { "Content-Type": "application/json" },
    ...options,
  }));

export function why(error) {
  if (error instanceof Refused) return error.message;
  return error.name === "TimeoutError" ? "The bridge did not answer in time" : "The bridge cannot be reached";
}

// --- numbers and times in words -------------------------------------------------------------

export function bytes(amount) {
  if (!amount) return "0 B";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(Math.floor(Math.log2(amount) / 10), units.length - 1);
  const value = amount / 1024 ** step;
  return `${step === 0 ? value : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[step]}`;
}

export const speed = (amount) => `${bytes(amount)}/s`;

export function span(amount) {
  const size = Math.max(0, amount);
  if (size < 90) return `${Math.round(size)} s`;
  if (size < 90 * 60) return `${Math.round(size / 60)} min`;
  if (size < 48 * 3600) return `${Math.round(size / 3600)} h`;
  return `${Math.round(size / 86400)} days`;
}

// The short form, for tables.
export function brief(amount) {
  const size = Math.max(0, amount);
  if (size < 60) return `${Math.round(size)}s`;
  if (size < 3600) return `${Math.floor(size / 60)}m`;
  if (size < 86400) return `${Math.floor(size / 3600)}h ${Math.floor((size % 3600) / 60)}m`;
  return `${Math.floor(size / 86400)}d ${Math.floor((size % 86400) / 3600)}h`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export function clock(at) {
  const near = Math.abs(at - now()) < 18 * 3600;
  return (near ? CLOCK : DAY).format(at * 1000);
}
export const date = (at) => DATE.format(at * 1000);
export const moment = (at) => new Date(at * 1000).toLocaleString();

// A sentence of the bridge with its moments formatted; see bridge/web/waits.py.
export const words = (sentence) =>
  sentence.replace(/\{(at|in|since):(\d+)\}/g, (_, kind, at) => {
    if (kind === "at") return clock(+at);
    const left = +at - now();
    if (kind === "since") return span(-left);
    return left >= 1 ? `in ${span(left)}` : "now";
  });

export const hasMoments = (sentence) => sentence.includes("{");
export const percent = (share) => `${share >= 1 ? 100 : (share * 100).toFixed(1)} %`;
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

// A release name that may break after its dots, not within a word.
export const breakable = (name) => name.split(/(?<=[._\-\s/])(?=[^._\-\s/])/).flatMap((part, index) => (index ? [html`<wbr />`, part] : [part]));

// --- small tools ----------------------------------------------------------------------------

export const storage = {
  read(key, otherwise) {
    try {
      return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  write(key, value) {
    try {
      sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Storage may be blocked. Then the view is lost on reload, which is acceptable.
    }
  },
};

export async function copy(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  // navigator.clipboard needs https, and most homes use plain http.
  const field = document.createElement("textarea");
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });

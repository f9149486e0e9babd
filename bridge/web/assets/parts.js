// Small parts: icons, dialogs, menus, messages.

import { createPortal, html, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";

const PATHS = {
  add: "M12 5v14M5 12h14",
  cloud: "M7 18a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5A3.8 3.8 0 0 1 17.5 18zM12 10v5M9.5 12.7 12 15l2.5-2.3",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5v15l12-7.5z",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  retry: "M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7",
  check: "m4 12 5 5L20 6",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  top: "M12 20V8M6 13l6-6 6 6M5 4h14",
  up: "M12 20V5M6 11l6-6 6 6",
  tag: "M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01",
  folder: "M3 6h6l2 2h10v11H3z",
  flag: "M5 21V4h12l-2 4 2 4H5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M21 21l-5-5",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  link: "M14 5h5v5M19 5l-8 8M10 6H5v13h13v-5",
  down: "m6 9 6 6 6-6",
  warn: "M12 4 2.5 20h19zM12 10v4M12 17h.01",
  bad: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 8v5M12 16h.01",
  good: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m-4 9 3 3 5-6",
  list: "M4 6h16M4 12h16M4 18h16",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l4 2",
  gear: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
};

export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;

export const Button = ({ icon, children, kind = "", ...rest }) => html`
  <button type="button" class=${`button ${kind}`} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children && html`<span>${children}</span>`}
  </button>`;

export function Progress({ share, label, kind = "" }) {
  const bar = useRef();
  useLayoutEffect(() => { bar.current.style.width = `${Math.min(100, Math.max(0, share * 100))}%`; }, [share]);
  return html`
    <span class=${`bar ${kind}`} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(share * 100)}><i ref=${bar}></i></span>`;
}

// --- messages -------------------------------------------------------------------------------

let shown = null;
let showMessage = () => {};

function replace(message) {
  const before = shown;
  shown = message;
  showMessage(message);
  before?.ended?.();
}

// Shows what was done, with an undo button if the action can be undone. `stay`: until the next
// message. `ended` is called when the message gives way, however that happens.
export const say = (text, { kind = "", ...rest } = {}) => replace({ text, kind, ...rest });
export const dismiss = () => replace(null);

export function Messages() {
  const [message, set] = useState(null);
  const [held, hold] = useState(false); // a user who is at its buttons has as long as it takes
  useEffect(() => { showMessage = (given) => { hold(false); set(given); }; }, []);
  useEffect(() => {
    if (!message || message.stay || held) return undefined;
    const timer = setTimeout(dismiss, message.kind === "bad" ? 12000 : message.undo ? 8000 : 5000);
    return () => clearTimeout(timer);
  }, [message, held]);
  const undo = () => {
    message.undo();
    if (shown === message) dismiss();
  };
  useEffect(() => {
    if (!message?.undo) return undefined;
    const key = (event) => {
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
      event.preventDefault();
      undo();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [message]);
  return html`
    <div class="messages" role="status" aria-live="polite">
      ${message && html`
        <div class=${`message ${message.kind}`} onFocusIn=${() => hold(true)} onFocusOut=${() => hold(false)}>
          <p>${message.text}</p>
          ${message.undo && html`<${Button} kind="plain" onClick=${undo}>Undo<span class="hidden"> with Ctrl+Z</span><//>`}
          <button type="button" class="button plain square" aria-label="Dismiss" onClick=${dismiss}><${Icon} name="close" /></button>
        </div>`}
    </div>`;
}

// --- dialogs --------------------------------------------------------------------------------

let showDialog = () => {};
export function openDialog(Body, props = {}) {
  if (shown?.undo) dismiss(); // a dialog covers it
  showDialog({ Body, props, id: Math.random() });
}

export function Dialogs() {
  const [dialog, set] = useState(null);
  const element = useRef();
  useEffect(() => { showDialog = set; }, []);
  useLayoutEffect(() => { if (dialog) element.current.showModal(); }, [dialog?.id]);
  if (!dialog) return null;
  // The browser restores the focus and sends `close` a moment later, when another dialog may
  // already be open.
  const close = () => element.current?.close();
  const closed = () => set((shown) => (shown?.id === dialog.id ? null : shown));
  const { Body, props } = dialog;
  return html`
    <dialog ref=${element} key=${dialog.id} class=${props.wide ? "wide" : ""} aria-labelledby="dialog-title"
      onClose=${closed} onClick=${(event) => { if (event.target === element.current) close(); }}>
      <${Body} ...${props} close=${close} />
    </dialog>`;
}

export const DialogHead = ({ title, close }) => html`
  <header><h2 id="dialog-title">${title}</h2>
    <button type="button" class="button plain square" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
  </header>`;

// Asks before something is destroyed.
export const askFirst = ({ title, text, verb, act }) => openDialog(ConfirmDialog, { title, text, verb, act });

const ConfirmDialog = ({ title, text, verb, act, close }) => html`
  <form onSubmit=${(event) => { event.preventDefault(); close(); act(); }}>
    <${DialogHead} title=${title} close=${close} />
    <p>${text}</p>
    <footer><${Button} onClick=${close}>Cancel<//><button type="submit" class="button danger solid">${verb}</button></footer>
  </form>`;

// --- menus ----------------------------------------------------------------------------------

// A button that opens a list of {icon, text, act, kind, off}. Arrow keys move in it.
export function Menu({ label, icon = "more", items, text, kind = "plain square" }) {
  const [place, set] = useState(null);
  const button = useRef();
  const list = useRef();
  const close = (focus = true) => {
    set(null);
    if (focus) button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!place) return undefined;
    const menu = list.current;
    const box = menu.getBoundingClientRect();
    const left = Math.max(8, Math.min(place.right - box.width, innerWidth - box.width - 8));
    const below = place.bottom + box.height + 8 < innerHeight;
    menu.style.left = `${left}px`;
    menu.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - box.height - 4)}px`;
    menu.querySelector("button")?.focus();
    const away = (event) => { if (!menu.contains(event.target)) close(false); };
    const scroll = () => close(false);
    document.addEventListener("pointerdown", away);
    addEventListener("scroll", scroll, { passive: true, once: true });
    return () => {
      document.removeEventListener("pointerdown", away);
      removeEventListener("scroll", scroll);
    };
  }, [place]);
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (step) {
      event.preventDefault();
      event.stopPropagation();
      const all = [...list.current.querySelectorAll("button:not(:disabled)")];
      const at = all.indexOf(document.activeElement);
      all.at((at + step + all.length) % all.length)?.focus();
    }
  };
  const shown = place ? (typeof items === "function" ? items() : items) : [];
  return html`
    <${Fragmented}>
      <button type="button" ref=${button} class=${`button ${kind}`} aria-label=${label} aria-haspopup="menu" aria-expanded=${String(!!place)}
        onClick=${(event) => { event.stopPropagation(); set(place ? null : button.current.getBoundingClientRect()); }}>
        <${Icon} name=${icon} />${text && html`<span>${text}</span>`}
      </button>
      ${place && createPortal(html`
        <div class="menu" role="menu" aria-label=${label} ref=${list} onKeyDown=${keys}>
          ${shown.map((item) => html`
            <button type="button" role="menuitem" class=${item.kind ?? ""} disabled=${item.off}
              onClick=${(event) => { event.stopPropagation(); close(); item.act(); }}>
              <${Icon} name=${item.icon} /><span>${item.text}</span>
            </button>`)}
        </div>`, document.getElementById("main"))}
    <//>`;
}

const Fragmented = ({ children }) => children;

export const Field = ({ label, hint, children, id }) => html`
  <div class="field"><label for=${id}>${label}</label>${children}${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}</div>`;

// `code` of a help text becomes <code>, *Words* <em>, [text](https://…) a link; the rest stays text.
export function Help({ text }) {
  const parts = text.split(/(`[^`]+`|\*[A-Z][^*]+\*|\[[^\]]+\]\(https?:[^)\s]+\)|https?:\/\/[^\s)<,]+)/);
  return html`${parts.map((part) => {
    if (/^`[^`]+`$/.test(part)) return html`<code>${part.slice(1, -1)}</code>`;
    if (/^\*[A-Z][^*]+\*$/.test(part)) return html`<em>${part.slice(1, -1)}</em>`;
    const link = /^\[([^\]]+)\]\((https?:[^)\s]+)\)$/.exec(part);
    if (link) return html`<a href=${link[2]} rel="noreferrer" target="_blank">${link[1]}</a>`;
    if (/^https?:/.test(part)) return html`<a href=${part.replace(/\.$/, "")} rel="noreferrer" target="_blank">${part.replace(/\.$/, "")}</a>${part.endsWith(".") ? "." : ""}`;
    return part;
  })}`;
}

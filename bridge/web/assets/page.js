// The page of the bridge: overview, story of one download, login. What comes from outside (names,
// notes, sentences of TorBox) goes into the page as text, never as HTML.

const ROOT = new URL("..", import.meta.url);
const STORY = /\/downloads\/([^/]+)\/?$/.exec(location.pathname)?.[1];
const PAUSE = 5000;
const BRIEF_PAUSE = 1000; // while the doctor looks
const PATIENCE = 15000;
const MOST_ROWS = 300;

const PHASES = {
  accepted: "waits for TorBox",
  submitting: "being added to TorBox",
  queued: "in TorBox's queue",
  remote: "TorBox downloads",
  ready: "ready to be fetched",
  delivering: "being fetched",
  delivered: "there, seeds",
  finished: "there",
  failed: "failed",
  gone: "removed",
};

const EVENTS = {
  note: "waits",
  arr: "with the *arr",
  gone: "cleaned up",
  joined: "wanted by another *arr, too",
  claim: "for one of several *arr",
  left: "removed for one of several *arr",
};

// Lists that may stand in api/bridge/status beside the downloads: of {name, category, why}.
const LISTS = {
  clean_up: "To be cleaned up",
  orphaned: "Nobody's any more",
};

const LEVELS = { problem: "bad", warning: "warn", ok: "good" };

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const byId = (id) => document.getElementById(id);

// Makes an element; what it holds are elements and texts.
function make(tag, attributes, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(element, yes) {
  element.hidden = !yes;
}

// --- asking ---------------------------------------------------------------------------------

let skew = 0; // the server's clock minus this one's, in milliseconds

async function ask(path, options = {}) {
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(new URL(path, ROOT), { cache: "no-store", signal, ...options });
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status, text);
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (date) skew = date - Date.now();
  return text;
}

const read = async (path, options) => JSON.parse(await ask(path, options));

// --- times ----------------------------------------------------------------------------------

const seconds = () => (Date.now() + skew) / 1000;

function span(amount) {
  const size = Math.max(0, amount);
  if (size < 90) return `${Math.round(size)} s`;
  if (size < 90 * 60) return `${Math.round(size / 60)} min`;
  if (size < 48 * 3600) return `${Math.round(size / 3600)} h`;
  return `${Math.round(size / 86400)} days`;
}

function moment(at) {
  const date = new Date(at * 1000);
  return make("time", { datetime: date.toISOString() }, date.toLocaleString());
}

function nextTry(row) {
  const idle = row.next_attempt_at <= 0 || ["finished", "failed"].includes(row.phase);
  if (idle || row.state === "pausedDL") return "";
  const left = row.next_attempt_at - seconds();
  return left > 1 ? `in ${span(left)}` : "";
}

// --- the headline ---------------------------------------------------------------------------

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

// What is not well, the worst first.
function complaints(status, check) {
  const broken = status.downloads.filter((row) => tone(row) === "bad").length;
  const mend = check.findings.filter((finding) => finding.level === "problem").length;
  const found = status.troubles.map((text) => ["bad", text]);
  if (mend) {
    found.push(["bad", `The check found ${count(mend, "problem", "problems")}: see below what to do`]);
  }
  if (broken) {
    found.push(["warn", `${count(broken, "download", "downloads")} failed: see why, below`]);
  }
  if (status.violations) {
    found.push(["warn", `${count(status.violations, "promise", "promises")} of the bridge's own do not hold: please report it, with the log`]);
  }
  return found;
}

function verdict(status, found) {
  if (status.troubles.length) return "Something keeps the bridge from its work";
  return found.length ? "The bridge works, and something needs you" : "All is well";
}

function tell(level, text, reasons = [], hint = "") {
  byId("headline").className = `card ${level}`;
  show(byId("headline"), true);
  write(byId("verdict"), text);
  write(byId("hint"), hint);
  const list = byId("reasons");
  const told = reasons.join("\n");
  if (list.dataset.told !== told) {
    list.dataset.told = told;
    list.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
  }
}

// --- the overview ---------------------------------------------------------------------------

function tone(row) {
  if (row.phase === "failed" || row.state === "missingFiles") return "bad";
  if (row.attention) return "warn";
  return ["finished", "delivered"].includes(row.phase) ? "good" : "";
}

function stateWords(row) {
  if (row.state === "pausedDL") return "stopped";
  if (row.state === "missingFiles") return "files are gone";
  return PHASES[row.phase] ?? row.phase;
}

function goingOn(row) {
  if (row.state === "missingFiles") return "Files of it are gone from the disk: start or recheck it in a client";
  return row.failure_message || row.failure_reason || row.note;
}

function newRow(hash) {
  const link = make("a", { href: new URL(`downloads/${encodeURIComponent(hash)}`, ROOT).href });
  const cell = (label) => make("td", { role: "cell", "data-label": label });
  const state = cell("State");
  state.append(make("span", { class: "badge" }), make("small", {}));
  const progress = cell("Progress");
  progress.append(make("progress", { max: "1" }), " ", make("small", {}));
  const going = cell("What is going on");
  going.append(make("span", { class: "going" }), make("small", {}));
  const tr = make("tr", { role: "row" });
  tr.append(make("th", { role: "rowheader", scope: "row" }, link), cell("Category"), state, progress, going, cell("Next try"));
  return tr;
}

function fillRow(tr, row) {
  const [name, category, state, progress, going, next] = tr.children;
  tr.className = tone(row);
  write(name.firstChild, row.name || row.hash);
  write(category, row.category);
  state.firstChild.className = `badge ${tone(row)}`;
  write(state.firstChild, stateWords(row));
  write(state.lastChild, row.state);
  const percent = `${Math.floor(row.progress * 100)} %`;
  progress.firstChild.value = row.progress;
  progress.firstChild.setAttribute("aria-label", percent);
  write(progress.lastChild, percent);
  write(going.firstChild, goingOn(row));
  write(going.lastChild, row.failure_reason ? [`reason: ${row.failure_reason}`, row.note].filter(Boolean).join("; ") : "");
  going.classList.toggle("empty", !going.textContent);
  write(next, nextTry(row));
}

// Rows stay the same elements, so that neither the focus nor a selection is lost.
const rows = new Map();

function showDownloads(downloads) {
  const body = byId("downloads").tBodies[0];
  const shown = downloads.slice(0, MOST_ROWS);
  const kept = new Set(shown.map((row) => row.hash));
  for (const [hash, tr] of rows) {
    if (!kept.has(hash)) {
      tr.remove();
      rows.delete(hash);
    }
  }
  shown.forEach((row, index) => {
    const tr = rows.get(row.hash) ?? newRow(row.hash);
    rows.set(row.hash, tr);
    fillRow(tr, row);
    if (body.children[index] !== tr) body.insertBefore(tr, body.children[index] ?? null);
  });
  show(byId("downloads"), downloads.length > 0);
  show(byId("no-downloads"), downloads.length === 0);
  const hidden = downloads.length - shown.length;
  show(byId("more-downloads"), hidden > 0);
  write(byId("more-downloads"), `and ${hidden} more`);
}

// Shows a part anew only if what it shows has changed.
const shownParts = new Map();

function part(name, value, render) {
  const told = JSON.stringify(value);
  if (shownParts.get(name) === told) return;
  shownParts.set(name, told);
  render(value);
}

function showCounts(counts) {
  const chips = Object.entries(counts)
    .filter(([, number]) => number > 0)
    .map(([phase, number]) => make("li", { class: phase === "failed" ? "bad" : "" }, `${PHASES[phase] ?? phase}: ${number}`));
  byId("counts").replaceChildren(...chips);
}

function goes(entry) {
  return entry.at ? `goes in ${span(entry.at - seconds())}` : "";
}

function showLists(lists) {
  const sections = Object.entries(lists).map(([key, entries]) => {
    const items = entries.map((entry) =>
      make("li", {}, make("strong", {}, entry.name), " ", make("small", {}, entry.category ?? ""), make("p", {}, [entry.why, goes(entry)].filter(Boolean).join("; "))),
    );
    return make("section", { "aria-label": LISTS[key] }, make("h2", {}, LISTS[key]), make("ul", { class: "findings" }, ...items));
  });
  byId("lists").replaceChildren(...sections);
}

function finding(found) {
  const item = make("li", {}, make("span", { class: `badge ${LEVELS[found.level] ?? ""}` }, found.level), " ", make("strong", {}, found.subject), make("p", {}, found.text));
  if (found.fix) item.append(make("p", { class: "fix" }, found.fix));
  return item;
}

function showFindings(findings) {
  const order = ["problem", "warning"];
  const mend = findings.filter((found) => order.includes(found.level));
  mend.sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
  const fine = findings.filter((found) => !order.includes(found.level));
  byId("findings").replaceChildren(...mend.map(finding));
  const details = byId("fine");
  show(details, fine.length > 0);
  write(details.querySelector("summary"), `${count(fine.length, "thing is", "things are")} as they should be`);
  details.querySelector("ul").replaceChildren(...fine.map(finding));
}

let looking = false;

function showTaken(check) {
  looking = check.running;
  const mend = check.findings.some((found) => found.level !== "ok");
  const at = new Date(check.taken_at * 1000).toLocaleString();
  const when = check.taken_at === null ? "Not looked yet." : `Looked at ${at}.${mend ? "" : " Nothing to mend."}`;
  write(byId("taken"), check.running ? "Looking …" : when);
  byId("look").disabled = check.running;
}

async function overview() {
  const [status, check] = await Promise.all([read("api/bridge/status"), read("api/bridge/check")]);
  const found = complaints(status, check);
  const hint = status.troubles.length ? "It takes what is added all the same, and goes on by itself when it can." : "";
  tell(found[0]?.[0] ?? "good", verdict(status, found), found.map(([, text]) => text), hint);
  part("counts", status.counts, showCounts);
  showDownloads(status.downloads);
  part("lists", Object.fromEntries(Object.keys(LISTS).filter((key) => status[key]?.length).map((key) => [key, status[key]])), showLists);
  part("findings", check.findings, showFindings);
  showTaken(check);
  show(byId("overview"), true);
}

// --- the story of one download ----------------------------------------------------------------

function facts(story) {
  const found = [
    ["Category", story.category],
    ["State", story.state ? `${stateWords(story)} (${story.state})` : stateWords(story)],
    ["Progress", `${Math.floor(story.progress * 100)} %`],
    ["Why it failed", story.failure_message],
    ["Reason", story.failure_reason],
    [story.failure_reason ? "What was done" : "What stands in its way", story.note],
    ["Next try", nextTry(story)],
    ["At TorBox", story.torrent_id ?? (story.queued_id === null ? "" : `in its queue, as ${story.queued_id}`)],
    ["Hash", story.hash],
  ];
  return found.filter(([, value]) => value !== "" && value !== null);
}

function event(happened) {
  const change = [happened.before, happened.after].filter(Boolean).map((word) => PHASES[word] ?? word).join(" → ");
  const cell = (label, ...inside) => make("td", { role: "cell", "data-label": label }, ...inside);
  const what = happened.kind === "phase" ? change : `${EVENTS[happened.kind] ?? happened.kind}${change ? `: ${change}` : ""}`;
  return make("tr", { role: "row" }, cell("When", moment(happened.at)), cell("What", what), cell("Why", happened.why));
}

async function story() {
  const told = await read(`api/bridge/downloads/${STORY}`);
  write(byId("story-title"), told.name || told.hash);
  part("facts", facts(told), (found) =>
    byId("facts").replaceChildren(...found.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))])),
  );
  part("events", told.events, (events) => byId("events").tBodies[0].replaceChildren(...events.map(event)));
  show(byId("headline"), false);
  show(byId("story"), true);
}

// --- login --------------------------------------------------------------------------------------

let inside = false;

function askForLogin(words) {
  for (const id of ["headline", "overview", "story", "logout"]) show(byId(id), false);
  // Nothing of a session stays in the page once it is over.
  for (const element of [byId("counts"), byId("lists"), byId("findings"), byId("facts"), byId("reasons")]) element.replaceChildren();
  for (const id of ["downloads", "events"]) byId(id).tBodies[0].replaceChildren();
  byId("fine").querySelector("ul").replaceChildren();
  write(byId("story-title"), "");
  write(byId("updated"), "");
  delete byId("reasons").dataset.told;
  rows.clear();
  shownParts.clear();
  document.title = "torbox-bridge";
  inside = false;
  write(byId("login-told"), words);
  if (byId("login").hidden) {
    show(byId("login"), true);
    byId("username").focus();
  }
}

const CROSS_SITE = "The bridge takes this page for another site's (401). Behind a reverse proxy, pass on Host as the browser sent it, or list the proxy in server.trusted_proxies.";

async function login(submitted) {
  submitted.preventDefault();
  const button = byId("login").querySelector("button");
  button.disabled = true;
  write(byId("login-told"), "");
  try {
    const body = new URLSearchParams(new FormData(submitted.target));
    const answer = await ask("api/v2/auth/login", { method: "POST", body });
    if (answer === "Ok.") {
      byId("password").value = "";
      show(byId("login"), false);
      await refresh();
      byId(STORY ? "story-title" : "verdict").focus();
    } else {
      write(byId("login-told"), "That name or password is not right. After five wrong ones this address has to wait for an hour.");
    }
  } catch (error) {
    write(byId("login-told"), loginTrouble(error));
  } finally {
    button.disabled = false;
  }
}

function loginTrouble(error) {
  if (error.status === 403) return "Too many wrong passwords came from this address. It has to wait for an hour; a restart of the bridge ends that, too.";
  if (error.status === 401) return CROSS_SITE;
  return error.status ? `The bridge could not do that (${error.status}).` : "The bridge does not answer.";
}

async function logout() {
  try {
    await ask("api/v2/auth/logout", { method: "POST" });
    askForLogin("You are logged out.");
  } catch (error) {
    failed(error);
  }
}

// --- going round ----------------------------------------------------------------------------------

let timer;
let since = null; // when the bridge stopped answering

async function refresh() {
  clearTimeout(timer);
  try {
    await (STORY ? story() : overview());
    since = null;
    inside = true;
    document.body.classList.remove("stale");
    show(byId("login"), false);
    show(byId("logout"), true);
    write(byId("updated"), `as of ${new Date().toLocaleTimeString()}`);
    document.title = STORY ? `${byId("story-title").textContent} · torbox-bridge` : `${byId("verdict").textContent} · torbox-bridge`;
  } catch (error) {
    failed(error);
  }
  clearTimeout(timer);
  if (!document.hidden && byId("login").hidden) timer = setTimeout(refresh, looking ? BRIEF_PAUSE : PAUSE);
}

function failed(error) {
  if (error.status === 403) {
    askForLogin(inside ? "Your session has ended. Log in again." : "");
  } else if (error.status === 401) {
    askForLogin(CROSS_SITE);
  } else if (error.status === 404 && STORY) {
    tell("warn", "There is no such download, and there never was");
  } else {
    since ??= new Date();
    document.body.classList.add("stale");
    const why = error.status ? `It answers with an error (${error.status}).` : "Does it run? Is there a network?";
    const old = inside ? " What is shown below is from before." : "";
    tell("bad", `The bridge does not answer since ${since.toLocaleTimeString()}`, [`${why}${old}`]);
    document.title = "No answer · torbox-bridge";
  }
}

async function look() {
  byId("look").disabled = true;
  write(byId("taken"), "Looking …");
  try {
    await ask("api/bridge/check", { method: "POST" });
    await refresh();
  } catch (error) {
    failed(error);
  }
}

byId("login").querySelector("form").addEventListener("submit", login);
byId("logout").addEventListener("click", logout);
byId("look").addEventListener("click", look);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && byId("login").hidden) refresh();
});
refresh();

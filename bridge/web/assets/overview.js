// The overview: problems, TorBox and its limits, speeds, disks, the *arr.

import { bytes, clock, count, date, html, now, post, span, speed, storage, useState, why, words } from "./lib.js";
import { Button, Icon, Progress, say } from "./parts.js";
import { readCheck, rows, state, useStore } from "./store.js";

const LEVELS = { problem: "bad", warning: "warn", ok: "good" };

export function totals() {
  let fetching = 0;
  let torbox = 0;
  for (const row of rows.values()) {
    if (!row.speed) continue;
    if (row.group === "fetching") fetching += row.speed;
    else if (row.group === "torbox") torbox += row.speed;
  }
  return { fetching, torbox };
}

// --- problems -------------------------------------------------------------------------------

export function Notices({ go }) {
  const { overview, check, problem } = useStore();
  if (!overview) return null;
  const noKey = overview.torbox.state === "no_key";
  const calm = (one) => one.level === "ok" || one.fix.startsWith("Nothing to do") || (noKey && one.subject === "torbox");
  const found = (check?.findings ?? []).filter((one) => !calm(one));
  const blockers = overview.blockers.filter((one) => !(noKey && one.kind === "bad_key"));
  return html`
    <div class="notices">
      ${problem && html`<p class="notice bad" role="alert"><${Icon} name="bad" /><span>${problem}</span></p>`}
      ${noKey && html`
        <div class="notice warn"><${Icon} name="warn" />
          <p><b>The bridge needs your TorBox API key.</b> Until then downloads wait.</p>
          <${Button} kind="primary" onClick=${() => go("setup")}>Set up<//></div>`}
      ${blockers.map((one) => html`
        <div class=${`notice ${one.kind === "no_slot" ? "info" : "warn"}`} key=${one.kind + one.text}>
          <${Icon} name=${one.kind === "no_slot" ? "clock" : "warn"} />
          <p><b>${one.text}.</b>${" "}
          ${one.next_attempt_at ? words(`Next attempt {in:${Math.round(one.next_attempt_at)}}.`) : ""}${" "}
          ${one.kind === "no_slot" ? "What TorBox has cached goes on." : one.kind === "disk" ? "Its downloads are tried again; nothing is deleted at TorBox." : "Fetches go on, the rest waits, and nothing is lost."}</p>
          ${one.kind === "bad_key" && html`<${Button} kind="primary" onClick=${() => go("setup")}>Enter another key<//>`}
        </div>`)}
      ${overview.security.map((one) => html`<p class="notice warn" key=${one}><${Icon} name="warn" /><span><b>Failed logins.</b> ${one}.</span></p>`)}
      ${overview.violations > 0 && html`<p class="notice warn"><${Icon} name="warn" /><span>${count(overview.violations, "invariant does", "invariants do")} not hold. Please report it, with the log.</span></p>`}
      ${overview.unapplied.length > 0 && html`
        <p class="notice info"><${Icon} name="retry" /><span><b>Saved settings take effect after a restart of the bridge:</b> ${overview.unapplied.join(", ")}.</span></p>`}
      <${CheckNotice} found=${found} check=${check} />
    </div>`;
}

function CheckNotice({ found, check }) {
  const [open, set] = useState(false);
  if (!found.length) return null;
  const problems = found.filter((one) => one.level === "problem").length;
  const text = problems
    ? `The check found ${count(problems, "problem")}${found.length > problems ? ` and ${count(found.length - problems, "warning")}` : ""}`
    : `The check found ${count(found.length, "warning")}`;
  return html`
    <section class=${`notice ${problems ? "bad" : "info"} stack`} aria-label="Check">
      <div class="line"><${Icon} name=${problems ? "bad" : "warn"} /><b>${text}</b>
        <${Button} kind="plain" aria-expanded=${String(open)} onClick=${() => set(!open)}>${open ? "Hide" : "Show what to do"}<//></div>
      ${open && html`<${Findings} findings=${found} /><${CheckAgain} check=${check} />`}
    </section>`;
}

export const Findings = ({ findings }) => html`
  <ul class="findings">
    ${findings.map((one) => html`
      <li><span class=${`badge ${LEVELS[one.level] ?? ""}`}>${one.level}</span>
        <div><p><b>${one.subject}</b>: ${one.text}</p>${one.fix && html`<p class="fix">${one.fix}</p>`}</div></li>`)}
  </ul>`;

export function CheckAgain({ check }) {
  const look = async () => {
    try {
      await post("api/bridge/check");
      setTimeout(readCheck, 500);
    } catch (error) {
      say(why(error), { kind: "bad" });
    }
  };
  return html`
    <div class="line"><${Button} icon="retry" disabled=${check?.running} onClick=${look}>${check?.running ? "Checking…" : "Check again"}<//>
      ${check?.taken_at && html`<span class="faint">Checked at ${clock(check.taken_at)}</span>`}</div>`;
}

// --- the cards ------------------------------------------------------------------------------

const STATES = {
  ok: ["good", "Connected"],
  down: ["bad", "Not reachable"],
  bad_key: ["bad", "API key rejected"],
  no_key: ["warn", "No API key"],
};

export function TorBoxPill() {
  const { overview } = useStore();
  if (!overview) return null;
  const [tone, text] = STATES[overview.torbox.state] ?? ["warn", overview.torbox.state];
  return html`<span class=${`pill ${tone}`} title=${overview.torbox.text}><i></i><span>TorBox<span class="wide-only">: ${text.toLowerCase().replace("api", "API")}</span></span></span>`;
}

export function Cards() {
  const { overview } = useStore();
  const [open, set] = useState(storage.read("cards", !matchMedia("(max-width: 47.99rem)").matches));
  if (!overview) return html`<div class="cards loading" aria-hidden="true"><div class="card"></div><div class="card"></div><div class="card"></div><div class="card"></div></div>`;
  const toggle = () => { storage.write("cards", !open); set(!open); };
  return html`
    <section class=${`cards ${open ? "" : "closed"}`} aria-label="Overview">
      <${TorBoxCard} overview=${overview} toggle=${toggle} open=${open} />
      <${SpeedCard} overview=${overview} />
      <${LimitsCard} overview=${overview} />
      <${PlacesCard} overview=${overview} />
    </section>`;
}

function TorBoxCard({ overview, toggle, open }) {
  const { torbox, slots } = overview;
  const [tone, text] = STATES[torbox.state] ?? ["warn", torbox.state];
  const ends = torbox.plan_ends_at;
  const soon = ends && ends - now() < 7 * 86400;
  return html`
    <div class="card">
      <h2><span>TorBox</span><span class=${`badge ${tone}`}>${text}</span>
        <button type="button" class="button plain square narrow-only" aria-expanded=${String(open)} aria-label="Overview" onClick=${toggle}><${Icon} name="down" /></button></h2>
      <p class="figure">${slots.used}<small> of ${slots.total ?? "?"} slots</small></p>
      <${Progress} share=${slots.total ? slots.used / slots.total : 0} label="TorBox slots in use" kind=${slots.total && slots.used >= slots.total ? "warn" : ""} />
      <p class="faint">${[
        torbox.plan && `Plan ${torbox.plan}`,
        ends && torbox.plan !== "Free" && (ends < now() ? `expired ${date(ends)}` : `until ${date(ends)}`),
        slots.queued_at_torbox && `${slots.queued_at_torbox} in TorBox's queue`,
      ].filter(Boolean).join(" · ") || "The account has not been read yet"}</p>
      ${soon && torbox.plan !== "Free" && html`<p class="warn-text">${ends < now() ? "The plan has expired" : `The plan ends in ${span(ends - now())}`}</p>`}
      ${torbox.cooldown_until > now() && html`<p class="warn-text">TorBox accepts nothing new until ${clock(torbox.cooldown_until)}</p>`}
    </div>`;
}

function SpeedCard({ overview }) {
  const { fetching, torbox } = totals();
  const points = Math.max(SHORTEST, overview.fetch_speeds.length);
  return html`
    <div class="card">
      <h2><span>Speed</span><span class="faint">last ${points * overview.sample_seconds >= 3600 ? "hour" : span(points * overview.sample_seconds)}</span></h2>
      <p class="figure">${speed(fetching)}</p>
      <${Spark} values=${overview.fetch_speeds} other=${overview.torbox_speeds} points=${points} />
      <p class="faint keys"><span><i class="key one"></i>to disk</span><span><i class="key two"></i>at TorBox ${speed(torbox)}</span></p>
    </div>`;
}

const SHORTEST = 40; // samples that the chart has room for at least

function Spark({ values, other, points }) {
  const most = Math.max(1, ...values, ...other);
  const line = (series) => {
    const from = points - series.length;
    return series.map((value, index) => `${((from + index) / (points - 1) * 100).toFixed(1)},${(29 - (value / most) * 27).toFixed(1)}`).join(" ");
  };
  const label = most > 1 ? `Speed over the last hour, at most ${speed(most)}` : "Speed over the last hour: nothing was transferred";
  return html`
    <svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label=${label}>
      ${other.length > 1 && html`<polyline class="two" points=${line(other)} />`}
      ${values.length > 1 && html`<polygon class="area" points=${`${((points - values.length) / (points - 1) * 100).toFixed(1)},30 ${line(values)} 100,30`} /><polyline class="one" points=${line(values)} />`}
    </svg>`;
}

function LimitsCard({ overview }) {
  const [hour, ...minute] = overview.budgets;
  const tight = minute.filter((one) => one.left < one.limit / 4);
  const refill = ({ limit, free_at, full_at }) => words([
    free_at && `Next {in:${Math.round(free_at)}}`, full_at && `${free_at ? "all" : "All"} ${limit} again {in:${Math.round(full_at)}}`,
  ].filter(Boolean).join(", "));
  const window = (one) => (one.seconds >= 3600 ? "this hour" : "this minute");
  return html`
    <div class="card">
      <h2><span>Limits</span><span class="faint">${window(hour)}</span></h2>
      <p class="figure">${hour.left}<small> of ${hour.limit} adds left</small></p>
      <${Progress} share=${hour.left / hour.limit} label="Adds left this hour" kind=${hour.left < hour.limit / 10 ? "warn" : ""} />
      <p class="faint">${refill(hour) || "Cached torrents do not count"}</p>
      ${tight.map((one) => html`<p class="warn-text">${one.name}: ${one.left} of ${one.limit} calls left ${window(one)}. ${refill(one)}</p>`)}
    </div>`;
}

function PlacesCard({ overview }) {
  return html`
    <div class="card">
      <h2><span>Disk and *arr</span></h2>
      ${overview.disks.map((disk) => html`
        <div class="disk" title=${disk.paths.join("\n")}>
          <p><b>${bytes(disk.free)}</b> free of ${bytes(disk.total)}</p>
          <${Progress} share=${disk.total ? 1 - disk.free / disk.total : 0} label=${`Used on ${disk.paths[0]}`} kind=${disk.free < disk.total / 20 ? "warn" : ""} />
          <p class="faint path">${disk.paths.length > 1 ? `${disk.paths[0]} and ${disk.paths.length - 1} more` : disk.paths[0]}</p>
        </div>`)}
      <ul class="arrs">
        ${overview.arrs.map((arr) => html`
          <li><a class=${`pill ${arr.reachable === null ? "" : arr.reachable ? "good" : "bad"}`} href=${arr.url} rel="noreferrer" target="_blank"
            title=${arr.text}><i></i>${arr.name}<span class="hidden">: ${arr.reachable === null ? "not asked yet" : arr.reachable ? "reachable" : `not reachable, ${arr.text}`}</span></a></li>`)}
        ${!overview.arrs.length && html`<li class="faint">No *arr is connected</li>`}
      </ul>
      ${overview.arrs.filter((arr) => arr.reachable === false).map((arr) => html`<p class="warn-text" key=${arr.name}>${arr.name} does not answer: ${arr.text}</p>`)}
    </div>`;
}

// One download: its next step, its events, its files, TorBox's item.

import { ROOT, ask, breakable, brief, bytes, copy, date, get, html, moment, now, percent, post, span, speed, useEffect, useRef, useState, why, words } from "./lib.js";
import { itemsFor } from "./actions.js";
import { GROUPS } from "./downloads.js";
import { Button, Help, Menu, Progress, say } from "./parts.js";
import { rows, useStore, useTick } from "./store.js";

const PHASES = {
  accepted: "Accepted, waits for TorBox",
  submitting: "Being added to TorBox",
  queued: "In TorBox's queue",
  remote: "TorBox downloads",
  ready: "Ready to be fetched",
  delivering: "Being fetched",
  delivered: "Delivered, seeding",
  finished: "Completed",
  failed: "Failed",
  gone: "Removed",
};
const EVENTS = {
  added: "Added",
  note: "Waits",
  arr: "*arr",
  removed: "Removed",
  gone: "Cleaned up",
  left: "Removed for one of several clients",
};
const MODES = { download: "Fetched to disk", aria2: "Fetched by aria2", symlink: "Links to the mount", strm: ".strm files", none: "Stays at TorBox" };

export function Story({ id, go }) {
  const [story, set] = useState(null);
  const [problem, setProblem] = useState("");
  useStore();
  useTick(1000);
  const row = rows.get(story?.id ?? Number(id));
  const last = useRef();
  last.current = row?.group;
  const title = useRef();
  const read = async () => {
    try {
      set(await get(`api/bridge/downloads/${encodeURIComponent(id)}`));
      setProblem("");
    } catch (error) {
      setProblem(error.status === 404 ? "The bridge has never seen this download" : why(error));
    }
  };
  // Loaded again when its row changes, and at an interval while its files are fetched.
  useEffect(() => { read(); }, [id, row]);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden && last.current !== "completed") read(); }, 5000);
    return () => clearInterval(timer);
  }, [id]);
  useEffect(() => { if (story) document.title = `${story.name || story.hash} · torbox-bridge`; }, [story?.name]);
  useEffect(() => { title.current?.focus({ preventScroll: true }); }, [!story]);
  if (problem && !story) return html`<${Back} go=${go} /><p class="notice bad" role="alert">${problem}</p>`;
  if (!story) return html`<${Back} go=${go} /><p class="loading-text" role="status">Loading…</p>`;
  const shown = row ?? story.row;
  const [state, tone] = shown ? GROUPS[shown.group] : ["Removed", "calm"];
  const report = async () => {
    try {
      await copy(await ask(`api/bridge/downloads/${encodeURIComponent(id)}/report`));
      say("The report is on the clipboard, without keys, passwords and links");
    } catch (error) {
      say(why(error), { kind: "bad" });
    }
  };
  const items = shown ? itemsFor([shown], () => leave(go)) : [];
  const direct = items.filter((item) => ["Pause", "Resume", "Retry"].includes(item.text));
  return html`
    <${Back} go=${go} />
    <article class="story">
      <header>
        <h1 ref=${title} tabindex="-1">${breakable(story.name || story.hash)}</h1>
        <div class="line wrap">
          <span class=${`badge ${tone}`}>${state}</span>
          ${story.category && html`<span class="badge">${story.category}</span>`}
          ${(shown?.tags ?? []).map((tag) => html`<span class="badge">#${tag}</span>`)}
          <span class="spring"></span>
          ${direct.map((item) => html`<${Button} icon=${item.icon} onClick=${item.act}>${item.text}<//>`)}
          <${Button} icon="copy" onClick=${report}>Copy report<//>
          ${items.length > 0 && html`<${Menu} label="More actions" text="More" kind="" items=${items.filter((item) => !direct.includes(item))} />`}
        </div>
      </header>
      ${shown && html`
        <section class="card" aria-label="Now">
          <p class="big" role="status">${words(shown.doing)}</p>
          ${story.next && html`<p class="next">${words(story.next)}</p>`}
          <${Progress} share=${shown.progress ?? 0} label="Progress" kind=${tone} />
          <p class="faint">${[percent(shown.progress ?? 0), shown.size && bytes(shown.size), shown.speed && speed(shown.speed), shown.eta !== undefined && `${brief(shown.eta)} left`].filter(Boolean).join(" · ")}</p>
        </section>`}
      <div class="split">
        <${Timeline} story=${story} />
        <div class="stack">
          <${Facts} story=${story} row=${shown} />
          ${story.remote && html`<${Remote} remote=${story.remote} story=${story} />`}
        </div>
      </div>
      <${Files} story=${story} id=${id} read=${read} />
    </article>`;
}

const leave = (go) => (history.state?.inner ? history.back() : go(""));

const Back = ({ go }) => html`
  <p class="back"><a href=${ROOT.href} onClick=${(event) => { event.preventDefault(); leave(go); }}>← All downloads</a></p>`;

// A wait is noted together with its change of phase: one of the two is enough. Attempts that ended
// in the same way, one after the other, are one line.
function folded(all) {
  const events = [];
  for (const event of all) {
    const [before, last] = [events.at(-2), events.at(-1)];
    if (event.kind === "note" && event.why === last?.why) continue;
    if (event.why && event.after === before?.after && event.why === before.why && last.after === "submitting") {
      events.splice(-2, 2, { ...before, tries: (before.tries ?? 1) + 1 });
    } else events.push(event);
  }
  return events;
}

function Timeline({ story }) {
  const events = folded(story.events);
  const end = story.phase === "gone" || ["finished", "failed"].includes(story.phase) ? null : now();
  return html`
    <section class="card" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <ol class="timeline">
        ${events.map((event, index) => {
          const next = events[index + 1]?.at ?? end;
          const { tries } = event;
          const advice = event.kind === "note" && events[index + 1]?.after === "failed";
          const what = advice ? "What to do" : event.kind === "phase" ? PHASES[event.after] ?? event.after : EVENTS[event.kind] ?? event.kind;
          const tone = event.after === "failed" ? "bad" : event.kind === "note" ? "warn" : ["finished", "delivered"].includes(event.after) ? "good" : "";
          return html`
            <li class=${tone} key=${`${event.at} ${index}`}>
              <p><b>${what}</b>${next && next - event.at >= 1 ? html`<span class="faint"> for ${span(next - event.at)}</span>` : ""}${tries ? html`<span class="faint">, tried ${tries} times</span>` : ""}</p>
              ${event.why && event.why !== event.after && html`<p><${Help} text=${event.why.replace(/^[A-Z]+(_[A-Z]+)+: /, "TorBox says: ")} /></p>`}
              <time class="faint" datetime=${new Date(event.at * 1000).toISOString()}>${moment(event.at)}</time>
            </li>`;
        })}
        ${!events.length && html`<li>Nothing is noted yet.</li>`}
      </ol>
    </section>`;
}

const Fact = ({ name, children }) => (children ? html`<dt>${name}</dt><dd>${children}</dd>` : null);

function Facts({ story, row }) {
  const parts = story.files.length;
  return html`
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Download</h2>
      <dl>
        <${Fact} name="Added">${row && `${moment(row.added)}${story.asked_by ? `, by ${story.asked_by}` : ""}`}<//>
        <${Fact} name="Completed">${story.completed_at && `${moment(story.completed_at)}${row ? `, after ${span(story.completed_at - row.added)}` : ""}`}<//>
        <${Fact} name="Imported">${story.imported_at && moment(story.imported_at)}<//>
        <${Fact} name="Failed">${story.failure_message && `${story.failure_message} (${story.failure_reason})`}<//>
        <${Fact} name="On disk">${row && html`<code>${story.content_path}</code>`}<//>
        <${Fact} name="Delivery">${story.mode && (MODES[story.mode] ?? story.mode)}<//>
        <${Fact} name="Size">${row?.size && `${bytes(row.size)}${parts ? `, ${parts} ${parts === 1 ? "file" : "files"}` : ""}`}<//>
        <${Fact} name="Info-hash"><code>${story.hash}</code>${story.private ? " private" : ""}<//>
        <${Fact} name="In the *arr">${story.links.length > 0 && story.links.map((link) => html`<a href=${link.url} rel="noreferrer" target="_blank">${link.name}</a> `)}<//>
      </dl>
    </section>`;
}

function Remote({ remote, story }) {
  const { overview } = useStore();
  return html`
    <section class="card" aria-labelledby="remote-title">
      <h2 id="remote-title">At TorBox${overview?.torbox.state === "ok" ? "" : ", as last reported"}</h2>
      <dl>
        <${Fact} name="State">${`${remote.state || "not told"}${remote.message ? `: ${remote.message}` : ""}`}<//>
        <${Fact} name="Progress">${`${percent(remote.progress)} of ${bytes(remote.size)}`}<//>
        <${Fact} name="Speeds">${`↓ ${speed(remote.download_speed)}, ↑ ${speed(remote.upload_speed)}`}<//>
        <${Fact} name="Swarm">${`${remote.seeds} seeds, ${remote.peers} peers`}<//>
        <${Fact} name="Seeded">${remote.uploaded > 0 && `${bytes(remote.uploaded)}, ratio ${remote.ratio.toFixed(2)}`}<//>
        <${Fact} name="Slot">${remote.active ? "holds a slot" : "holds no slot"}<//>
        <${Fact} name="Added">${remote.created_at && moment(remote.created_at)}<//>
        <${Fact} name="Kept until">${remote.expires_at && date(remote.expires_at)}<//>
        <${Fact} name="Id">${story.torrent_id && `${story.torrent_id}, ${story.ours ? "added by the bridge" : "was there before"}`}<//>
      </dl>
    </section>`;
}

const MOST = 1000;

function Files({ story, id, read }) {
  const [busy, setBusy] = useState(false);
  if (!story.files.length) return null;
  const turn = async (file) => {
    setBusy(true);
    try {
      await post(`api/bridge/downloads/${encodeURIComponent(id)}/files`, { indexes: [file.index], priority: file.chosen ? 0 : 1 });
      await read();
    } catch (error) {
      say(why(error), { kind: "bad" });
    }
    setBusy(false);
  };
  return html`
    <section class="card" aria-labelledby="files-title">
      <h2 id="files-title">Files</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="List of files">
        <table class="cards-when-narrow files">
          <thead><tr><th scope="col">Wanted</th><th scope="col">Path below ${story.save_path}</th><th scope="col">Size</th><th scope="col">Progress</th></tr></thead>
          <tbody>
            ${story.files.slice(0, MOST).map((file) => html`
              <tr key=${file.index}>
                <td data-label="Wanted"><input type="checkbox" aria-label=${`Wanted: ${file.name}`} checked=${file.chosen} disabled=${busy || (file.chosen && file.progress >= 1)} onChange=${() => turn(file)} /></td>
                <td class="path">${breakable(file.name)}</td><td data-label="Size">${bytes(file.size)}</td>
                <td class="c-progress">${file.chosen ? html`<${Progress} share=${file.progress} label=${file.name} /><span>${percent(file.progress)}</span>` : html`<span class="faint">left out</span>`}</td>
              </tr>`)}
          </tbody>
        </table>
        ${story.files.length > MOST && html`<p class="faint">and ${story.files.length - MOST} more</p>`}
      </div>
    </section>`;
}

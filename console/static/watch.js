// The watch list: refreshed by hint or every minute, and no row moves under the cursor.

import { now, setServerTime, wallClock } from "./clock.js";

const EVERY_MS = 60_000;
const HINT_MS = 5_000; // a burst of hints is one look
const RETRY_MS = 30_000;
const KEYS = "anju-keys";

const main = document.querySelector("[data-watch]");
const held = document.getElementById("watch-held");
const lost = document.getElementById("watch-lost");
const at = document.getElementById("watch-at");

let waiting = null; // the newest rows of the server while they must not be shown
let pointerInside = false;
let lastLook = now();
let looking = false;
let planned = null;

const list = () => document.getElementById("watch-rows");
const rows = () => [...list().querySelectorAll(".watch-row")];
const inList = () => list().contains(document.activeElement);
const busy = () => pointerInside || inList();

function show(fresh) {
  const cursor = document.activeElement?.closest?.(".watch-row")?.id;
  waiting = null;
  held.hidden = true;
  list().replaceWith(fresh);
  watchPointer(fresh);
  if (cursor) document.querySelector(`#${CSS.escape(cursor)} a`)?.focus({ preventScroll: true });
}

// Rows that stay are brought up to date in their places; those that are over are struck out.
function updateInPlace(fresh) {
  const byId = new Map([...fresh.querySelectorAll(".watch-row")].map((row) => [row.id, row]));
  for (const row of rows()) {
    const newer = byId.get(row.id);
    row.classList.toggle("is-gone", !newer);
    if (!newer || row.innerHTML === newer.innerHTML) continue;
    const focused = row.contains(document.activeElement);
    const copy = newer.cloneNode(true);
    row.replaceWith(copy);
    if (focused) copy.querySelector("a").focus({ preventScroll: true });
  }
}

const order = (root) => [...root.querySelectorAll(".watch-row")].map((row) => row.id).join(" ");

function take(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const counts = parsed.getElementById("watch-counts");
  const fresh = parsed.getElementById("watch-rows");
  if (!counts || !fresh) return;
  const tabs = document.getElementById("watch-counts");
  if (!tabs.contains(document.activeElement)) tabs.replaceWith(document.adoptNode(counts));
  document.adoptNode(fresh);
  if (busy() && order(fresh) !== order(list())) {
    updateInPlace(fresh);
    waiting = fresh;
    held.hidden = false;
  } else if (busy()) {
    updateInPlace(fresh);
  } else show(fresh);
}

async function look() {
  if (looking) return;
  looking = true;
  lastLook = now();
  try {
    const answer = await fetch(main.dataset.watch, {
      headers: { "HX-Request": "true" },
      signal: AbortSignal.timeout(20_000),
    });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) location.assign(elsewhere);
    if (!answer.ok) throw new Error(String(answer.status));
    setServerTime(answer.headers.get("X-Anju-Now"));
    take(await answer.text());
    at.textContent = wallClock(now());
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  looking = false;
}

function hint() {
  planned ??= setTimeout(() => {
    planned = null;
    look();
  }, Math.max(lastLook + HINT_MS - now(), 0));
}

function listen() {
  const stream = new EventSource("/api/v1/stream");
  for (const topic of ["incident", "device", "resync"]) stream.addEventListener(topic, hint);
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  };
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const current = all.findIndex((row) => row.contains(document.activeElement));
  const target = current < 0 ? 0 : Math.min(Math.max(current + by, 0), all.length - 1);
  all[target].querySelector("a").focus();
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => document.getElementById("watch-q").focus(),
  ".": () => waiting && show(waiting),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape") document.activeElement?.blur();
  const action = actions[event.key.toLowerCase()];
  if (!action || typing || localStorage.getItem(KEYS) === "off") return;
  event.preventDefault();
  action();
});

function settle() {
  if (waiting && !busy()) show(waiting);
}

function watchPointer(region) {
  pointerInside = region.matches(":hover");
  region.addEventListener("pointerenter", (event) => (pointerInside = event.pointerType === "mouse"));
  region.addEventListener("pointerleave", () => {
    pointerInside = false;
    settle();
  });
  region.addEventListener("focusout", () => setTimeout(settle));
}

held.querySelector("button").addEventListener("click", () => waiting && show(waiting));
watchPointer(list());
setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
listen();

// The queue: rows never move under the pointer or the keyboard's cursor; newcomers wait in a bar.

import { ring } from "./sound.js";

const scroll = document.getElementById("queue-scroll");
const bar = document.getElementById("newcomers");
const button = bar.querySelector("button");
const me = document.body.dataset.me;

let known = new Map(); // id → how often it was reported
let waiting = null; // the newest queue of the server while it must not be shown
let pointerInside = false;
let showing = false;

export const rows = () => [...scroll.querySelectorAll(".row")];
const queue = () => document.getElementById("queue");
const busy = () => pointerInside || scroll.contains(document.activeElement);

function reports(list) {
  return new Map(list.map((row) => [row.dataset.id, Number(row.dataset.findings)]));
}

// Which rows of a fresh queue make a sound: new ones, life safety reported once more, and a check
// that the desk has to phone for by now.
function announce(fresh) {
  const list = [...fresh.querySelectorAll(".row")];
  const news = list.filter((row) => !known.has(row.dataset.id));
  const again = list.filter(
    (row) =>
      Number(row.dataset.findings) > (known.get(row.dataset.id) ?? Infinity) &&
      (row.dataset.stage === "check" ||
        (row.dataset.severity === "life_safety" &&
          (row.dataset.stage === "open" || row.dataset.owner === me))),
  );
  for (const severity of ["life_safety", "welfare"]) {
    if ([...news, ...again].some((row) => row.dataset.severity === severity)) {
      ring(severity);
      break;
    }
  }
  known = new Map([...known, ...reports(list)]);
  return news;
}

// Update the rows that stay, in their places; say which are over; keep the new ones back.
function updateInPlace(fresh) {
  const byId = new Map([...fresh.querySelectorAll(".row")].map((row) => [row.dataset.id, row]));
  for (const row of rows()) {
    const newer = byId.get(row.dataset.id);
    byId.delete(row.dataset.id);
    row.classList.toggle("is-gone", !newer);
    if (!newer) continue;
    const focused = row.contains(document.activeElement);
    const copy = newer.cloneNode(true);
    row.replaceWith(copy);
    window.htmx?.process(copy);
    if (focused) copy.querySelector("a").focus({ preventScroll: true });
  }
  return [...byId.values()];
}

function showBar(held) {
  bar.hidden = held.length === 0;
  if (bar.hidden) return;
  const kinds = [...new Set(held.map((row) => row.dataset.label))].join(" · ");
  button.textContent = button.dataset.text.replace("{n}", held.length).replace("{kinds}", kinds);
  bar.classList.toggle("is-life", held.some((row) => row.dataset.severity === "life_safety"));
}

function show(fresh) {
  const before = new Set(rows().map((row) => row.dataset.id));
  const cursor = document.activeElement?.closest?.(".row")?.dataset.id;
  showing = true; // taking the old rows out moves the focus, which must not start us again
  queue().replaceWith(fresh);
  window.htmx?.process(fresh);
  for (const row of rows()) row.classList.toggle("is-new", !before.has(row.dataset.id));
  if (cursor) document.querySelector(`#row-${CSS.escape(cursor)} a`)?.focus({ preventScroll: true });
  showing = false;
  waiting = null;
  bar.hidden = true;
}

// live.js hands over a queue that differs from the one on the page.
export function replaceQueue(old, fresh) {
  announce(fresh);
  const empty = rows().length === 0;
  if (!busy() || empty) {
    show(fresh);
    return;
  }
  waiting = fresh;
  showBar(updateInPlace(fresh));
}

export function showNewcomers() {
  if (waiting && !showing) show(waiting);
}

export function markOpen(id) {
  for (const row of rows()) {
    const link = row.querySelector("a");
    if (row.dataset.id === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

export const count = () => known.size;

export function nobodyHasIt() {
  const list = [...(waiting ?? queue()).querySelectorAll(".row")];
  return list.some((row) => row.dataset.severity === "life_safety" && row.dataset.stage === "open");
}

known = reports(rows());
button.addEventListener("click", showNewcomers);
scroll.addEventListener("pointerenter", (event) => (pointerInside = event.pointerType === "mouse"));
scroll.addEventListener("pointerleave", () => {
  pointerInside = false;
  if (!busy()) showNewcomers();
});
scroll.addEventListener("focusout", () => setTimeout(() => busy() || showNewcomers()));

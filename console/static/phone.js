// The visitor's phone: drafts that survive a dead battery, and a page that notices what changed.

import { tick } from "./clock.js";

const LOOK_S = 20;
const main = document.getElementById("main");
const form = document.querySelector("form[data-draft]");
const keyOf = (id) => `anju-draft-${id}`;

const answers = (one) => [...new FormData(one)].filter(([name]) => !["csrf", "version"].includes(name));

function restore() {
  const stored = localStorage.getItem(keyOf(form.dataset.draft));
  if (!stored) return;
  for (const [name, value] of JSON.parse(stored)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio") field.checked = field.value === value;
      else if (field.type !== "hidden") field.value = value;
    }
  }
}

function save() {
  localStorage.setItem(keyOf(form.dataset.draft), JSON.stringify(answers(form)));
  document.querySelector("[data-draft-note]").hidden = false;
}

if (form) {
  restore();
  form.addEventListener("input", save);
  form.addEventListener("submit", async (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    try {
      await fetch("/static/mark.svg", { cache: "no-store" }); // the server may be this very machine
      form.submit();
    } catch {
      const note = form.querySelector("[data-offline-note]");
      note.textContent = form.dataset.offline;
      note.hidden = false;
    }
  });
}

if (main.dataset.clearDraft) localStorage.removeItem(keyOf(main.dataset.clearDraft));

const copy = document.querySelector("[data-copy]");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector("[data-address]").textContent);
    copy.querySelector("span").textContent = copy.dataset.copied;
  });
}

// A task may be taken back or changed by the desk: look now and then, and when the phone wakes.
async function look() {
  if (document.hidden || form) return;
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(8000) });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("main");
    const busy = document.activeElement?.matches("input, textarea") || document.querySelector("details[open]");
    if (fresh && fresh.dataset.fresh !== main.dataset.fresh && !busy) location.reload();
  } catch {
    // Without a network the page stays as it is; the next look may work.
  }
}

if ("fresh" in main.dataset) {
  setInterval(look, LOOK_S * 1000);
  document.addEventListener("visibilitychange", look);
}

setInterval(tick, 1000);

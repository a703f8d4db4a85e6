// The keyboard at the desk: J K Enter in the queue, A D N O R E inside an opened case, W H L I
// inside a check, C to a telephone number, Ctrl Enter saves what is being typed, Esc back.

import { rows, showNewcomers } from "./queue.js";

const pane = document.getElementById("case");
const scroll = document.getElementById("queue-scroll");
const help = document.getElementById("help");
const toggle = document.querySelector("[data-keys-switch]");
const STORE = "anju-keys";

const on = () => localStorage.getItem(STORE) !== "off";
const caseOf = () => pane.querySelector("[data-case]");

function move(by) {
  const list = rows();
  if (!list.length) return;
  const current = list.findIndex((row) => row.contains(document.activeElement));
  const opened = list.findIndex((row) => row.querySelector("[aria-current]"));
  const from = current >= 0 ? current : opened;
  const target = from < 0 ? 0 : Math.min(Math.max(from + by, 0), list.length - 1);
  list[target].querySelector("a").focus();
}

// Only with the cursor away from the queue: A must never take another case than the one meant.
function press(key) {
  if (!caseOf() || scroll.contains(document.activeElement)) return false;
  const control = pane.querySelector(`[data-key=${key}]`);
  if (!control) return false;
  if (control.matches("summary")) {
    control.parentElement.open = true;
    control.parentElement.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  } else control.click();
  return true;
}

// Arrows would take the second choice first: a digit takes the one that it names.
function choose(event) {
  const choices = event.target.closest(".panel .grades")?.querySelectorAll("input[type=radio]");
  const choice = choices?.[Number(event.key) - 1];
  if (!choice) return false;
  choice.checked = true;
  choice.focus();
  return true;
}

// To the number and not through it: Enter dials.
function toNumber() {
  const numbers = [...pane.querySelectorAll('.case-grid a[href^="tel:"]')];
  const next = numbers.indexOf(document.activeElement) + 1;
  (numbers[next] ?? numbers[0])?.focus();
}

function goBack() {
  const panel = pane.querySelector("#case-actions details[open]");
  if (panel) {
    panel.open = false;
    panel.querySelector("summary").focus();
    return;
  }
  const id = caseOf()?.dataset.case;
  const row = id && document.getElementById(`row-${id}`);
  if (pane.contains(document.activeElement) || !scroll.contains(document.activeElement)) {
    (row?.querySelector("a") ?? rows()[0]?.querySelector("a"))?.focus();
  }
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  a: () => press("a"),
  d: () => press("d"),
  n: () => press("n"),
  o: () => press("o"),
  w: () => press("w"),
  h: () => press("h"),
  l: () => press("l"),
  i: () => press("i"),
  e: () => press("e"),
  r: () => press("r"),
  c: toNumber,
  s: () => document.querySelector("#sound-band:not([hidden]) [data-arm]")?.click(),
  ".": showNewcomers,
  "/": () => {
    const field = document.getElementById("search");
    if (!field.checkVisibility()) document.getElementById("top-menu").showPopover();
    field.focus();
  },
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
    event.target.closest("#case form")?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
  if (choose(event)) {
    event.preventDefault();
    return;
  }
  const typing = event.target.matches("input:not([type=radio]), textarea, select");
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    goBack();
    return;
  }
  const action = actions[event.key.toLowerCase()];
  if (!action || typing || !on() || event.repeat && !"jk".includes(event.key)) return;
  event.preventDefault();
  action();
});

function label() {
  toggle.textContent = on() ? toggle.dataset.on : toggle.dataset.off;
}

toggle.hidden = false;
toggle.addEventListener("click", () => {
  localStorage.setItem(STORE, on() ? "off" : "on");
  label();
});
const helper = document.querySelector("[data-help]");
helper.hidden = false;
helper.addEventListener("click", () => help.showModal());
label();

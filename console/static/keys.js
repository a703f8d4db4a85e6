// The keyboard at the desk: J K Enter in the queue, A D N O inside an opened case, W H L I
// inside a check, Esc back.

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
  const control = pane.querySelector(`#case-actions [data-key=${key}]`);
  if (!control) return false;
  if (control.matches("summary")) {
    control.parentElement.open = true;
    control.parentElement.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  } else control.click();
  return true;
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
  ".": showNewcomers,
  "/": () => {
    const field = document.getElementById("search");
    if (!field.checkVisibility()) document.getElementById("top-menu").showPopover();
    field.focus();
  },
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
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

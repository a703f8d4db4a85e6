// The duty desk: puts its parts together.

import { everySecond, tick } from "./clock.js";
import "./keys.js";
import { eachSecond, refresh, start } from "./link.js";
import { remember } from "./live.js";
import { markOpen, nobodyHasIt } from "./queue.js";
import { beat, ring } from "./sound.js";

const HEARTBEAT_S = 10;
const RING_AGAIN_S = 12;
const pane = document.getElementById("case");

let seconds = 0;
everySecond(() => {
  seconds += 1;
  tick();
  eachSecond();
  if (seconds % HEARTBEAT_S === 0) beat();
  if (seconds % RING_AGAIN_S === 0 && nobodyHasIt()) ring("life_safety");
});

function caseChanged() {
  const id = pane.querySelector("[data-case]")?.dataset.case;
  document.body.classList.toggle("has-case", Boolean(id));
  remember(pane);
  markOpen(id);
  tick();
}

// While a button's answer is on its way the case waits for it, and not for the stream's hint.
let opening = false;
document.body.addEventListener("htmx:beforeRequest", (event) => {
  opening = Boolean(event.detail.elt.closest(".row"));
  document.body.dataset.acting = "";
});
document.body.addEventListener("htmx:afterRequest", () => delete document.body.dataset.acting);
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== pane) return;
  failed.hidden = true;
  caseChanged();
  if (opening) {
    pane.scrollTop = 0;
    pane.focus({ preventScroll: true });
    if (matchMedia("(max-width: 899px)").matches) scrollTo(0, 0);
  } else if (document.activeElement === document.body) {
    pane.focus({ preventScroll: true }); // the button that was pressed is gone: Tab goes on here
  }
});
// A button that got no answer must not look as if it had worked.
const failed = document.getElementById("act-failed");
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, (event) => {
    if (event.detail.xhr?.status === 401) return; // on the way to the sign-in page
    failed.hidden = false;
    refresh();
  });
}
document.body.addEventListener("htmx:historyRestore", caseChanged);

remember();
tick();
start();
beat();

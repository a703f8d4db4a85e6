// The installer's phone: a page that looks again by itself, and a camera where the browser has one.

import { setServerTime, tick } from "./clock.js";
import { patch, remember } from "./live.js";

const main = document.getElementById("main");
const PATIENCE_MS = 8000;

// ── the page follows the server ─────────────────────────────────────────────────────────────────

const phaseOf = (root) => root.querySelector("[data-phase]")?.dataset.phase;

async function look() {
  if (document.hidden) return;
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok || response.redirected) return;
    setServerTime(response.headers.get("X-Anju-Now"));
    const html = await response.text();
    const fresh = new DOMParser().parseFromString(html, "text/html");
    if (phaseOf(fresh) === phaseOf(document)) {
      patch(html);
    } else {
      // What belongs to the phase stands around the live part: forms, links, the way on.
      main.replaceChildren(...document.adoptNode(fresh.getElementById("main")).childNodes);
      remember();
      if (phaseOf(document) === "passed") navigator.vibrate?.(300);
    }
    tick();
  } catch {
    // Without a network the page stays as it is; the next look may work.
  }
}

async function follow(seconds) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await look();
  }
}

remember();
setInterval(tick, 1000);
if (main.dataset.poll) {
  follow(Number(main.dataset.poll));
  document.addEventListener("visibilitychange", look);
}

// ── the camera reads the code; typing always works ──────────────────────────────────────────────

const button = document.querySelector("[data-scan]");
const view = document.querySelector("[data-scan-view]");
const FORMATS = ["qr_code", "data_matrix", "code_128", "ean_13"];
const LOOK_EVERY_MS = 200;
let stream = null;

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  view.hidden = true;
  button.hidden = false;
}

async function scan(detector) {
  const video = view.querySelector("[data-video]");
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  button.hidden = true;
  view.hidden = false;
  await video.play();
  while (stream) {
    const [found] = await detector.detect(video);
    if (found?.rawValue) {
      stop();
      const form = document.querySelector("[data-code-form]");
      form.elements.code.value = found.rawValue;
      form.requestSubmit();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function offerCamera() {
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  const known = await BarcodeDetector.getSupportedFormats();
  const formats = FORMATS.filter((one) => known.includes(one));
  if (!formats.length) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await scan(new BarcodeDetector({ formats }));
    } catch {
      stop();
      document.querySelector("[data-scan-failed]").hidden = false;
    }
  });
  view.querySelector("[data-scan-stop]").addEventListener("click", stop);
}

offerCamera();

// The way to the server: hints by server-sent events, a look by ourselves now and then, and honesty
// about a lost connection.

import { now, setServerTime, wallClock } from "./clock.js";
import { patch } from "./live.js";
import { count, replaceQueue } from "./queue.js";
import { ring } from "./sound.js";

const POLL_S = 5; // while there is no stream
const SAFETY_S = 15; // beside the stream
const RETRY_STREAM_S = 30;
const band = document.getElementById("link-lost");
const back = document.getElementById("link-back");

const title = document.title;

let stream = null;
let streaming = false;
let sinceRefresh = 0;
let sinceStream = 0;
let lastGood = now();
let lost = null; // how many incidents were known when the link was lost
let running = null;
let again = false;

const show = () => new URLSearchParams(location.search).get("show") ?? "all";
const openCase = () => document.querySelector("[data-case]")?.dataset.case;
const pathOf = (id) => document.querySelector("[data-case]")?.dataset.path ?? `/incidents/${encodeURIComponent(id)}`;

async function get(path) {
  const response = await fetch(path, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(8000) });
  const elsewhere = response.headers.get("HX-Redirect");
  if (elsewhere) location.assign(elsewhere);
  if (response.status === 404) return "";
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  setServerTime(response.headers.get("X-Anju-Now"));
  return response.text();
}

async function refreshOnce() {
  const open = openCase();
  const query = new URLSearchParams({ show: show(), open: open ?? "" });
  patch(await get(`/desk/queue?${query}`), { queue: replaceQueue });
  if (open) {
    const html = await get(pathOf(open));
    if (openCase() === open && !("acting" in document.body.dataset)) patch(html);
  }
}

function wentWell() {
  lastGood = now();
  const open = document.querySelector(".counter-open .counter-number").textContent;
  document.title = (Number(open) ? `(${open}) ` : "") + title;
  if (lost === null) return;
  const meanwhile = count() - lost;
  lost = null;
  document.body.classList.remove("link-is-lost");
  band.hidden = true;
  back.textContent = back.dataset.text.replace("{n}", meanwhile);
  back.hidden = false;
  setTimeout(() => (back.hidden = true), 15000);
}

function wentWrong() {
  if (lost === null) {
    lost = count();
    document.body.classList.add("link-is-lost");
    band.querySelector("[data-lost-since]").textContent = wallClock(lastGood);
    band.hidden = false;
    back.hidden = true;
    ring("lost");
  }
}

export async function refresh() {
  if (running) {
    again = true;
    return running;
  }
  sinceRefresh = 0;
  running = refreshOnce().then(wentWell, wentWrong);
  await running;
  running = null;
  if (again) {
    again = false;
    setTimeout(refresh, 300); // a burst of hints is one look
  }
}

function listen() {
  sinceStream = 0;
  stream?.close();
  stream = new EventSource("/api/v1/stream");
  stream.onopen = () => {
    streaming = true;
    refresh(); // whatever was said before we listened
  };
  stream.onerror = () => {
    streaming = false;
    refresh();
  };
  const topics = ["incident", "notice", "check", "interruption", "device", "elder", "resync"];
  for (const topic of topics) stream.addEventListener(topic, refresh);
}

export function eachSecond() {
  sinceRefresh += 1;
  sinceStream += 1;
  if (lost !== null && sinceRefresh % 3 === 0) refresh();
  else if (sinceRefresh >= (streaming ? SAFETY_S : POLL_S)) refresh();
  if (lost !== null && sinceStream % 20 === 0) ring("lost");
  if (stream?.readyState === EventSource.CLOSED && sinceStream >= RETRY_STREAM_S) listen();
}

export function start() {
  listen();
  addEventListener("offline", refresh); // the server may be this very machine: ask it
  addEventListener("online", refresh);
  document.body.addEventListener("anju:changed", refresh);
}

// Times that tick: everything comes as an absolute time of the server, shown by the server's clock.

let offset = 0; // server minus browser, in ms

export const now = () => Date.now() + offset;

export function setServerTime(iso) {
  const difference = Date.parse(iso) - Date.now();
  // The way here takes a moment: small differences are delay, not a clock.
  if (Number.isFinite(difference) && Math.abs(difference - offset) > 1500) offset = difference;
}

const two = (number) => String(number).padStart(2, "0");

// The same form as console/times.py: 00:42, 3:10:05, 2 天 04:12.
export function span(milliseconds) {
  const total = Math.max(Math.floor(milliseconds / 1000), 0);
  const days = Math.floor(total / 86400);
  const hours = Math.floor((total % 86400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  if (days) return `${days} ${document.documentElement.dataset.day} ${two(hours)}:${two(minutes)}`;
  if (hours) return `${hours}:${two(minutes)}:${two(total % 60)}`;
  return `${two(minutes)}:${two(total % 60)}`;
}

const wall = new Intl.DateTimeFormat("zh-CN", {
  timeZone: document.documentElement.dataset.zone,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

export const wallClock = (moment) => wall.format(moment);

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick() {
  const present = now();
  for (const element of document.querySelectorAll("[data-since]")) {
    write(element, span(present - Date.parse(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = Date.parse(element.dataset.until) - present;
    write(element, left > 0 ? span(left) : document.documentElement.dataset.due);
  }
  for (const element of document.querySelectorAll("[data-clock]")) {
    write(element, wallClock(present));
  }
}

// A worker ticks on in a tab that lies behind another one; a timer there is slowed to a minute.
export function everySecond(action) {
  try {
    new Worker("/static/ticker.js").addEventListener("message", action);
  } catch {
    setInterval(action, 1000);
  }
}

setServerTime(document.documentElement.dataset.now);

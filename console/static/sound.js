// Tones and the heartbeat. The desk counts as watched only while its sound was switched on here.

const band = document.getElementById("sound-band");
const badge = document.querySelector("[data-disarm]");
const desk = document.querySelector("[data-desk]");
const token = document.querySelector("meta[name=csrf-token]").content;

let audio = null;
let wanted = false;

// [frequency in Hz, start in s, length in s, loudness]
const tones = {
  life_safety: [0, 0.6, 1.2].flatMap((start) => [[988, start, 0.22, 0.5], [740, start + 0.24, 0.26, 0.5]]),
  welfare: [[587, 0, 0.25, 0.25], [784, 0.28, 0.35, 0.25]],
  lost: [[220, 0, 0.35, 0.4], [196, 0.45, 0.5, 0.4]],
  test: [[587, 0, 0.12, 0.3], [880, 0.15, 0.2, 0.3]],
};

export const armed = () => wanted && audio?.state === "running";

export function ring(name) {
  if (!armed()) return;
  document.body.dataset.rang = name;
  for (const [frequency, start, length, loudness] of tones[name]) {
    const oscillator = audio.createOscillator();
    const volume = audio.createGain();
    const from = audio.currentTime + start;
    oscillator.frequency.value = frequency;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(loudness, from + 0.02);
    volume.gain.setValueAtTime(loudness, from + length - 0.05);
    volume.gain.linearRampToValueAtTime(0, from + length);
    oscillator.connect(volume).connect(audio.destination);
    oscillator.start(from);
    oscillator.stop(from + length);
  }
}

export async function beat() {
  band.hidden = armed();
  badge.hidden = !armed();
  const body = new URLSearchParams({ page_id: desk.dataset.pageId, armed: String(armed()) });
  try {
    await fetch("/desk/heartbeat", { method: "POST", body, headers: { "X-CSRF-Token": token, "HX-Request": "true" } });
  } catch {
    // The refresh notices a lost link and says so; a heartbeat has nothing to add.
  }
}

async function arm() {
  audio ??= new AudioContext();
  audio.onstatechange = beat; // headphones pulled out, system asleep: no longer armed
  wanted = true;
  await audio.resume();
  ring("test");
  await beat();
}

async function disarm() {
  wanted = false;
  await beat();
}

function leave() {
  const body = new URLSearchParams({ page_id: desk.dataset.pageId, csrf: token });
  navigator.sendBeacon("/desk/leave", body);
}

band.querySelector("[data-arm]").addEventListener("click", arm);
badge.addEventListener("click", disarm);
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => event.persisted && beat());

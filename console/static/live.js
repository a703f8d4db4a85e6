// Parts of the page that follow the server: [data-live] regions, replaced only when they differ.

const typing = "input:not([type=radio]), textarea, select";
const served = new WeakMap(); // region → what the server sent, without the words of clocks

function normal(element) {
  return element.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1").replace(/ data-now="[^"]*"/g, "");
}

export function remember(root = document) {
  for (const region of root.querySelectorAll("[data-live]")) served.set(region, normal(region));
}

// Somebody types here: the region waits, and the server says who was first if that matters.
const inUse = (region) => region.contains(document.activeElement) && document.activeElement.matches(typing);

const panels = (region) => [...region.querySelectorAll("details[open]")].map((one) => one.dataset.panel ?? "");
const fields = (region) => [...region.querySelectorAll("input:not([type=hidden]), select, textarea")];

function changed(field) {
  if (field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  const given = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(given, 0);
}

const place = (field) => [field.form?.getAttribute("action"), field.name, field.type === "radio" && field.value].join();

// What somebody has filled in and left for a moment goes along into the new region.
function carryOver(old, fresh) {
  const typed = new Map(fields(old).filter(changed).map((field) => [place(field), field]));
  for (const field of fields(fresh)) {
    const before = typed.get(place(field));
    if (!before) continue;
    if (field.type === "radio") field.checked = before.checked;
    else field.value = before.value;
  }
}

function replace(old, fresh) {
  const open = panels(old);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.dataset.key ?? focused?.textContent;
  carryOver(old, fresh);
  old.replaceWith(fresh);
  for (const details of fresh.querySelectorAll("details")) {
    if (open.includes(details.dataset.panel ?? "")) details.open = true;
  }
  if (focused) {
    const same = [...fresh.querySelectorAll("a, button, summary")].find((one) => (one.dataset.key ?? one.textContent) === mark);
    same?.focus({ preventScroll: true });
  }
  window.htmx?.process(fresh);
}

// Put the regions of `html` into the page. `special` maps an id to its own way of replacing.
export function patch(html, special = {}) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const fresh of [...parsed.querySelectorAll("[data-live]")]) {
    const old = document.getElementById(fresh.id);
    if (!old || inUse(old)) continue;
    const text = normal(fresh);
    if (served.get(old) === text) continue;
    const node = document.adoptNode(fresh);
    served.set(node, text);
    if (special[node.id]) special[node.id](old, node, replace);
    else replace(old, node);
  }
  return parsed;
}

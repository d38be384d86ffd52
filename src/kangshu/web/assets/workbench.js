// Kangshu 康枢: the desk of a plan by keyboard, document and findings lit together. The page works without this file.
"use strict";

const desk = document.querySelector("[data-desk]");
const acts = document.querySelector("[data-acts]");
const paper = desk.querySelector(".paper");
const panel = desk.querySelector("[data-panel]");
const help = document.querySelector("[data-help]");
const items = [...desk.querySelectorAll("[data-item]")];
const itemOf = new Map(items.map((item) => [item.dataset.item, item]));
const marksOf = new Map();
for (const mark of paper.querySelectorAll("mark")) {
  for (const id of mark.dataset.findings.split(" ")) {
    if (!marksOf.has(id)) marksOf.set(id, []);
    marksOf.get(id).push(mark);
  }
}
for (const line of desk.querySelectorAll(".keys, [data-help-button]")) line.hidden = false;

let chosen = desk.querySelector("[data-item][aria-current]")?.dataset.item ?? "";
let near = "";

function light(id, name, on) {
  for (const mark of marksOf.get(id) ?? []) mark.classList.toggle(name, on);
  itemOf.get(id)?.classList.toggle(name, on);
}

// The innermost finding under the words; the reader's doubts lie above all.
function under(mark) {
  const ids = mark.dataset.findings.split(" ").filter((id) => itemOf.has(id));
  return ids[ids.length - 1] ?? "";
}

function choose(id, { words = true, line = true } = {}) {
  if (!itemOf.has(id)) return;
  if (chosen) {
    light(chosen, "is-chosen", false);
    itemOf.get(chosen)?.removeAttribute("aria-current");
  }
  chosen = id;
  light(id, "is-chosen", true);
  const item = itemOf.get(id);
  item.setAttribute("aria-current", "true");
  if (line) {
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }
  if (words) bring(marksOf.get(id)?.[0]);
}

// Brings words into view within the paper, and the page only where the paper does not scroll by itself.
function bring(mark) {
  if (!mark) return;
  if (paper.scrollHeight <= paper.clientHeight + 1) {
    mark.scrollIntoView({ block: "center" });
    return;
  }
  const place = mark.getBoundingClientRect().top - paper.getBoundingClientRect().top;
  if (place < 40 || place > paper.clientHeight - 80) paper.scrollTop += place - paper.clientHeight / 3;
}

function hover(id) {
  if (id === near) return;
  light(near, "is-near", false);
  near = id;
  light(near, "is-near", true);
}

paper.addEventListener("mouseover", (event) => hover(event.target.closest("mark") ? under(event.target.closest("mark")) : ""));
paper.addEventListener("click", (event) => {
  const mark = event.target.closest("mark");
  if (mark && getSelection().isCollapsed && !under(mark).includes(chosen || "-")) choose(under(mark), { words: false });
});
const list = desk.querySelector("[data-items]");
list?.addEventListener("mouseover", (event) => hover(event.target.closest("[data-item]")?.dataset.item ?? ""));
list?.addEventListener("focusin", (event) => {
  const id = event.target.closest("[data-item]")?.dataset.item;
  if (id && id !== chosen) choose(id, { line: false });
});
list?.addEventListener("click", (event) => {
  const item = event.target.closest("[data-item]");
  if (!item) return;
  if (event.target.closest("[data-edit]")) {
    event.preventDefault();
    choose(item.dataset.item);
    open(item.dataset.item, "correct");
  } else if (event.target.name === "accept") {
    event.preventDefault();
    accept(item.dataset.item);
  } else if (!event.target.closest("button")) {
    event.preventDefault();
    choose(item.dataset.item);
  }
});

// Sends the desk's own form with some fields more, as a button would.
function send(fields, address) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = address || acts.action;
  const held = { ...Object.fromEntries(new FormData(acts)), ...fields };
  for (const [name, value] of Object.entries(held)) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.requestSubmit();
}

async function accept(id) {
  const item = itemOf.get(id);
  if (!item || item.classList.contains("is-done") || item.dataset.busy) return next(1, true);
  item.dataset.busy = "yes";
  const sent = new FormData(acts);
  sent.set("accept", id);
  let said = null;
  try {
    const answer = await fetch(acts.action, { method: "POST", body: new URLSearchParams(sent), headers: { Accept: "application/json" } });
    if (answer.ok && answer.headers.get("content-type")?.includes("json")) said = await answer.json();
  } catch {
    said = null;
  }
  delete item.dataset.busy;
  if (!said) return send({ accept: id }); // the page itself tells what is wrong
  item.classList.add("is-done");
  item.querySelector("button[name=accept]")?.remove();
  const line = document.createElement("div");
  line.className = "sub is-said";
  line.textContent = `✓ ${said.said}`;
  item.querySelector(".grow").append(line);
  if (said.approved) return location.reload();
  const progress = document.querySelector("[data-progress]");
  progress.textContent = progress.dataset.text.replace("{done}", said.confirmed).replace("{total}", said.total);
  document.querySelector("[data-share]").value = Math.round((100 * said.confirmed) / said.total);
  const doubts = document.querySelector("[data-doubts]");
  if (doubts) doubts.textContent = doubts.dataset.text.replace("{count}", said.doubts);
  acts.dataset.version = said.version;
  for (const button of document.querySelectorAll("[data-undo]")) button.value = said.version;
  if (id === chosen) next(1, true);
}

function next(step, waiting = false) {
  let at = items.indexOf(itemOf.get(chosen)) + step;
  while (waiting && items[at]?.classList.contains("is-done")) at += step;
  if (at >= 0 && at < items.length) choose(items[at].dataset.item);
}

// Offsets count characters (code points) of the text, as the server does.
function offset(node, at) {
  const paragraph = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest("[data-start]");
  if (!paragraph || !paper.contains(paragraph)) return null;
  const range = document.createRange();
  range.setStart(paragraph, 0);
  range.setEnd(node, at);
  return Number(paragraph.dataset.start) + [...range.toString()].length;
}

function selected() {
  const selection = getSelection();
  if (!selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const start = offset(range.startContainer, range.startOffset);
  let end = offset(range.endContainer, range.endOffset);
  if (start === null) return null;
  if (end === null || end < start) end = start;
  return { start, end };
}

async function show(address, form) {
  const answer = await fetch(address);
  if (!answer.ok || answer.redirected) {
    location.href = address.replace(/([?&])part=1&?/, "$1");
    return;
  }
  panel.innerHTML = await answer.text();
  panel.hidden = false;
  for (const one of panel.querySelectorAll("form")) {
    const back = document.createElement("input");
    back.type = "hidden";
    back.name = "back";
    back.value = acts.elements.back.value;
    one.append(back);
  }
  if (form) for (const one of panel.querySelectorAll("[data-form]")) one.open = one.dataset.form === form;
  const target = panel.querySelector("details[open] :is(input:not([type=hidden]), textarea, select)") ?? panel;
  target.focus();
  target.select?.();
}

function open(id, form) {
  if (id && !id.startsWith("doubt-")) show(`${desk.dataset.desk}/${id}?part=1`, form);
}

function close() {
  panel.hidden = true;
  panel.replaceChildren();
  itemOf.get(chosen)?.focus();
}

function split() {
  if (!chosen.startsWith("clause-")) return;
  const place = selected();
  const own = marksOf.get(chosen);
  const inside = place && own?.some((mark) => getSelection().containsNode(mark, true) || mark.contains(getSelection().anchorNode));
  if (inside) send({ at: place.start }, `${desk.dataset.desk}/${chosen}/split`);
  else open(chosen, "split");
}

function add() {
  const place = selected();
  const where = place && place.end > place.start ? `&start=${place.start}&end=${place.end}` : "";
  show(`${desk.dataset.desk}/new?part=1${where}`);
}

document.querySelector("[data-new]")?.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the selection
document.querySelector("[data-new]")?.addEventListener("click", (event) => {
  event.preventDefault();
  add();
});
document.querySelector("[data-help-button]")?.addEventListener("click", () => help.showModal());

const keys = {
  j: () => next(1),
  k: () => next(-1),
  a: () => accept(chosen),
  e: () => open(chosen, "correct"),
  s: split,
  m: () => chosen.startsWith("clause-") && send({ merge: chosen }),
  n: add,
  x: () => {
    if (!chosen || chosen.startsWith("doubt-")) return;
    const after = items[items.indexOf(itemOf.get(chosen)) + 1]?.dataset.item ?? "";
    send({ reject: chosen, next: after });
  },
  u: () => send({ undo: acts.dataset.version, finding: chosen }),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
  if (event.key === "Escape" && !panel.hidden) {
    close();
    return;
  }
  if (event.target.closest("input, select, textarea") || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

if (chosen) choose(chosen, { line: location.hash === `#${chosen}` || !location.hash });

// Kangshu 康枢: fields of forms and lists. Every form works without this file.
"use strict";

// Days are written 2026-03-01 on every machine: <input data-day="date|datetime" data-pick="选择日期">.
// What is typed as 2026/3/1, 2026年3月1日 or 20260301 is put into that form, and a calendar stands beside it.
function written(text, time) {
  const tidy = text.trim().replace(/[年月./]/g, "-").replace(/日/g, " ").replace("T", " ").trim();
  const found = /^(\d{4})-?(\d{1,2})-?(\d{1,2})(?:\s+(\d{1,2})[:：](\d{2}))?/.exec(tidy);
  if (!found) return text.trim();
  const two = (part) => part.padStart(2, "0");
  const day = `${found[1]}-${two(found[2])}-${two(found[3])}`;
  return time && found[4] ? `${day} ${two(found[4])}:${found[5]}` : day;
}
for (const input of document.querySelectorAll("[data-day]")) {
  const time = input.dataset.day === "datetime";
  input.addEventListener("change", () => {
    if (input.value) input.value = written(input.value, time);
  });
  const native = document.createElement("input");
  native.type = "date";
  native.className = "day-native";
  native.tabIndex = -1;
  native.setAttribute("aria-hidden", "true");
  if (!native.showPicker) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "day-button";
  button.title = input.dataset.pick;
  button.setAttribute("aria-label", input.dataset.pick);
  button.innerHTML =
    '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 6h16v14H4zM4 10h16M8 3v4M16 3v4"/></svg>';
  button.addEventListener("click", () => {
    native.value = written(input.value, false).slice(0, 10);
    native.showPicker();
  });
  native.addEventListener("change", () => {
    const clock = time ? (/\d{1,2}:\d{2}$/.exec(input.value) || ["08:30"])[0] : "";
    input.value = [native.value, clock].filter(Boolean).join(" ");
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const holder = document.createElement("span");
  holder.className = "day";
  input.replaceWith(holder);
  holder.append(input, native, button);
}

// People and organisations are found as one types: <div class="finder" data-find="/find/resident">.
// What is chosen goes into a hidden field; what is only typed is sent as it stands, and the server looks it up.
for (const finder of document.querySelectorAll("[data-find]")) {
  const given = finder.querySelector("input, select");
  if (!given) continue;
  const name = given.name;
  const box = document.createElement("input");
  const hidden = document.createElement("input");
  const list = document.createElement("ul");
  for (const { name: key, value } of given.attributes) {
    if (["id", "required", "aria-invalid", "aria-describedby"].includes(key)) box.setAttribute(key, value);
  }
  box.autocomplete = "off";
  box.spellcheck = false;
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-expanded", "false");
  list.id = `${given.id}-list`;
  list.className = "finder-list";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  box.setAttribute("aria-controls", list.id);
  hidden.type = "hidden";
  const offered = given.tagName === "SELECT" ? [...given.options].filter((one) => one.value) : [];
  const chosen = offered.find((one) => one.selected);
  const free = () => {
    hidden.removeAttribute("name");
    box.name = name;
    box.classList.remove("is-chosen");
  };
  const choose = (value, text) => {
    hidden.name = name;
    hidden.value = value;
    box.removeAttribute("name");
    box.value = text;
    box.classList.add("is-chosen");
    close();
  };
  let at = -1;
  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    at = -1;
  };
  const show = (rows) => {
    list.replaceChildren();
    for (const row of rows) {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      if (row.value) {
        item.dataset.value = row.value;
        item.dataset.text = row.text;
        const strong = document.createElement("span");
        strong.className = "strong";
        strong.textContent = row.text;
        item.append(strong);
      }
      const note = document.createElement("span");
      note.className = "sub";
      note.textContent = row.note;
      item.append(note);
      list.append(item);
    }
    list.hidden = rows.length === 0;
    box.setAttribute("aria-expanded", String(rows.length > 0));
    at = -1;
  };
  let asked = 0;
  let waiting = 0;
  const look = async () => {
    const text = box.value.trim();
    const turn = ++asked;
    if (!text) return close();
    // a number typed here is not for addresses, which are kept in histories and logs
    const token = finder.closest("form")?.elements.namedItem("_token")?.value || "";
    const body = new URLSearchParams({ text, _token: token });
    const answer = await fetch(finder.dataset.find, { method: "POST", body });
    if (turn !== asked || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = [...page.querySelectorAll("[data-candidates] > li")].map((one) => ({
      value: one.dataset.value,
      text: one.dataset.name,
      note: one.querySelector(".sub")?.textContent || "",
    }));
    show(rows.length ? rows : [{ note: finder.dataset.none }]);
  };
  box.addEventListener("input", () => {
    free();
    clearTimeout(waiting);
    waiting = setTimeout(look, 250);
  });
  box.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("[data-value]")];
    if (list.hidden || !items.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : items.length - 1) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % items.length;
      items.forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
      items[at].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && at >= 0) choose(items[at].dataset.value, items[at].dataset.text);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[data-value]");
    event.preventDefault();
    if (item) choose(item.dataset.value, item.dataset.text);
  });
  box.addEventListener("blur", close);
  finder.addEventListener("propose", (event) => choose(event.detail.value, event.detail.title));
  given.replaceWith(box, hidden, list);
  free();
  if (chosen) choose(chosen.value, chosen.textContent);
  else if (offered.length) {
    box.addEventListener("focus", () => {
      if (!box.value) show(offered.map((one) => ({ value: one.value, text: one.textContent, note: "" })));
    });
  } else box.value = given.value;
}

// What is proposed for a field goes into it with one click: <li data-propose="value" data-title data-pick="选用">.
for (const item of document.querySelectorAll("[data-propose]")) {
  const { propose: value, title, pick } = item.dataset;
  const field = item.closest(".field");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button is-small";
  button.textContent = pick;
  button.addEventListener("click", () => {
    const finder = field.querySelector(".finder");
    if (finder) return finder.dispatchEvent(new CustomEvent("propose", { detail: { value, title } }));
    const input = field.querySelector("select, input");
    input.value = value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  item.append(button);
}

// Rows that are marked for one act: <input data-tick>, all of a page with <input data-tick-all>.
const ticks = [...document.querySelectorAll("[data-tick]")];
const all = document.querySelector("[data-tick-all]");
const told = document.querySelector("[data-chosen-count]");
const plain = told?.textContent;
function count() {
  const marked = ticks.filter((one) => one.checked).length;
  if (told) told.textContent = marked ? told.dataset.text.replace("{count}", marked) : plain;
  if (all) {
    all.checked = marked > 0 && marked === ticks.length;
    all.indeterminate = marked > 0 && marked < ticks.length;
  }
  for (const button of document.querySelectorAll("[data-needs-chosen]")) button.disabled = marked === 0;
}
if (ticks.length) {
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const one of ticks) if (!one.closest("tr").hidden) one.checked = all.checked;
      count();
    });
  }
  for (const one of ticks) one.addEventListener("change", count);
  window.addEventListener("pageshow", count);
  count();
}

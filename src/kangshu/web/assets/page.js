// Kangshu 康枢: small enhancements. Every page works without this file.
"use strict";

document.documentElement.classList.remove("no-script");

// The menu on a phone.
const menuButton = document.querySelector("[data-menu-button]");
const menu = document.getElementById("menu");
if (menuButton && menu) {
  menuButton.addEventListener("click", () => {
    const open = menu.classList.toggle("is-open");
    menuButton.setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.classList.contains("is-open")) return;
    menu.classList.remove("is-open");
    menuButton.setAttribute("aria-expanded", "false");
    menuButton.focus();
  });
}

// A long menu shows where one is.
const sideMenu = document.querySelector(".side-inner");
const hereNow = sideMenu?.querySelector("[aria-current]");
if (hereNow && sideMenu.scrollHeight > sideMenu.clientHeight) {
  sideMenu.scrollTop = hereNow.offsetTop - sideMenu.offsetTop - sideMenu.clientHeight / 2;
}

// Countdowns: <time data-countdown datetime="…" data-late="已超时" …>. The server's text stays until the first tick.
const countdowns = [...document.querySelectorAll("[data-countdown]")];
function tick() {
  const now = Date.now();
  for (const node of countdowns) {
    const left = Date.parse(node.getAttribute("datetime")) - now;
    const minutes = Math.floor(Math.abs(left) / 60000);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    const words = node.dataset;
    const span = days > 2 ? `${days} ${words.days}` : `${days * 24 + hours} ${words.hours} ${minutes % 60} ${words.minutes}`;
    node.textContent = left < 0 ? `${words.late} ${span}` : `${words.left} ${span}`;
  }
}
if (countdowns.length) {
  tick();
  setInterval(tick, 30000);
}

// Filter the rows of a table as one types: <input data-filter="table-id">.
for (const input of document.querySelectorAll("[data-filter]")) {
  const table = document.getElementById(input.dataset.filter);
  if (!table) continue;
  input.closest("[hidden]")?.removeAttribute("hidden");
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of table.querySelectorAll("tbody > tr, :scope > li")) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    }
  });
}

// Ask before what cannot be undone: <form data-confirm="…">. One press sends a form once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm || form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") form.dataset.sent = "yes";
  const busy = event.submitter?.dataset.busy;
  if (busy) event.submitter.textContent = busy;
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Selects that send their form: <select data-send>.
for (const select of document.querySelectorAll("[data-send]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// The plan document: a finding chosen on the right lights its clause and brings it into view.
const marks = document.querySelectorAll(".paper mark");
if (marks.length) {
  const list = document.querySelector(".findings");
  const bring = (link) => {
    if (list && link) list.scrollTop = link.offsetTop - list.clientHeight / 3;
  };
  bring(document.querySelector("[data-finding-link][aria-current]"));
  const choose = (id) => {
    const under = [...marks].filter((mark) => mark.dataset.findings.split(" ").includes(id));
    for (const mark of marks) mark.classList.toggle("is-chosen", under.includes(mark));
    const first = under[0];
    if (first) first.scrollIntoView({ block: "center" });
  };
  for (const link of document.querySelectorAll("[data-finding-link]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(link.dataset.findingLink);
      history.replaceState(null, "", link.getAttribute("href"));
    });
  }
  const chosen = document.querySelector(".paper mark.is-chosen");
  if (chosen) chosen.scrollIntoView({ block: "center" });
}

// The sign-in page: a click on a demo account fills in its name.
for (const button of document.querySelectorAll("[data-account]")) {
  button.addEventListener("click", () => {
    document.getElementById("name").value = button.dataset.account;
    document.getElementById("password").focus();
  });
}

// Folded parts open when a link leads into them, and on paper.
function unfold(target) {
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}
function unfoldHash() {
  const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.closest("details:not([open])")) {
    unfold(target);
    target.scrollIntoView();
  }
}
unfoldHash();
window.addEventListener("hashchange", unfoldHash);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("a[href^='#']")) setTimeout(unfoldHash);
});
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main details:not(.move)")) fold.open = true;
});

// Print buttons.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

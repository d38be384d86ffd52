// Kangshu 康枢: the wall display turns its pages and renews itself. Without this file its pages stand one below the other.
"use strict";

const wall = document.querySelector("[data-wall]");
const turnButton = wall.querySelector("[data-turn]");
const fullButton = wall.querySelector("[data-full]");
const lost = wall.querySelector("[data-lost]");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const SECONDS = Number(wall.dataset.rotate) || 20;
let timer = 0;

const pages = () => [...wall.querySelectorAll("[data-page]")];
const links = () => [...wall.querySelectorAll("[data-pages] a")];

// Narrow screens scroll; on a wall one page is shown at a time.
const wide = window.matchMedia("(min-width: 1000px)");
let current = location.hash.slice(1) || "overview";

function show(id) {
  const found = pages();
  current = found.some((one) => one.id === id) ? id : found[0].id;
  wall.classList.toggle("is-turning", wide.matches);
  for (const page of found) page.hidden = wide.matches && page.id !== current;
  for (const link of links()) {
    if (link.hash.slice(1) === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function step(by) {
  const ids = pages().map((one) => one.id);
  show(ids[(ids.indexOf(current) + by + ids.length) % ids.length]);
}

function turn(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => {
    // what somebody is reading closely or about to press is not turned away
    if (!wall.querySelector("main").matches(":focus-within, :hover:has(details[open])")) step(1);
  }, SECONDS * 1000) : 0;
  turnButton.setAttribute("aria-pressed", String(on));
  const address = new URL(location.href);
  if (on) address.searchParams.set("rotate", String(SECONDS));
  else address.searchParams.delete("rotate");
  history.replaceState(null, "", address);
}

// The page itself is asked for anew; what has changed is exchanged in place, so that nothing flickers.
async function renew() {
  const content = wall.querySelector("[data-content]");
  if (document.hidden || content.querySelector("details[open]")) return;
  try {
    const answer = await fetch(location.href, { redirect: "error", headers: { "X-Requested-With": "wall" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const place of ["[data-content]", ".wall-when", "[data-pages]"]) {
      const old = wall.querySelector(place);
      const made = fresh.querySelector(place);
      if (!made) throw new Error("another page");
      if (old.innerHTML !== made.innerHTML && !old.matches(":focus-within")) old.innerHTML = made.innerHTML;
    }
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  wall.classList.add("is-renewed");
  show(current);
}

function clock() {
  const parts = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
  wall.querySelector("[data-clock]").textContent = parts.format(new Date());
}

wall.addEventListener("click", (event) => {
  const link = event.target.closest("[data-pages] a");
  if (!link || !wide.matches) return;
  event.preventDefault();
  history.replaceState(null, "", link.hash);
  show(link.hash.slice(1));
});
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
});
turnButton.hidden = fullButton.hidden = false;
turnButton.addEventListener("click", () => turn(!timer));
fullButton.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
wide.addEventListener("change", () => show(current));
show(current);
if (Number(wall.dataset.rotate) > 0 && !calm.matches) turn(true);
setInterval(renew, Number(wall.dataset.refresh) * 1000);
setInterval(clock, 5000);

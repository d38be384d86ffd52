// Kangshu 康枢: a desk renews its list by itself. Without this file the page renews itself.
"use strict";

const EVERY = 3000;

for (const list of document.querySelectorAll("[data-live]")) {
  const lost = document.querySelector("[data-live-lost]");
  let shown = "";
  async function renew() {
    // what somebody is about to press is not exchanged under the hand
    if (document.hidden || list.matches(":focus-within")) return;
    try {
      const answer = await fetch(list.dataset.live, { headers: { "X-Requested-With": "desk" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (text !== shown) {
        shown = text;
        list.innerHTML = text;
      }
      const waiting = Number(list.querySelector("[data-waiting]")?.dataset.waiting ?? 0);
      document.title = waiting ? `(${waiting}) ${list.dataset.liveTitle}` : list.dataset.liveTitle;
      if (lost) lost.hidden = true;
    } catch {
      if (lost) lost.hidden = false;
    }
  }
  setInterval(renew, EVERY);
  document.addEventListener("visibilitychange", renew);
}

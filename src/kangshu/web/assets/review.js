// Kangshu 康枢: the review page by keyboard. The page works without this file.
"use strict";

const questions = [...document.querySelectorAll("[data-question]")];
for (const line of document.querySelectorAll(".keys")) line.hidden = false;

function here() {
  const held = document.activeElement?.closest("[data-question]");
  return held ? questions.indexOf(held) : -1;
}

function go(place) {
  const question = questions[Math.max(0, Math.min(questions.length - 1, place))];
  question?.closest("details")?.setAttribute("open", "");
  question?.focus();
  question?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && typing) {
    go(here());
    return;
  }
  if (typing) return;
  const question = questions[here()];
  if (event.key === "j") go(here() + 1);
  else if (event.key === "k") go(here() - 1);
  else if (event.key === "e" && question) question.querySelector(".answer input:not([type=hidden]), .answer select")?.focus();
  else if (event.key === "o" && question) question.querySelector("[data-open]")?.click();
  else if (/^[1-9]$/.test(event.key) && question) question.querySelectorAll(".answer button[name=answer]")[Number(event.key) - 1]?.click();
  else return;
  event.preventDefault();
});

// After an answer the page comes back at the next open question.
if (location.hash === "#next") document.getElementById("next")?.focus();

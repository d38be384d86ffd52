// Kangshu 康枢: the running score of a questionnaire. The form works without this file; the server reckons again.
"use strict";

{
  const form = document.querySelector("[data-scale]");
  const rows = [...form.querySelectorAll("[data-running]")];
  const questions = [...form.querySelectorAll(".question")];
  const told = form.querySelector("[data-missing]");
  const list = form.querySelector("[data-missing-list]");

  function answered(question) {
    const ticks = question.querySelectorAll("input[type=radio], input[type=checkbox]");
    if (ticks.length) return [...ticks].some((one) => one.checked);
    const field = question.querySelector("input, textarea");
    return !field || field.value.trim() !== "";
  }

  function points(question) {
    const chosen = [...question.querySelectorAll("[data-score]")].filter((one) => one.checked);
    return chosen.length ? chosen.reduce((sum, one) => sum + Number(one.dataset.score), 0) : null;
  }

  function reckon() {
    const sums = new Map();
    for (const question of questions) {
      if (!question.dataset.scores) continue;
      const scored = points(question);
      if (scored === null) continue;
      const [least, most] = question.dataset.span.split(" ").map(Number);
      for (const name of question.dataset.scores.split(" ")) {
        const id = name.replace(/^-/, "");
        const held = sums.get(id) || { sum: 0, count: 0 };
        held.sum += name.startsWith("-") ? least + most - scored : scored;
        held.count += 1;
        sums.set(id, held);
      }
    }
    for (const row of rows) {
      const held = sums.get(row.dataset.running);
      const whole = held && held.count === Number(row.dataset.count);
      row.querySelector("output").textContent = held ? String(held.sum) : "—";
      row.querySelector("output").style.opacity = whole ? "1" : ".55";
      const step = whole
        ? row.dataset.cut.split("|").find((one) => one && held.sum >= Number(one.split("=")[0]))
        : undefined;
      row.querySelector("[data-level]").textContent = step ? step.slice(step.indexOf("=") + 1) : "";
    }
    const missing = questions.filter((one) => one.dataset.required && !answered(one));
    told.textContent = missing.length ? told.dataset.some.replace("{count}", missing.length) : told.dataset.none;
    list.replaceChildren(
      ...missing.slice(0, 40).map((one) => {
        const line = document.createElement("li");
        const link = document.createElement("a");
        link.href = `#${one.id}`;
        link.textContent = one.dataset.required;
        line.append(link);
        return line;
      }),
    );
  }

  let changed = false;
  form.addEventListener("input", () => {
    changed = true;
    reckon();
  });
  form.addEventListener("submit", () => {
    changed = false;
  });
  // nothing that was ticked is lost by going away unawares
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
  reckon();
}

// SPDX-License-Identifier: Apache-2.0
"use strict";
// Sorts a table by the column whose heading is pressed: the largest figure first, words from a to z; then the other way
// round. Rows without a figure stay last.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const body = heading.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const key = (row) => row.cells[column].dataset.sort;
    const words = [...body.rows].some((row) => key(row) !== "" && Number.isNaN(Number(key(row))));
    const first = words ? "ascending" : "descending";
    const second = words ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? second : first;
    const direction = order === "ascending" ? 1 : -1;
    const compare = (one, other) => {
      const [a, b] = [key(one), key(other)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return direction * (words ? a.localeCompare(b) : Number(a) - Number(b));
    };
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    body.append(...[...body.rows].sort(compare));
  });
}

// Hides rows that lack the words asked for, and rows without a difference: those whose verdict is `same`, and, where
// columns are kernels, those in which all of them are the same.
const filter = document.getElementById("filter");
const differing = document.getElementById("differing");
const same = (row) => {
  const table = row.closest("table");
  if (table.classList.contains("verdicts")) {
    const column = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent === "verdict");
    return row.cells[column].dataset.sort === "same";
  }
  if (!table.classList.contains("kernels")) return false;
  const figures = [...row.cells].slice(1).map((cell) => cell.dataset.sort).filter((figure) => figure !== "");
  return new Set(figures).size < 2;
};
const show = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("table.all tbody tr")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word)) || (differing.checked && same(row));
  }
};
filter.addEventListener("input", show);
differing.addEventListener("change", show);

const folds = document.querySelectorAll("details");
document.getElementById("unfold").addEventListener("click", () => {
  for (const fold of folds) fold.open = true;
});
// A link to something folded opens it.
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
addEventListener("beforeprint", () => document.getElementById("unfold").click());
open();

// A frame of a flame graph that is pressed takes the whole width, and what it called grows with it; pressed again, all
// is as it was.
for (const graph of document.querySelectorAll("svg.flame")) {
  const [left, whole, letter] = ["left", "width", "letter"].map((name) => Number(graph.dataset[name]));
  const frames = [...graph.querySelectorAll("g")].map((group) => {
    const box = group.querySelector("rect");
    const [begin, width] = ["x", "width"].map((name) => Number(box.getAttribute(name)));
    return { group, box, words: group.querySelector("text"), begin, width };
  });
  const shortened = (words, letters) => {
    if (words.length <= letters) return words;
    return letters > 2 ? `${words.slice(0, letters - 1)}…` : "";
  };
  const show = (from, scale) => {
    for (const frame of frames) {
      const begin = Math.max(left, left + (frame.begin - from) * scale);
      const end = Math.min(left + whole, left + (frame.begin + frame.width - from) * scale);
      frame.group.style.display = end - begin < 0.5 ? "none" : "";
      frame.box.setAttribute("x", begin);
      frame.box.setAttribute("width", Math.max(0, end - begin));
      frame.words.setAttribute("x", begin + 3);
      frame.words.textContent = shortened(frame.group.dataset.words, Math.floor((end - begin - 6) / letter));
    }
  };
  let pressed = null;
  graph.addEventListener("click", (event) => {
    const frame = frames.find((one) => one.group === event.target.closest("g"));
    if (!frame) return;
    pressed = pressed === frame ? null : frame;
    if (pressed) show(pressed.begin, whole / pressed.width);
    else show(left, 1);
  });
}

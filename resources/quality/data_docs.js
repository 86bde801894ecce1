"use strict";

/** Tabs, a filter and sorting for the first page of the Data Docs; without this script every table is shown whole. */

function showTab(link) {
  const list = link.closest(".nav-tabs");
  for (const other of list.querySelectorAll(".nav-link")) {
    const pane = document.getElementById(other.hash.slice(1));
    other.classList.toggle("active", other === link);
    other.setAttribute("aria-selected", String(other === link));
    if (pane) pane.hidden = other !== link;
  }
}

function addTabs() {
  for (const list of document.querySelectorAll(".nav-tabs")) {
    const links = [...list.querySelectorAll(".nav-link")];
    for (const link of links) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        history.replaceState(null, "", link.hash);
        showTab(link);
      });
    }
    const chosen = links.find((link) => link.hash === location.hash) || links[0];
    if (chosen) showTab(chosen);
  }
}

function addFilter(table) {
  const box = document.createElement("input");
  box.type = "search";
  box.className = "filter";
  box.placeholder = "Filter, as in: failed";
  box.setAttribute("aria-label", "Filter rows");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  table.before(box);
}

function sortBy(table, head) {
  const column = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  const text = (row) => row.cells[column].textContent.trim();
  const rows = [...table.tBodies[0].rows].sort((a, b) => text(a).localeCompare(text(b), undefined, { numeric: true }));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  table.tBodies[0].append(...(down ? rows.reverse() : rows));
}

function addSorting(table) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, head));
    head.append(button);
  }
}

addTabs();
for (const table of document.querySelectorAll(".tab-pane table")) {
  if (!table.tHead || !table.tBodies.length) continue;
  addFilter(table);
  addSorting(table);
}

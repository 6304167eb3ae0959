// Long tables: a click on the head of a column sorts by it, and a field filters the rows.
(() => {
  const sorted = (table, column, heading) => {
    const down = heading.ariaSort !== "descending" && !(column === 0 && heading.ariaSort !== "ascending");
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.ariaSort = down ? "descending" : "ascending";
    const value = (row) => {
      const cell = row.cells[column];
      return column === 0 ? cell.textContent : Number.parseFloat(cell.dataset.score ?? cell.textContent);
    };
    const compare = (one, two) => {
      if (column === 0) return value(one).localeCompare(value(two)) * (down ? -1 : 1);
      // Cells without a score come last in both directions.
      const [a, b] = [value(one), value(two)];
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return (a - b) * (down ? -1 : 1);
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  };
  for (const table of document.querySelectorAll("table.scores, table.differences")) {
    const rows = table.tBodies[0].rows;
    if (rows.length < 3) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (column > 0 && !heading.classList.contains("number")) return;
      const button = document.createElement("button");
      button.className = "sort";
      button.textContent = heading.textContent;
      button.type = "button";
      button.title = "Sort by this column";
      button.addEventListener("click", () => sorted(table, column, heading));
      heading.replaceChildren(button);
    });
    if (rows.length < 15) continue;
    const field = document.createElement("input");
    field.type = "search";
    field.addEventListener("input", () => {
      const text = field.value.toLowerCase();
      for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(text);
    });
    const label = document.createElement("label");
    label.append("rows containing ", field);
    const controls = document.createElement("p");
    controls.className = "controls";
    controls.append(label);
    table.parentElement.before(controls);
  }
})();

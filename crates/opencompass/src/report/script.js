"use strict";
// The item viewer. A row is [key, prompt, output, extracted, expected, correct, score, repeats, reason].
(() => {
  const element = (id) => document.getElementById(id);
  const index = JSON.parse(element("index").textContent);
  const loaded = new Map();
  const PAGE = 50;
  let shown = PAGE;

  // A block is parsed once, when its cell is chosen; the text for searching is made at the same time.
  const load = (place) => {
    if (!loaded.has(place)) {
      const block = JSON.parse(element("items-" + place).textContent);
      block.search = block.rows.map((row) => row.slice(0, 5).concat(row[8]).join("\n").toLowerCase());
      block.byKey = new Map(block.rows.map((row) => [row[0], row]));
      loaded.set(place, block);
    }
    return loaded.get(place);
  };

  const node = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const answer = (row) => {
    const part = node("div");
    part.append(node("div", "output", "facts"), node("pre", row[2]));
    let facts = "extracted: " + row[3] + "   expected: " + row[4];
    if (row[6] !== null) facts += "   score: " + row[6];
    if (row[8]) facts += "   reason: " + row[8];
    part.append(node("div", facts, "facts"));
    return part;
  };

  const item = (row, other) => {
    const verdict = row[5] === null ? "" : row[5] ? "right" : "wrong";
    const box = node("div", undefined, "item " + verdict);
    box.append(node("div", "item " + row[0] + " " + verdict, "facts"), node("pre", row[1]));
    if (other) {
      const columns = node("div", undefined, "columns");
      columns.append(answer(row), answer(other));
      box.append(columns);
    } else {
      box.append(answer(row));
    }
    return box;
  };

  const wanted = (row, other, verdict) => {
    switch (verdict) {
      case "wrong": return row[5] === false;
      case "right": return row[5] === true;
      case "repeats": return row[7] === 1;
      case "failed": return row[8] !== "";
      case "differ": return other !== undefined && (other[5] !== row[5] || other[6] !== row[6]);
      default: return true;
    }
  };

  const draw = () => {
    if (index.length === 0) return;
    const block = load(Number(element("cell").value));
    const beside = element("beside").value === "" ? null : load(Number(element("beside").value));
    const verdict = element("verdict").value;
    const text = element("text").value.toLowerCase();
    const found = [];
    block.rows.forEach((row, place) => {
      const other = beside ? beside.byKey.get(row[0]) : undefined;
      if (wanted(row, other, verdict) && (text === "" || block.search[place].includes(text))) {
        found.push([row, other]);
      }
    });
    const left = block.all - block.rows.length;
    element("count").textContent =
      found.length + " of " + block.rows.length + " items" +
      (left > 0 ? "; " + left + " more are in the files of the run" : "");
    element("list").replaceChildren(...found.slice(0, shown).map(([row, other]) => item(row, other)));
    element("more").hidden = found.length <= shown;
  };

  const name = (cell) => cell[1] + " x " + cell[2] + (index.some((other) => other[0] !== cell[0]) ? " (" + cell[0] + ")" : "");
  const nothing = node("option", "nothing");
  nothing.value = "";
  element("beside").append(nothing);
  index.forEach((cell, place) => {
    for (const list of ["cell", "beside"]) {
      const option = node("option", name(cell));
      option.value = place;
      element(list).append(option);
    }
  });
  for (const control of ["cell", "beside", "verdict", "text"]) {
    element(control).addEventListener("input", () => { shown = PAGE; draw(); });
  }
  element("more").addEventListener("click", () => { shown += PAGE; draw(); });
  draw();
})();

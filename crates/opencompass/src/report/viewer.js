"use strict";
// The item viewer. A row of a cell is
// [key, prompt, output, extracted, expected, correct, score, flags, reason, other reading, more].
(() => {
  const [KEY, PROMPT, OUTPUT, EXTRACTED, EXPECTED, CORRECT, SCORE, FLAGS, REASON, OTHER, MORE] = Array(11).keys();
  const REPEATED = 1;
  const ENDED = 2;
  const PAGE = 40;
  const element = (id) => document.getElementById(id);
  const { runs, cells } = JSON.parse(element("index").textContent);
  const loaded = new Map();
  let found = [];
  let shown = 0;

  const node = (tag, className, ...content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...content);
    return made;
  };

  const promptText = (prompt) => {
    if (typeof prompt === "string") return prompt;
    if (Array.isArray(prompt)) return prompt.map((turn) => turn.join("\n")).join("\n");
    return [prompt.stem, ...prompt.options.map((option) => option.join("\n"))].join("\n");
  };

  // A block is parsed once, when its cell is chosen; the text for searching is made at the same time.
  const load = (place) => {
    if (!loaded.has(place)) {
      const block = JSON.parse(element("items-" + place).textContent);
      block.search = block.rows.map((row) =>
        [promptText(row[PROMPT]), row[OUTPUT], row[EXTRACTED], row[EXPECTED], row[REASON], row[MORE]]
          .join("\n")
          .toLowerCase());
      block.byKey = new Map(block.rows.map((row) => [row[KEY], row]));
      loaded.set(place, block);
    }
    return loaded.get(place);
  };

  const VERDICTS = {
    all: ["all items", () => true],
    wrong: ["wrong", (row) => row[CORRECT] === false],
    right: ["right", (row) => row[CORRECT] === true],
    failed: ["with a reason", (row) => row[REASON] !== ""],
    ended: ["ended by the token limit", (row) => (row[FLAGS] & ENDED) !== 0],
    repeats: ["ending in repetitions", (row) => (row[FLAGS] & REPEATED) !== 0],
    readings: ["read differently", (row) => row[OTHER] !== null],
    differ: ["other verdict than next to it", (row, other) =>
      other !== undefined && (other[CORRECT] !== row[CORRECT] || other[SCORE] !== row[SCORE])],
  };

  const verdictOf = (row) => {
    if (row[CORRECT] === true) return "right";
    if (row[CORRECT] === false) return row[REASON] !== "" && row[OUTPUT] === "" ? "failed" : "wrong";
    return row[SCORE] === null ? "no verdict" : "measured";
  };

  const number = (score) => String(Math.round(score * 1e4) / 1e4);
  const scored = (score) => (score === null ? "" : ", score " + number(score));

  // The question is at the end of a prompt, behind instructions and examples.
  const question = (prompt) => {
    let text = promptText(prompt);
    if (Array.isArray(prompt) && prompt.length > 0) text = prompt[prompt.length - 1][1];
    else if (typeof prompt !== "string") text = prompt.stem;
    const parts = text.slice(-3000).split(/\n\s*\n/).map((part) => part.trim()).filter((part) => part !== "");
    let line = parts.pop() || "";
    while (line.length < 24 && parts.length > 0) line = parts.pop() + " " + line;
    return line.replace(/\s+/g, " ").slice(0, 300);
  };

  const long = (text, className) => {
    return node("pre", className, text === "" ? node("span", "facts", "(empty)") : text);
  };

  // A long text has a part of the page until all of it is asked for.
  const unfoldable = (box) => {
    for (const part of box.querySelectorAll("pre")) {
      if (part.scrollHeight <= part.clientHeight + 4) continue;
      part.classList.add("long");
      part.tabIndex = 0;
      if (part.classList.contains("prompt")) part.scrollTop = part.scrollHeight;
      const button = node("button", "whole", "show all");
      button.type = "button";
      button.addEventListener("click", () => {
        part.classList.toggle("open");
        button.textContent = part.classList.contains("open") ? "show less" : "show all";
      });
      part.after(button);
    }
  };

  const options = (row) => {
    const table = node("table", "options");
    for (const [label, measure, text] of row[PROMPT].options) {
      const marks = [];
      if (label === row[OUTPUT]) marks.push(node("b", "", "chosen"));
      if (label === row[EXPECTED]) marks.push(node("span", "mark", "expected"));
      table.append(node("tr", "", node("th", "", label), node("td", "text", text), node("td", "number", measure),
        node("td", "marks", ...marks)));
    }
    return node("div", "scroll", table);
  };

  const prompt = (row) => {
    const part = node("div", "part");
    if (Array.isArray(row[PROMPT])) {
      const turns = node("pre", "prompt turns");
      for (const [role, text] of row[PROMPT]) turns.append(node("span", "role", role || "turn"), text + "\n");
      part.append(node("h4", "", "prompt"), turns);
    } else if (typeof row[PROMPT] === "string") {
      part.append(node("h4", "", "prompt"), long(row[PROMPT], "prompt"));
    } else {
      part.append(node("h4", "", "prompt"), long(row[PROMPT].stem, "prompt"), options(row));
    }
    return part;
  };

  const answer = (row, block) => {
    const part = node("div", "part");
    const facts = node("dl", "");
    const fact = (name, value) => facts.append(node("dt", "", name), node("dd", "", value.trim()));
    if (row[EXTRACTED] !== "" && row[EXTRACTED] !== row[OUTPUT]) fact("extracted", row[EXTRACTED]);
    fact("expected", row[EXPECTED] === "" ? "nothing" : row[EXPECTED]);
    fact("verdict", verdictOf(row) + scored(row[SCORE]));
    if (row[REASON] !== "") fact("reason", row[REASON]);
    if (row[FLAGS] & ENDED) fact("end", "at the maximum number of tokens");
    if (row[FLAGS] & REPEATED) fact("note", "ends in repetitions");
    if (row[OTHER] !== null) {
      const [extracted, correct, score] = row[OTHER];
      const verdict = correct === null ? "" : correct ? ", right" : ", wrong";
      fact("reading " + block.reading, JSON.stringify(extracted) + verdict + scored(score));
    }
    if (row[MORE] !== "") fact("more", row[MORE]);
    part.append(node("h4", "", "output"), long(row[OUTPUT], "output"), facts);
    return part;
  };

  const labelled = (place, part) => {
    part.prepend(node("h3", "", cellName(place)));
    return part;
  };

  const cellName = (place) => {
    const [run, model] = cells[place];
    return runs.length > 1 ? model + " (" + runs[run] + ")" : model;
  };

  // The inside of an item is only made when it is opened.
  const fill = (box) => {
    if (box.childElementCount > 1) return;
    const { row, other, cell, beside } = box.entry;
    const body = node("div", "body");
    if (other) {
      const same = JSON.stringify(row[PROMPT]) === JSON.stringify(other[PROMPT]);
      if (same) body.append(prompt(row));
      const columns = node("div", "columns");
      for (const [place, entry] of [[cell, row], [beside, other]]) {
        const column = node("div", "", ...(same ? [] : [prompt(entry)]), answer(entry, load(place)));
        columns.append(labelled(place, column));
      }
      body.append(columns);
    } else {
      body.append(prompt(row), answer(row, load(cell)));
    }
    box.append(body);
    unfoldable(body);
  };

  const item = ([row, other]) => {
    const verdict = verdictOf(row);
    const word = row[SCORE] !== null && row[CORRECT] === null ? number(row[SCORE]) : verdict;
    const answers = node("span", "answers", row[EXTRACTED] || row[OUTPUT] || "nothing");
    answers.append(node("span", "facts", " / " + (row[EXPECTED] || "nothing")));
    const summary = node("summary", "", node("span", "facts", "#" + row[KEY]),
      node("span", "verdict", word), node("span", "question", question(row[PROMPT])), answers);
    if (other) {
      const next = verdictOf(other);
      summary.append(node("span", "verdict " + next.replace(" ", "-"), "next: " + next));
    }
    const box = node("details", "item " + verdict.replace(" ", "-"), summary);
    box.entry = { row, other, ...places() };
    return box;
  };

  const places = () => ({
    cell: Number(element("model").value),
    beside: element("beside").value === "" ? null : Number(element("beside").value),
  });

  const more = () => {
    const next = found.slice(shown, shown + PAGE).map(item);
    shown += next.length;
    element("list").append(...next);
    element("more").hidden = shown >= found.length;
    element("more").textContent = Math.min(PAGE, found.length - shown) + " more items";
  };

  const note = (block) => {
    const notes = [];
    const left = block.all - block.rows.length;
    if (left > 0) notes.push(left + " more are only in the files of the run, as the page would be too large.");
    const isCut = (text) => text.includes(" characters…] ");
    if (block.rows.some((row) => isCut(promptText(row[PROMPT])) || isCut(row[OUTPUT]))) {
      notes.push("Texts are cut to " + block.length + " characters; the files of the run have them whole.");
    }
    const ended = block.rows.filter(VERDICTS.ended[1]).length;
    const end = ended === 1 ? " output ends" : " outputs end";
    if (ended > 0) notes.push(ended + end + " at the maximum number of tokens.");
    const remark = cells[places().cell][3];
    if (remark !== "") notes.push(block.all === 0 ? "No items, because: " + remark : remark);
    return notes.join(" ");
  };

  const draw = () => {
    if (cells.length === 0) return;
    const { cell, beside } = places();
    const block = load(cell);
    const others = beside === null ? new Map() : load(beside).byKey;
    const [, wanted] = VERDICTS[element("verdict").value] ?? VERDICTS.all;
    const text = element("text").value.toLowerCase();
    found = [];
    block.rows.forEach((row, place) => {
      const other = others.get(row[KEY]);
      if (wanted(row, other) && (text === "" || block.search[place].includes(text))) found.push([row, other]);
    });
    element("count").textContent = found.length + " of " + block.rows.length + " items.";
    element("list").replaceChildren();
    shown = 0;
    more();
    element("unfold").textContent = "open all";
    if (found.length > 0) element("list").firstChild.open = true;
  };

  // The kinds of items that the cell has, each with its number.
  const offerVerdicts = () => {
    if (cells.length === 0) return;
    const { cell, beside } = places();
    const block = load(cell);
    const others = beside === null ? new Map() : load(beside).byKey;
    const before = element("verdict").value;
    const made = [];
    for (const [value, [name, wanted]] of Object.entries(VERDICTS)) {
      const count = block.rows.filter((row) => wanted(row, others.get(row[KEY]))).length;
      if (count > 0 || value === "all" || value === before) made.push(new Option(name + " (" + count + ")", value));
    }
    element("verdict").replaceChildren(...made);
    element("verdict").value = made.some((option) => option.value === before) ? before : "all";
    element("note").textContent = note(block);
  };

  const offer = (list, places, chosen) => {
    list.replaceChildren(...places.map((place) => new Option(cellName(place), place)));
    if (places.includes(chosen)) list.value = chosen;
  };

  const ofDataset = (dataset) => [...cells.keys()].filter((place) => cells[place][2] === dataset);

  const offerBeside = (chosen) => {
    const { cell } = places();
    offer(element("beside"), ofDataset(cells[cell][2]).filter((place) => place !== cell), chosen);
    element("beside").prepend(new Option("nothing", ""));
    if (chosen === null || element("beside").value !== String(chosen)) element("beside").value = "";
    element("beside").parentElement.hidden = element("beside").length < 2;
  };

  // Shows a cell, and next to it another one of the same dataset.
  const choose = (cell, beside) => {
    element("dataset").value = cells[cell][2];
    offer(element("model"), ofDataset(cells[cell][2]), cell);
    offerBeside(beside);
    offerVerdicts();
    draw();
  };

  // The cell of the same model and run on another dataset.
  const like = (place, dataset) =>
    ofDataset(dataset).find((other) => cells[other][0] === cells[place][0] && cells[other][1] === cells[place][1]);

  element("dataset").addEventListener("input", () => {
    const { cell, beside } = places();
    const dataset = element("dataset").value;
    choose(like(cell, dataset) ?? ofDataset(dataset)[0], beside === null ? null : like(beside, dataset) ?? null);
  });
  element("model").addEventListener("input", () => choose(places().cell, places().beside));
  element("beside").addEventListener("input", () => { offerVerdicts(); draw(); });
  element("verdict").addEventListener("input", draw);
  element("text").addEventListener("input", draw);
  element("more").addEventListener("click", more);
  element("unfold").addEventListener("click", () => {
    const boxes = [...element("list").children];
    const open = boxes.some((box) => !box.open);
    for (const box of boxes) box.open = open;
    element("unfold").textContent = open ? "close all" : "open all";
  });
  // The event does not bubble, so it is caught on its way down.
  element("list").addEventListener("toggle", ({ target }) => {
    if (target.open && target.entry) fill(target);
  }, true);

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-cell]");
    if (!link) return;
    event.preventDefault();
    const { cell, beside, verdict } = link.dataset;
    element("text").value = "";
    choose(Number(cell), beside === undefined ? null : Number(beside));
    if (verdict !== undefined && [...element("verdict").options].some((option) => option.value === verdict)) {
      element("verdict").value = verdict;
      draw();
    }
    element("viewer").scrollIntoView();
    element("dataset").focus({ preventScroll: true });
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      element("text").focus();
    }
    const box = event.target.closest("summary")?.parentElement;
    if (box?.entry && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const next = event.key === "ArrowDown" ? box.nextElementSibling : box.previousElementSibling;
      if (next) {
        event.preventDefault();
        next.firstChild.focus();
      }
    }
  });

  for (const dataset of new Set(cells.map((cell) => cell[2]))) element("dataset").append(new Option(dataset, dataset));
  if (cells.length > 0) {
    const first = [...cells.keys()].find((place) => load(place).all > 0) ?? 0;
    choose(first, null);
  } else {
    element("count").textContent = "The run has no cells.";
  }
})();

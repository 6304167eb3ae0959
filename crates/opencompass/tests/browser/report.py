#!/usr/bin/env python3
"""Opens reports of opencompass in a real browser and checks what only a browser can tell.

Needs Chromium and the Python package `playwright` (its own browsers are not needed). It is not part of `cargo test`,
which has neither; run it after a change of `src/report`:

    python3 -m venv venv && venv/bin/pip install playwright
    cargo build --release --package opencompass
    venv/bin/python crates/opencompass/tests/browser/report.py target/release/opencompass
    venv/bin/python crates/opencompass/tests/browser/report.py target/release/opencompass --screenshots DIR

It makes runs of mock models in a temporary folder: one of every mode with failures, ties and hostile texts, two runs
side by side, one with 100 datasets and 4 models, and one with a single large dataset. Each report is opened from its file
at two widths, in light and dark colors. Checked are: no line on the console, no request, no sideways scrolling of the
page, no cell without a score or a reason, keyboard use, less than 15 MB, and filters below 200 ms, layout included.

With `--report FILE` the checks of any page are made on an existing report, and nothing is run. The exit code is 1 when
a check fails.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from playwright.sync_api import sync_playwright

WIDTHS = (1400, 400)
MAX_BYTES = 15_000_000
MAX_FILTER_MS = 200
HOSTILE = "</script><img src=x onerror=alert(1)><!-- \\u2028 'quoted' \"twice\" & 4 4 4"

problems = []


def check(holds, message):
    """Notes a problem unless `holds`."""
    if not holds:
        problems.append(message)
        print(f"FAILED: {message}")


class Runs:
    """Makes runs of mock models below a folder."""

    def __init__(self, binary, folder):
        self.binary = pathlib.Path(binary).resolve()
        self.folder = pathlib.Path(folder)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def rows(self, name, count, length):
        """Writes questions that are about `length` characters long."""
        filler = "the quick brown fox jumps over the lazy dog "
        lines = []
        for row in range(count):
            question = f"{filler * (length // len(filler))}\n\nWhat is {row} + 1?"
            key = "AB"[row % 2]
            lines.append({"question": question, "answer": str(row + 1), "A": f"a{row}", "B": f"b{row}", "key": key})
        self.write(f"{name}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def dataset(self, name, rows, mode="gen"):
        source = f'name = "{name}"\nsource = {{ files = ["{rows}.jsonl"] }}\n'
        if mode == "gen":
            rest = (
                'reader = { input = ["question"], output = "answer" }\n'
                'prompt = { rounds = [{ role = "HUMAN", prompt = "{question}" }] }\n'
                'infer = { mode = "gen" }\nscore = { evaluator = "number", post = ["last_number"] }\n'
            )
        else:
            rest = (
                'reader = { input = ["question", "A", "B"], output = "key" }\n'
                'prompt = { labels = { A = "{question}: {A}", B = "{question}: {B}" } }\n'
                'infer = { mode = "ppl" }\nscore = { evaluator = "acc" }\n'
            )
        self.write(f"sets/{name}.toml", source + rest)

    def run(self, name, datasets, models):
        """Evaluates models, each a name with further lines of its table, and returns the path of the report."""
        tables = "".join(
            f'[[models]]\nname = "{model}"\nkind = "mock"\nmax-seq-len = 100000\n{lines}\n' for model, lines in models
        )
        names = ", ".join(f'"{dataset}"' for dataset in datasets)
        head = f'[run]\nfolder = "{name}"\ndatasets = [{names}]\ndataset-dirs = ["sets"]\nunsupported = "skip"\n'
        self.write(f"{name}.toml", head + tables)
        self.call(f"{name}.toml", codes=(0, 3))
        return self.folder / name / "report/index.html"

    def call(self, *arguments, codes=(0,)):
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode not in codes:
            sys.exit(f"opencompass {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")

    def all(self):
        """Yields the name and the report of every kind of run."""
        self.rows("short", 60, 200)
        self.rows("medium", 100, 2000)
        self.rows("long", 1500, 9000)
        self.dataset("sums", "short")
        self.dataset("pick", "short", mode="ppl")
        self.dataset("a-dataset-with-quite-a-long-name-that-says-everything", "short")
        self.dataset("one-long", "long")
        mixed = ["sums", "pick", "a-dataset-with-quite-a-long-name-that-says-everything"]
        hostile = json.dumps(HOSTILE)
        models = [
            ("mock", 'rule = { kind = "echo" }'),
            ("hostile", f'log-probs = false\nrule = {{ kind = "constant", text = {hostile} }}'),
        ]
        yield "mixed", self.run("mixed", mixed, models)
        second = [("mock", 'rule = { kind = "choose", texts = ["1", "2", "It is 3."] }'), models[1]]
        self.run("second", mixed, second)
        self.call("diff", "mixed", "second", "--report")
        yield "side by side", self.folder / "mixed/report/index.html"
        yield "one", self.run("one", ["one-long"], models[:1])
        sets = [f"set-{number:03}" for number in range(100)]
        for number, name in enumerate(sets):
            self.dataset(name, "medium", mode="ppl" if number % 3 == 0 else "gen")
        choose = 'rule = { kind = "choose", texts = ["1", "It is 2.", "3 3 3", "Perhaps 40?"] }'
        yield "large", self.run("large", sets, [(f"model-{number}-of-four", choose) for number in range(4)])


FILTER = """async ([id, value]) => {
  const control = document.getElementById(id);
  const begin = performance.now();
  if (control.options && ![...control.options].some((option) => option.value === value)) return 0;
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - begin;
}"""

EMPTY_CELLS = """() => [...document.querySelectorAll("main table td")]
  .filter((cell) => ["", "-", "no score"].includes(cell.textContent.trim()) && !cell.closest(".options"))
  .map((cell) => cell.parentElement.textContent)"""


def open_page(browser, path, width, scheme):
    """Opens a page, and notes what it says and asks for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda line: check(False, f"{path}: console: {line.text}"))
    page.on("pageerror", lambda error: check(False, f"{path}: script: {error}"))
    page.on("dialog", lambda dialog: check(False, f"{path}: dialog: {dialog.message}"))
    address = path.resolve().as_uri()
    page.on("request", lambda request: check(request.url == address, f"{path}: request: {request.url}"))
    page.goto(address)
    page.wait_for_timeout(200)
    return page


def check_looks(browser, name, path, screenshots):
    """Checks a page at every width and in both color schemes."""
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            page = open_page(browser, path, width, scheme)
            wide = page.evaluate("document.documentElement.scrollWidth")
            check(wide <= width, f"{name}: {wide} pixels wide in a window of {width}")
            check(page.evaluate(EMPTY_CELLS) == [], f"{name}: cells without a reason: {page.evaluate(EMPTY_CELLS)}")
            check(page.locator("img").count() == 0, f"{name}: a text became an element")
            if screenshots:
                page.screenshot(path=screenshots / f"{name.replace(' ', '-')}-{width}-{scheme}.png", full_page=True)
            page.context.close()


def check_use(browser, name, path):
    """Checks keyboard, links into the viewer, and the time of filters."""
    page = open_page(browser, path, 1400, "light")
    page.keyboard.press("/")
    check(page.evaluate("document.activeElement.id") == "text", f"{name}: `/` does not lead to the search")
    items = page.locator("#list > details")
    check(items.count() > 0 and items.first.evaluate("box => box.open"), f"{name}: no open item")
    if items.count() > 1:
        items.first.locator("summary").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_timeout(100)
        check(items.nth(1).locator(".body").count() == 1, f"{name}: the second item does not open by keyboard")
    link = page.locator("a[data-cell]").last
    link.click()
    dataset = page.evaluate("document.getElementById('dataset').value")
    row = link.evaluate("link => link.closest('tr').firstElementChild.firstChild.textContent")
    check(dataset == row, f"{name}: the link of {row} leads to {dataset}")
    last = page.evaluate("[...document.getElementById('dataset').options].at(-1).value")
    took = page.evaluate(FILTER, ["dataset", last])
    print(f"  {name}: {path.stat().st_size / 1e6:.1f} MB, choosing a dataset {took:.0f} ms")
    slowest = 0
    for control, value in [("text", "what"), ("text", "what is 7"), ("text", "nowhere"), ("text", ""),
                           ("verdict", "wrong"), ("verdict", "all")]:
        # The best of three: the machine may be busy with something else.
        took = min(page.evaluate(FILTER, [control, value]) for _ in range(3))
        slowest = max(slowest, took)
        print(f"  {name}: {control} {value!r}: {took:.0f} ms, {page.inner_text('#count')}")
    check(slowest < MAX_FILTER_MS, f"{name}: a filter takes {slowest:.0f} ms")
    check(path.stat().st_size < MAX_BYTES, f"{name}: {path.stat().st_size} bytes")
    page.context.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", help="the program opencompass")
    parser.add_argument("--report", type=pathlib.Path, help="check this report and run nothing")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="path of the browser [default: %(default)s]")
    parser.add_argument("--screenshots", type=pathlib.Path, help="folder for pictures of every page")
    arguments = parser.parse_args()
    if not arguments.report and not arguments.binary:
        parser.error("expected the program opencompass, or --report")
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        report = arguments.report
        for name, path in [(report.stem, report)] if report else Runs(arguments.binary, folder).all():
            print(f"{name}: {path}")
            check_looks(browser, name, path, arguments.screenshots)
            check_use(browser, name, path)
        browser.close()
    print(f"{len(problems)} problems" if problems else "everything holds")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

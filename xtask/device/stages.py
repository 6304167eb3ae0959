"""Runs the stages of a device bundle, each in a process of its own and within its own time, and writes report.json.

Every result is appended to results.jsonl at once, so that what was measured before a crash is kept. Stages are in the
order of their worth; one that has no program yet says so in the report.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import time
import traceback
from pathlib import Path

import benches
import report


class Run:
    """What all stages share: options, folders and the file of results."""

    def __init__(self, options):
        self.device, self.tiny = options.device, options.tiny
        self.bundle, self.work, self.out = Path(options.bundle), Path(options.work), Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.results = self.out / "results.jsonl"
        self.log = self.out / "log.txt"

    def record(self, kind, **values):
        """Appends one result."""
        with self.results.open("a") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")

    def peak_flops(self):
        """The best matrix product of the ceilings, in FLOP/s, if they were measured."""
        lines = [json.loads(line) for line in self.results.read_text().splitlines()]
        rates = [rate for line in lines if line["kind"] == "ceilings" for rate in line["bf16_tf"].values()]
        return max(rates) * 1e12 if rates else None

    def command(self, arguments, seconds, **environment):
        """Runs a program, appends what it prints to the log and gives its standard output, with the exit code; 124 when
        time ran out. Drivers write to standard error in the middle of a line of the output: it stays apart."""
        variables = {**os.environ, "RUST_BACKTRACE": "0", **environment}
        try:
            done = subprocess.run(
                [str(word) for word in arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=seconds,
                env=variables,
            )
            code, output, errors = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as error:
            code, output, errors = 124, error.stdout or b"", error.stderr or b""
        text, errors = output.decode(errors="replace"), errors.decode(errors="replace")
        with self.log.open("a") as file:
            file.write(f"$ {' '.join(str(word) for word in arguments)}\n{text}{errors}exit code {code}\n\n")
        return code, text


def machine(run, seconds):
    """Unpacks the archives and writes down what the machine is."""
    for archive in sorted(run.bundle.glob("*.tar.xz")):
        with tarfile.open(archive) as file:
            file.extractall(run.work, filter="data")
    facts = {"cpu": platform.machine(), "python": platform.python_version(), "card": None, "driver": None}
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        code, text = run.command(query, seconds)
        if code == 0:
            facts["card"], facts["driver"] = [word.strip() for word in text.splitlines()[0].split(",")]
    except FileNotFoundError:
        pass
    versions = "import json, torch; print(json.dumps([torch.__version__, torch.version.cuda]))"
    code, text = run.command([sys.executable, "-c", versions], 60)
    facts["torch"], facts["cuda"] = json.loads(text) if code == 0 else (None, None)
    run.record("machine", **facts)
    return 0


def ceilings(run, seconds):
    """What PyTorch reaches on this machine."""
    device = "cuda" if run.device.startswith("cuda") else "cpu"
    script = [sys.executable, run.bundle / "ceilings.py", "--device", device]
    code, text = run.command(script + (["--tiny"] if run.tiny else []), seconds)
    if code != 0:
        run.record("skipped", name="ceilings", why="PyTorch could not measure them; see log.txt")
        return code
    run.record("ceilings", **json.loads(text.splitlines()[-1]))
    return 0


def tests(run, seconds, program, words):
    """Runs tests of a crate on the device; each becomes a golden of the report."""
    environment = {
        "INTERNLM_TEST_DEVICE": run.device,
        "INTERNLM_TEST_DATA": str(run.work / "goldens"),
        "CI": "true",
        "PROPTEST_MAX_SHRINK_ITERS": "0",
    }
    arguments = [run.work / "programs" / program, *words, "--test-threads", "1"]
    code, text = run.command(arguments, seconds, **environment)
    found = re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", text, re.MULTILINE)
    for name, outcome in found:
        precision = "16 bits" if "16_bits" in name else "f32-exact"
        run.record("golden", name=name, precision=precision, error=None, limit=None, passed=outcome == "ok")
    return code if found else code or 1


def goldens(run, seconds):
    """The decoder against PyTorch's numbers."""
    return tests(run, seconds, "decoder-tests", ["gpu::logits"] if run.tiny else ["gpu::"])


def kernels(run, seconds):
    """Every kernel against its twin on the CPU."""
    words = ["kernels::device::tests::" + name for name in ("products_", "a_row_")]
    return tests(run, seconds, "kernel-tests", words if run.tiny else ["kernels::device"])


# Name, seconds, and what runs; None for stages without a program.
STAGES = [
    ("machine", 60, machine),
    ("ceilings", 60, ceilings),
    ("goldens", 120, goldens),
    ("kernel tests", 120, kernels),
    ("products and attention", 60, benches.kernels),
    ("train 1.8B", 60, benches.train_small),
    ("serve 7B", 75, benches.serve),
    ("train 7B", 60, benches.train_large),
    ("torch twins", 75, benches.twins),
    ("quantized weights and cache", 60, benches.quantized),
    ("server", 60, benches.server),
    ("one-rank NCCL", 10, None),
]


def attempt(run, work, seconds):
    """Runs a stage; one that breaks off does not end the others."""
    try:
        return work(run, seconds)
    except Exception:
        with run.log.open("a") as file:
            file.write(traceback.format_exc() + "\n")
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", required=True, help="folder with the archives")
    parser.add_argument("--work", required=True, help="empty folder for what is unpacked")
    parser.add_argument("--out", default=os.environ.get("OUT", "out"), help="folder of the results (default: $OUT)")
    parser.add_argument("--device", default="cuda:0", help="cuda:N or vulkan:N")
    parser.add_argument("--tiny", action="store_true", help="a rehearsal: few tests, small sizes")
    parser.add_argument("--only", help="numbers of stages, separated by commas; the first always runs")
    parser.add_argument("--budget", type=float, help="seconds after which no stage begins (default: 480, none if tiny)")
    options = parser.parse_args()
    run = Run(options)
    chosen = {int(number) for number in options.only.split(",")} | {1} if options.only else None
    default = float("inf") if options.tiny else 480
    budget = default if options.budget is None else options.budget
    begin, failed = time.monotonic(), False
    for number, (name, seconds, work) in enumerate(STAGES, start=1):
        if chosen and number not in chosen:
            continue
        left = budget - (time.monotonic() - begin)
        why = benches.NOT_BUILT if work is None else "no time was left" if left < 5 else None
        if why:
            run.record("skipped", name=name, why=why)
            continue
        start = time.monotonic()
        code = attempt(run, work, min(seconds, left) if not run.tiny else 600)
        run.record("stage", name=name, seconds=round(time.monotonic() - start, 1), exit=code)
        failed |= code != 0
        print(f"stage {number} {name}: exit code {code}", flush=True)
    assembled = report.assemble(run, (run.bundle / "commit").read_text().strip())
    for kind in ("goldens", "benches"):
        passed = sum(row["passed"] is True for row in assembled[kind])
        print(f"{passed} of {len(assembled[kind])} {kind} passed")
    print(f"{len(assembled['skipped'])} skipped, results in {run.out}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

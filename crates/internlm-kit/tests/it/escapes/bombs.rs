//! Attempts to use a resource up: processors, memory, processes, disk in every form, output, time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use internlm_kit::sandbox::{Sandbox, SandboxConfig, Status, Task};

use super::table::Table;

/// Kind, name, shell script, the ways in which it may end.
type Bomb = (&'static str, &'static str, &'static str, &'static [Status]);

const CPU: &[Status] = &[Status::CpuLimit];
const TIME: &[Status] = &[Status::Timeout];
const DISK: &[Status] = &[Status::DiskLimit];
/// Each step is small: a slow machine may not get far enough in time.
const ENTRIES: &[Status] = &[Status::DiskLimit, Status::Timeout];
const MEMORY: &[Status] = &[Status::MemoryLimit];
const OUTPUT: &[Status] = &[Status::OutputLimit];
/// What is refused ends as the program likes.
const REFUSED: &[Status] =
    &[Status::Exited { code: 0 }, Status::Exited { code: 2 }, Status::MemoryLimit, Status::Timeout];

const BOMBS: [Bomb; 26] = [
    ("time", "spinning", "while :; do :; done", CPU),
    ("time", "spinning that ignores the signal", "trap '' XCPU; while :; do :; done", CPU),
    ("time", "sleeping", "sleep 1000", TIME),
    ("time", "sleeping that ignores every signal", "trap '' HUP INT TERM QUIT; sleep 1000; sleep 1000", TIME),
    (
        "time",
        "sleeping in the background with closed streams",
        "sleep 1000 >/dev/null 2>&1 </dev/null & sleep 1000",
        TIME,
    ),
    ("time", "waiting for a pipe", "mkfifo p; cat p", TIME),
    ("time", "stopping itself", "kill -STOP $$; sleep 1000", TIME),
    ("memory", "one large block", "exec python3 -I -c 'x = bytearray(1 << 32)'", MEMORY),
    ("memory", "growing", "exec python3 -I -c 'x = b\"x\"\nwhile True: x += x'", MEMORY),
    (
        "memory",
        "many processes",
        "for i in 1 2 3 4 5 6; do python3 -I -c 'x = bytearray(b\"x\" * 80000000); import time; time.sleep(60)' & done; wait",
        MEMORY,
    ),
    (
        "memory",
        "shared without a file",
        "exec python3 -I -c 'import mmap, os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        m = mmap.mmap(-1, 1 << 26); m.write(b\"x\" * (1 << 26)); time.sleep(60)\ntime.sleep(60)'",
        MEMORY,
    ),
    (
        "memory",
        "a zip bomb",
        "exec python3 -I -c 'import zlib\nc = zlib.compressobj(1); d = b\"\".join(c.compress(bytes(1 << 20)) for _ in range(400)) + c.flush()\nx = zlib.decompress(d)'",
        MEMORY,
    ),
    ("processes", "a fork bomb", "f() { f | f & }; f; sleep 3; exit 0", REFUSED),
    (
        "processes",
        "threads",
        "exec python3 -I -c 'import threading, time\nn = 0\ntry:\n    while n < 4000:\n        threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1\nexcept RuntimeError: pass\nimport os; os._exit(0 if n < 300 else 3)'",
        REFUSED,
    ),
    (
        "disk",
        "one large file",
        "head -c 900000000 /dev/zero > a; [ $(stat -c %s a) -le 8388608 ]; exit $?",
        REFUSED,
    ),
    ("disk", "many files", "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; done", DISK),
    (
        "disk",
        "very many empty files",
        "exec python3 -I -c 'for i in range(10**7): open(str(i), \"w\").close()'",
        ENTRIES,
    ),
    (
        "disk",
        "very many folders",
        "exec python3 -I -c 'import os\nfor i in range(10**7): os.mkdir(str(i))'",
        ENTRIES,
    ),
    (
        "disk",
        "a deep path",
        "exec python3 -I -c 'import os, time\nfor i in range(200):\n    os.mkdir(\"d\" * 200); os.chdir(\"d\" * 200)\nfor i in range(9): open(str(i), \"wb\").write(bytes(4000000))\ntime.sleep(60)'",
        DISK,
    ),
    (
        "disk",
        "deleted and open",
        "for fd in 3 4 5 6 7 8 9; do eval \"exec $fd>h; rm h\"; eval \"head -c 4000000 /dev/zero >&$fd\"; done; sleep 60",
        DISK,
    ),
    (
        "disk",
        "without a name",
        "exec python3 -I -c 'import os, time\nfor i in range(9): os.write(os.open(\".\", os.O_TMPFILE | os.O_RDWR), bytes(4000000))\ntime.sleep(60)'",
        DISK,
    ),
    (
        "disk",
        "in a hidden folder",
        "mkdir d; chmod 300 d; cd d; for f in 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero >$f; done; sleep 60",
        DISK,
    ),
    (
        "disk",
        "in holes that are filled",
        "exec python3 -I -c 'import os, time\nfor i in range(9):\n    f = os.open(str(i), os.O_CREAT | os.O_RDWR); os.ftruncate(f, 8000000)\n    for at in range(0, 8000000, 4096): os.pwrite(f, b\"x\", at)\ntime.sleep(60)'",
        DISK,
    ),
    ("output", "endless stdout", "yes", OUTPUT),
    ("output", "endless stderr", "yes >&2", OUTPUT),
    ("output", "endless output of many", "for i in 1 2 3 4; do yes & done; wait", OUTPUT),
];

/// Runs every bomb at every level, two at a time, and says how many there are.
pub(super) fn run(sandboxes: &[Sandbox], table: &mut Table) -> usize {
    let sandboxes: Vec<Sandbox> = sandboxes
        .iter()
        .map(|sandbox| {
            let config = SandboxConfig::default()
                .with_cpu_seconds(1)
                .with_memory_mib(256)
                .with_file_mib(8)
                .with_folder_mib(16)
                .with_output_kib(64)
                .with_wall_seconds(20.0);
            sandbox.with_config(config).expect("sensible limits")
        })
        .collect();
    let jobs: Vec<(&Sandbox, &Bomb)> =
        sandboxes.iter().flat_map(|sandbox| BOMBS.iter().map(move |bomb| (sandbox, bomb))).collect();
    let (next, table) = (AtomicUsize::new(0), Mutex::new(table));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((sandbox, (kind, name, script, ends))) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let ended = explode(sandbox, (kind, script), ends);
                    table.lock().expect("no panics").add(sandbox.level(), kind, name, &ended);
                }
            });
        }
    });
    BOMBS.len()
}

/// How a bomb ended that should not; empty when it was contained.
fn explode(sandbox: &Sandbox, (kind, script): (&str, &str), ends: &[Status]) -> String {
    // Those that can only run out of time need not take long for it; the others need processor time to get there.
    let seconds = if ends == TIME || ends == REFUSED { 2.0 } else { 30.0 };
    // Runs at the same time may share a user whose processes are counted.
    let processes = if kind == "processes" { 32 } else { 256 };
    let config = sandbox.config().clone().with_wall_seconds(seconds).with_processes(processes);
    // What writes or computes much must not run out of processor time first.
    let config = if ends == CPU { config } else { config.with_cpu_seconds(20) };
    let sandbox = sandbox.with_config(config).expect("sensible limits");
    let outcome = sandbox.run(&Task::new("sh").args(["-c", script])).expect("runs");
    let tmpfile = script.contains("O_TMPFILE") && outcome.stderr.contains("not supported");
    if ends.contains(&outcome.status) || tmpfile {
        return String::new();
    }
    format!("{} {}", outcome.status, outcome.stderr.lines().next_back().unwrap_or_default())
}

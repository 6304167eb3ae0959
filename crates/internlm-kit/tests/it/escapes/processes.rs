//! Attempts on other processes by signals, priorities and limits.

use super::Attempt;
use super::Holds::{Confined, Everywhere};

/// Only what would not end the tests of a level that cannot refuse it.
const CONFINED: [(&str, &str); 13] = [
    ("kill with no signal", "os.kill(HOST, 0); return 'there'"),
    ("SIGTERM", "os.kill(VICTIM, 15); return 'sent'"),
    ("SIGKILL", "os.kill(VICTIM, 9); return 'sent'"),
    ("SIGSTOP", "os.kill(VICTIM, 19); return 'sent'"),
    ("a signal to a thread", "return libc.syscall(200, VICTIM, 15) == 0"),
    ("a signal to a thread of a process", "return libc.syscall(234, VICTIM, VICTIM, 15) == 0"),
    ("a queued signal", "return libc.sigqueue(VICTIM, 15, 0) == 0"),
    ("a signal to a group", "os.killpg(VICTIM, 15); return 'sent'"),
    ("a handle of a process", "fd = os.pidfd_open(VICTIM); signal.pidfd_send_signal(fd, 15); return 'sent'"),
    (
        "a signal by the kernel",
        "r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, VICTIM); fcntl.fcntl(r, 10, 15); fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC); os.write(w, b'x'); return False",
    ),
    ("the first process", "os.kill(1, 0); return open('/proc/1/comm').read().strip() not in ('sh', 'bwrap')"),
    ("the state of a process", "return read('/proc/VICTIM/status')"),
    ("the working directory of a process", "return os.readlink('/proc/HOST/cwd')"),
];

const EVERYWHERE: [(&str, &str); 14] = [
    ("limits of another process", "resource.prlimit(VICTIM, resource.RLIMIT_CPU, (0, 0)); return 'limited'"),
    ("priority of another process", "os.setpriority(os.PRIO_PROCESS, VICTIM, 19); return 'set'"),
    ("priority of a user", "os.setpriority(os.PRIO_USER, 0, 19); return 'set'"),
    ("disk priority of another process", "return call(251, 1, VICTIM, 0x6000)"),
    ("disk priority of a user", "return call(251, 3, 0, 0x6000)"),
    ("processors of another process", "os.sched_setaffinity(VICTIM, {0}); return 'set'"),
    (
        "class of another process",
        "os.sched_setscheduler(VICTIM, os.SCHED_IDLE, os.sched_param(0)); return 'set'",
    ),
    ("memory of another process moved", "return call(279, VICTIM, 0, 0, 0, 0, 0)"),
    ("a higher priority", "os.nice(-5); return 'set'"),
    ("a real-time class", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); return 'set'"),
    (
        "a higher limit",
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2); return 'raised'",
    ),
    ("more processes", "resource.setrlimit(resource.RLIMIT_NPROC, (4000, 4000)); return 'raised'"),
    ("a core file", "resource.setrlimit(resource.RLIMIT_CORE, (1, 1)); return 'raised'"),
    ("another group", "os.setpgid(0, 0); return os.getpgid(0) == os.getpid()"),
];

pub(super) fn attempts() -> Vec<Attempt> {
    let confined = CONFINED.iter().map(|(name, code)| Attempt::new("signals", Confined, *name, *code));
    let everywhere = EVERYWHERE.iter().map(|(name, code)| {
        // Python checks limits itself before it asks.
        let code = if code.contains("setrlimit") {
            format!("try:\n    {code}\nexcept ValueError: return None").replace("; return", "\n    return")
        } else {
            (*code).to_owned()
        };
        Attempt::new("priorities and limits", Everywhere, *name, code)
    });
    confined.chain(everywhere).collect()
}

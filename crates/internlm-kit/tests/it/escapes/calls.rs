//! Attempts on the kernel: tracing, namespaces, mounting, io_uring, keyrings, and what only looks like another call.
//!
//! The numbers are those of x86-64; on other machines there are no such attempts.

use super::Attempt;
use super::Holds::{Confined, Everywhere};

/// Refused at every level with a filter: kind, name, arguments after the number.
const CALLS: [(&str, &str, &str); 61] = [
    ("tracing", "ptrace attach", "101, 16, VICTIM, 0, 0"),
    ("tracing", "ptrace seize", "101, 0x4206, VICTIM, 0, 0"),
    ("tracing", "ptrace traceme", "101, 0, 0, 0, 0"),
    ("tracing", "process_vm_readv", "310, VICTIM, 0, 0, 0, 0, 0"),
    ("tracing", "process_vm_writev", "311, VICTIM, 0, 0, 0, 0, 0"),
    ("tracing", "pidfd_getfd", "438, 0, 0, 0"),
    ("tracing", "kcmp", "312, VICTIM, VICTIM, 0, 0, 0"),
    ("tracing", "perf_event_open", "298, 0, VICTIM, -1, -1, 0"),
    ("namespaces", "unshare user", "272, 0x10000000"),
    ("namespaces", "unshare mounts", "272, 0x20000"),
    ("namespaces", "unshare user and mounts", "272, 0x10020000"),
    ("namespaces", "unshare network", "272, 0x40000000"),
    ("namespaces", "unshare processes", "272, 0x20000000"),
    ("namespaces", "unshare host name", "272, 0x4000000"),
    ("namespaces", "unshare IPC", "272, 0x8000000"),
    ("namespaces", "unshare cgroups", "272, 0x2000000"),
    ("namespaces", "unshare time", "272, 0x80"),
    ("namespaces", "clone user", "56, 0x10000011, 0, 0, 0, 0"),
    ("namespaces", "clone user and mounts", "56, 0x10020011, 0, 0, 0, 0"),
    ("namespaces", "clone3", "435, 0, 0"),
    ("namespaces", "setns", "308, 0, 0"),
    ("mounting", "mount", "165, 0, 0, 0, 0, 0"),
    ("mounting", "umount2", "166, 0, 0"),
    ("mounting", "pivot_root", "155, 0, 0"),
    ("mounting", "chroot", "161, 0"),
    ("mounting", "fsopen", "430, 0, 0"),
    ("mounting", "fsconfig", "431, 0, 0, 0, 0, 0"),
    ("mounting", "fsmount", "432, 0, 0, 0"),
    ("mounting", "fspick", "433, 0, 0, 0"),
    ("mounting", "move_mount", "429, 0, 0, 0, 0, 0"),
    ("mounting", "open_tree", "428, -100, 0, 1"),
    ("mounting", "mount_setattr", "442, 0, 0, 0, 0, 0"),
    ("io_uring", "setup", "425, 8, ctypes.create_string_buffer(120)"),
    ("io_uring", "enter", "426, 0, 0, 0, 0, 0, 0"),
    ("io_uring", "register", "427, 0, 0, 0, 0"),
    ("keyrings", "add_key", "248, b'user', b'k', b'v', 1, -2"),
    ("keyrings", "request_key", "249, b'user', b'k', 0, -2"),
    ("keyrings", "keyctl get", "250, 0, -3, 1"),
    ("keyrings", "keyctl join", "250, 1, 0"),
    ("kernel calls", "bpf", "321, 0, 0, 0"),
    ("kernel calls", "userfaultfd", "323, 1"),
    ("kernel calls", "fanotify_init", "300, 0, 0"),
    ("kernel calls", "init_module", "175, 0, 0, 0"),
    ("kernel calls", "finit_module", "313, 0, 0, 0"),
    ("kernel calls", "delete_module", "176, 0, 0"),
    ("kernel calls", "kexec_load", "246, 0, 0, 0, 0"),
    ("kernel calls", "reboot", "169, 0, 0, 0, 0"),
    ("kernel calls", "swapon", "167, 0, 0"),
    ("kernel calls", "acct", "163, 0"),
    ("kernel calls", "settimeofday", "164, 0, 0"),
    ("kernel calls", "clock_settime", "227, 0, 0"),
    ("kernel calls", "adjtimex", "159, 0"),
    ("kernel calls", "syslog", "103, 3, 0, 0"),
    ("kernel calls", "iopl", "172, 3"),
    ("kernel calls", "ioperm", "173, 0, 1, 1"),
    ("kernel calls", "modify_ldt", "154, 0, 0, 0"),
    ("hidden memory", "memfd_create", "319, b'm', 0"),
    ("hidden memory", "memfd_secret", "447, 0"),
    ("hidden memory", "shmget", "29, 0, 4096, 0o1600"),
    ("hidden memory", "msgget", "68, 0, 0o1600"),
    ("hidden memory", "semget", "64, 0, 1, 0o1600"),
];

/// The same calls under the numbers of the x32 interface.
const X32: [(&str, u32); 7] = [
    ("ptrace", 521),
    ("io_uring_setup", 425),
    ("keyctl", 250),
    ("unshare", 272),
    ("bpf", 321),
    ("socket", 41),
    ("mount", 165),
];

/// A process with a 32-bit call in memory that may be executed: mov eax, 20; int 0x80; ret.
const COMPAT: &str = "page = mmap.mmap(-1, 4096, prot=7)\npage.write(bytes.fromhex('b814000000cd80c3'))\naddress = ctypes.addressof(ctypes.c_char.from_buffer(page))\nreturn 'process %d by a 32-bit call' % ctypes.CFUNCTYPE(ctypes.c_int)(address)()";

/// What is not one call.
const OTHERS: [(&str, &str, &str); 6] = [
    ("kernel calls", "a 32-bit call", COMPAT),
    ("hidden memory", "mq_open", "return call(240, b'm', 0o102, 0o600, 0)"),
    (
        "hidden memory",
        "room behind the end of a file",
        "fd = os.open('r', os.O_CREAT | os.O_RDWR); return call(285, fd, 1, 0, 1 << 30)",
    ),
    ("hidden memory", "a process that hides its files", "return call(157, 4, 0, 0, 0, 0)"),
    ("tracing", "typing into the terminal", "return call(16, 0, 0x5412, b'x')"),
    ("namespaces", "a session of its own", "return call(112)"),
];

pub(super) fn attempts() -> Vec<Attempt> {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: attempts with the call numbers of x86-64");
        return Vec::new();
    }
    let calls = CALLS.iter().map(|(kind, name, arguments)| {
        // The levels with namespaces of their own may repeat what their helper did, which leads nowhere else.
        Attempt::new(kind, Everywhere, *name, format!("return call({arguments})"))
    });
    let x32 = X32.iter().map(|(name, number)| {
        Attempt::new("x32 calls", Everywhere, *name, format!("return call({})", number | 0x4000_0000))
    });
    let others = OTHERS.iter().map(|(kind, name, code)| Attempt::new(kind, Everywhere, *name, *code));
    let mounts = Attempt::new(
        "mounting",
        Confined,
        "a file system of its own",
        "return libc.mount(b'none', b'.', b'tmpfs', 0, None) == 0",
    );
    calls.chain(x32).chain(others).chain([mounts]).collect()
}

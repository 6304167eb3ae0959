//! Attempts on files, links, descriptors and `/proc`.

use super::Attempt;
use super::Holds::{Confined, Everywhere};

/// Places where nobody but the system writes, and the folder that is open to everybody.
const WRITE: [&str; 20] = [
    "OUTSIDE/secret",
    "OUTSIDE/made",
    "/tmp/escaped",
    "/var/tmp/escaped",
    "/dev/shm/../escaped",
    "/etc/passwd",
    "/etc/escaped",
    "/usr/bin/escaped",
    "/usr/lib/escaped",
    "/bin/sh",
    "/root/escaped",
    "/home/escaped",
    "/escaped",
    "/run/escaped",
    "/run/lock/escaped",
    "/var/spool/cron/escaped",
    "/boot/escaped",
    "/opt/escaped",
    "/srv/escaped",
    "/dev/escaped",
];

/// What holds secrets of the machine or of others.
const READ: [&str; 15] = [
    "OUTSIDE/secret",
    "/etc/shadow",
    "/root/.bashrc",
    "/root/.profile",
    "/var/log/dpkg.log",
    "/var/lib/dpkg/status",
    "/proc/HOST/environ",
    "/proc/HOST/mem",
    "/proc/HOST/maps",
    "/proc/HOST/exe",
    "/proc/HOST/cwd/Cargo.toml",
    "/proc/HOST/root/etc/hostname",
    "/proc/VICTIM/environ",
    "/proc/VICTIM/cmdline",
    "/proc/kcore",
];

/// Files of the kernel that change the machine.
const KERNEL: [&str; 10] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sysrq-trigger",
    "/proc/self/oom_score_adj/../../HOST/oom_score_adj",
    "/proc/HOST/oom_score_adj",
    "/sys/power/state",
    "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/cgroup.procs",
    "/dev/mem",
];

/// Name and code of what is not one path.
const OTHERS: [(&str, &str); 25] = [
    ("a link to a file outside", "os.symlink('OUTSIDE/secret', 'l1'); return write('l1')"),
    ("a link to a folder outside", "os.symlink('OUTSIDE', 'l2'); return write('l2/made')"),
    ("a link that is read", "os.symlink('OUTSIDE/secret', 'l3'); return read('l3')"),
    ("a hard link to a file outside", "os.link('OUTSIDE/secret', 'h1'); return write('h1')"),
    (
        "a hard link into a folder outside",
        "open('h2', 'w').close(); os.link('h2', 'OUTSIDE/h2'); return 'linked'",
    ),
    ("a file moved out", "open('m1', 'w').close(); os.rename('m1', 'OUTSIDE/m1'); return 'moved'"),
    ("a file moved in", "os.rename('OUTSIDE/secret', 'm2'); return 'moved'"),
    ("a file removed", "os.remove('OUTSIDE/secret'); return 'removed'"),
    ("a file cut", "os.truncate('OUTSIDE/secret', 0); return 'cut'"),
    ("rights taken", "os.chmod('OUTSIDE/secret', 0o600); return open('OUTSIDE/secret').read()"),
    ("the way up", "return write('../../../../../..' + 'OUTSIDE/made')"),
    (
        "the way up from a folder",
        "os.mkdir('d'); os.chdir('d'); return write('../../../../../../../..' + 'OUTSIDE/made')",
    ),
    (
        "the way up from an open folder",
        "fd = os.open('.', os.O_RDONLY); return os.open('../../../../..' + 'OUTSIDE/made', os.O_CREAT | os.O_WRONLY, dir_fd=fd)",
    ),
    (
        "openat2 without its flags",
        "fd = os.open('.', os.O_PATH); how = ctypes.create_string_buffer(struct.pack('QQQ', os.O_WRONLY | os.O_CREAT, 0o600, 0)); return libc.syscall(437, fd, b'OUTSIDE/made', how, 24) >= 0",
    ),
    ("its own folder through /proc", "return write('/proc/self/cwd/../../../../../..' + 'OUTSIDE/made')"),
    ("the root through /proc", "return write('/proc/self/root' + 'OUTSIDE/made')"),
    ("a folder made outside", "os.mkdir('OUTSIDE/made'); return 'made'"),
    ("a socket made outside", "os.mknod('OUTSIDE/made', 0o140666); return 'made'"),
    ("a pipe made outside", "os.mkfifo('OUTSIDE/made'); return 'made'"),
    ("a program outside", "return subprocess.run(['OUTSIDE/secret']).returncode == 0"),
    ("names of files outside", "return os.listdir('OUTSIDE')"),
    ("names of homes", "return os.listdir('/root') + os.listdir('/home')"),
    ("names of processes", "return [p for p in os.listdir('/proc') if p in ('HOST', 'VICTIM')]"),
    ("open files of this test", "return os.listdir('/proc/HOST/fd')"),
    ("extended attributes outside", "os.setxattr('OUTSIDE/secret', 'user.x', b'1'); return 'set'"),
];

/// Name and code of what no level lets through.
const NEVER: [(&str, &str); 9] = [
    (
        "descriptors of this test",
        "found = []\nfor fd in range(3, 128):\n    try: found.append(os.readlink('/proc/self/fd/%d' % fd)) if os.fstat(fd) else None\n    except OSError: pass\nreturn [f for f in found if not f.startswith(('pipe:', '/proc', os.getcwd()))]",
    ),
    (
        "the block device",
        "return [read(p) for p in glob.glob('/dev/[vs]d?') + glob.glob('/dev/nvme*') if os.path.exists(p)]",
    ),
    ("the memory device", "return read('/dev/mem')"),
    ("the kernel's log", "return read('/dev/kmsg')"),
    ("a device of its own", "os.mknod('n1', 0o060666, os.makedev(254, 0)); return read('n1')"),
    ("a terminal", "return os.open('/dev/tty', os.O_RDWR)"),
    ("a file by its handle", "return call(304, -100, 0, 0)"),
    ("another user", "os.setuid(0); return os.getuid() == 0 and os.access('/etc/shadow', os.W_OK)"),
    (
        "a program with the rights of root",
        "return subprocess.run(['/usr/bin/su', '-c', 'id -u'], capture_output=True, stdin=subprocess.DEVNULL).stdout.strip() == b'0'",
    ),
];

pub(super) fn attempts() -> Vec<Attempt> {
    let writes = WRITE
        .iter()
        .map(|path| Attempt::new("writing files", Confined, *path, format!("return write('{path}')")));
    let reads = READ
        .iter()
        .map(|path| Attempt::new("reading files", Confined, *path, format!("return read('{path}')")));
    let kernel = KERNEL
        .iter()
        .map(|path| Attempt::new("kernel files", Confined, *path, format!("return write('{path}')")));
    let others = OTHERS.iter().map(|(name, code)| Attempt::new("links and folders", Confined, *name, *code));
    let never =
        NEVER.iter().map(|(name, code)| Attempt::new("devices and descriptors", Everywhere, *name, *code));
    writes.chain(reads).chain(kernel).chain(others).chain(never).collect()
}

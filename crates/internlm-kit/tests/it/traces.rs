//! What a run holds, leaves and shows to others, at every level that works on this machine.

use internlm_kit::sandbox::{Level, Status};

use crate::sandbox::{python, sandboxes, shell};

/// Five files of a megabyte without a name, open at the same time, under a limit of four. The standard streams are
/// kept for last words.
const DELETED: &str = "for fd in 3 4 5 6 7; do eval \"exec $fd>h; rm h\"; \
    eval \"head -c 1000000 /dev/zero >&$fd\"; done; sleep 60";

/// Small limits of a file and of the folder, MiB.
const FILE: u64 = 1;
const FOLDER: u64 = 4;

#[test]
fn deleted_files_count_as_long_as_they_are_open() {
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (FILE, FOLDER)) {
        let outcome = shell(&sandbox, DELETED);
        assert_eq!(outcome.status, Status::DiskLimit, "{outcome:?}");
        // One of them is within the limit.
        let outcome = shell(&sandbox, "exec 3>h; rm h; head -c 1000000 /dev/zero >&3; sleep 0.3; echo done");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Status::Exited { code: 0 }, "done\n"));
    }
}

#[test]
fn nameless_files_count_wherever_a_process_keeps_them() {
    let write = "import ctypes, os, threading, time\ndef held():\n    file = os.open('.', os.O_TMPFILE | os.O_RDWR)\n    os.write(file, b'x' * 1000000)\n    return file\n";
    for keep in [
        // Files that never had a name.
        "files = [held() for _ in range(5)]\ntime.sleep(60)",
        // Mapped, and not open any more.
        "libc = ctypes.CDLL(None)\nfor _ in range(5):\n    file = held()\n    libc.mmap(None, ctypes.c_size_t(1000000), 3, 1, file, ctypes.c_long(0))\n    os.close(file)\ntime.sleep(60)",
        // Open in a thread of a process whose first thread has ended.
        "def work():\n    files = [held() for _ in range(5)]\n    time.sleep(60)\n    os._exit(0)\nthreading.Thread(target=work).start()\nctypes.CDLL(None).pthread_exit(None)",
        // In a child of their own each.
        "for _ in range(5):\n    if os.fork() == 0:\n        file = held()\n        time.sleep(60)\n        os._exit(0)\ntime.sleep(60)",
    ] {
        for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (FILE, FOLDER)) {
            let Some(outcome) = python(&sandbox, &format!("{write}{keep}")) else { return };
            if outcome.stderr.contains("Operation not supported") {
                println!("skipped: no files without a name on this file system");
                return;
            }
            assert_eq!(outcome.status, Status::DiskLimit, "{keep}: {outcome:?}");
        }
    }
}

#[test]
fn files_count_in_folders_that_their_owner_cannot_look_into() {
    let hide = "mkdir d && chmod 300 d && cd d && for f in 3 4 5 6 7; do head -c 1000000 /dev/zero >$f; done; sleep 60";
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (FILE, FOLDER)) {
        let outcome = shell(&sandbox, hide);
        assert_eq!(outcome.status, Status::DiskLimit, "{outcome:?}");
    }
}

#[test]
fn room_counts_and_not_size() {
    let few = "head -c 1000000 /dev/zero >a; for f in 1 2 3 4 5; do ln a $f; truncate -s 1000000 s$f; done; sleep 0.3; echo done";
    // Room behind the end of a file, which the limit of a file does not see.
    let ahead = "import ctypes, os\nfile = os.open('a', os.O_CREAT | os.O_RDWR)\nprint(ctypes.CDLL(None).fallocate(file, 1, ctypes.c_long(0), ctypes.c_long(1 << 30)))";
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (FILE, FOLDER)) {
        let outcome = shell(&sandbox, few);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Status::Exited { code: 0 }, "done\n"));
        if let Some(outcome) = python(&sandbox, ahead) {
            assert_eq!(outcome.stdout, "-1\n", "{outcome:?}");
        }
    }
}

#[test]
fn a_process_cannot_hide_its_open_files() {
    // A file that nobody may read runs as a process that nobody may look into.
    let unreadable = "cp /bin/sleep s && chmod 111 s && exec ./s 60";
    let ask = "import ctypes\nprint(ctypes.CDLL(None).prctl(4, 0, 0, 0, 0))";
    for sandbox in sandboxes(|_| ()) {
        let outcome = shell(&sandbox, unreadable);
        // Whoever may trace every process, as root often may, sees its files all the same.
        assert!(matches!(outcome.status, Status::DiskLimit | Status::Timeout), "{outcome:?}");
        if let Some(outcome) = python(&sandbox, ask) {
            assert_eq!(outcome.stdout, "-1\n", "{outcome:?}");
        }
    }
}

#[test]
fn the_work_folder_is_private_at_every_level() {
    for sandbox in sandboxes(|_| ()) {
        let outcome = shell(&sandbox, "stat -c %a . && echo x > \"$TMPDIR/made\" && ls");
        assert_eq!(outcome.stdout, "700\nmade\n", "{outcome:?}");
    }
}

#[test]
fn a_level_claims_no_more_than_it_does() {
    use internlm_kit::sandbox::Strength;
    for sandbox in sandboxes(|_| ()).into_iter().filter(|sandbox| sandbox.level() == Level::Process) {
        let strength = |what: &str| {
            let row = sandbox.protections().into_iter().find(|row| row.what == what);
            row.expect("there is such a row").strength
        };
        assert_ne!(strength("file size"), Strength::Enforced);
        assert_ne!(strength("files"), Strength::Enforced);
        assert_eq!(strength("inherited files"), Strength::Enforced);
    }
}

//! Containment, tried for real at every level that works on this machine.

use internlm_kit::exit::BadInput;
use std::time::{Duration, Instant};

use internlm_kit::sandbox::{
    Level, LevelChoice, Outcome, Sandbox, SandboxConfig, SandboxError, Status, Task,
};
use internlm_kit::stop::Stop;

/// Short limits, so that tests that run into them are quick.
fn config(level: LevelChoice) -> SandboxConfig {
    SandboxConfig::default()
        .with_level(level)
        .with_wall_seconds(30.0)
        .with_cpu_seconds(1)
        .with_memory_mib(256)
        .with_processes(16)
}

/// Every confining level that works here, weakest first.
pub(crate) fn sandboxes(change: impl Fn(&mut SandboxConfig)) -> Vec<Sandbox> {
    let choices = [LevelChoice::Process, LevelChoice::Landlock, LevelChoice::Namespaces, LevelChoice::Bwrap];
    let mut found = Vec::new();
    for choice in choices {
        let mut config = config(choice);
        change(&mut config);
        match Sandbox::new(config) {
            Ok(sandbox) => found.push(sandbox),
            Err(error @ SandboxError::LevelUnavailable { .. }) => println!("skipped: {error}"),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!found.is_empty(), "the level `process` works on every Linux");
    found
}

pub(crate) fn shell(sandbox: &Sandbox, script: &str) -> Outcome {
    sandbox.run(&Task::new("sh").args(["-c", script])).expect("the sandbox runs")
}

/// Python's outcome, or `None` with a visible line when Python is not installed.
pub(crate) fn python(sandbox: &Sandbox, script: &str) -> Option<Outcome> {
    match sandbox.run(&Task::new("python3").args(["-I", "-c", script])) {
        Ok(outcome) => Some(outcome),
        Err(error @ SandboxError::ProgramMissing { .. }) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_program_gets_its_input_files_environment_and_folder() {
    for sandbox in sandboxes(|_| ()) {
        let task = Task::new("sh")
            .args(["-c", "cat; cat data.txt; echo $GREETING; echo warn >&2; echo x > made && exit 3", "zero"])
            .stdin("in\n")
            .file("data.txt", "file\n")
            .variable("GREETING", "hello");
        let outcome = sandbox.run(&task).expect("runs");
        assert_eq!(outcome.status, Status::Exited { code: 3 }, "{outcome:?}");
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("in\nfile\nhello\n", "warn\n"));
        assert_eq!(outcome.level, sandbox.level());
    }
}

#[test]
fn the_environment_is_cleared() {
    let secret = std::env::vars().map(|(name, _)| name).find(|name| name.starts_with("CARGO"));
    let secret = secret.expect("cargo sets its own variables");
    for sandbox in sandboxes(|_| ()) {
        let outcome = shell(&sandbox, "env");
        assert!(outcome.stdout.contains("HOME=") && !outcome.stdout.contains(&secret), "{outcome:?}");
    }
}

#[test]
fn an_endless_loop_ends_by_processor_time() {
    for sandbox in sandboxes(|config| config.wall_seconds = 100.0) {
        let outcome = shell(&sandbox, "while :; do :; done");
        assert_eq!(outcome.status, Status::CpuLimit, "{outcome:?}");
        assert!(outcome.cpu_seconds >= 0.5, "{outcome:?}");
    }
}

#[test]
fn a_crash_is_told_from_an_exit() {
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, "import os\nos.abort()") else { return };
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (Status::Signaled { signal: 6 }, ""),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_sleeper_ends_by_the_wall_clock_with_its_children() {
    for sandbox in sandboxes(|config| config.wall_seconds = 0.3) {
        let started = Instant::now();
        let outcome = shell(&sandbox, "sleep 1000 & sleep 1000");
        assert_eq!(outcome.status, Status::Timeout, "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(100), "the readers wait for the background child");
    }
}

#[test]
fn a_stop_ends_a_run_with_its_children() {
    for sandbox in sandboxes(|_| ()) {
        let stop = Stop::new();
        let stopped = sandbox.with_stop(stop.clone());
        let outcome = std::thread::scope(|scope| {
            let run = scope.spawn(|| shell(&stopped, "sleep 1001 & sleep 1001"));
            std::thread::sleep(Duration::from_millis(300));
            let requested = Instant::now();
            stop.request();
            let outcome = run.join().expect("no panic");
            println!("{}: ended {:?} after the stop", sandbox.level(), requested.elapsed());
            assert!(requested.elapsed() < Duration::from_secs(10), "it does not wait for the wall clock");
            outcome
        });
        assert_eq!(outcome.status, Status::Stopped, "{outcome:?}");
        assert_eq!(shell(&stopped, "sleep 1000").status, Status::Stopped, "later runs end as well");
        assert_eq!(shell(&sandbox, "true").status, Status::Exited { code: 0 }, "others do not");
    }
}

#[test]
fn children_left_behind_do_not_survive() {
    for sandbox in sandboxes(|_| ()) {
        // The child keeps the output pipe open: the run could not end if it survived.
        let outcome = shell(&sandbox, "sleep 1000 & echo done");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Status::Exited { code: 0 }, "done\n"));
        assert!(outcome.wall_seconds < 100.0, "{outcome:?}");
    }
}

#[test]
fn a_session_of_its_own_is_refused() {
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, "import os\nos.setsid()") else { return };
        assert!(outcome.stderr.contains("PermissionError"), "{outcome:?}");
    }
}

#[test]
fn endless_output_is_cut_with_a_mark() {
    for sandbox in sandboxes(|config| config.output_kib = 16) {
        let outcome = shell(&sandbox, "yes");
        assert_eq!(outcome.status, Status::OutputLimit, "{:?}", outcome.status);
        assert!(
            outcome.stdout.starts_with("y\ny\n") && outcome.stdout.ends_with("[output cut at 16384 bytes]\n")
        );
        assert!(outcome.stdout.len() < 17_000);
    }
}

#[test]
fn a_memory_hog_is_refused_memory() {
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, "x = bytearray(10**9)\nprint(len(x))") else { return };
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Status::MemoryLimit, ""), "{outcome:?}");
    }
}

#[test]
fn memory_of_many_processes_is_summed() {
    // Each child stays below the limit of one process; together they exceed it.
    let script = "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        x = bytearray(b'x' * 90_000_000)\n        time.sleep(60)\ntime.sleep(60)";
    for sandbox in sandboxes(|config| config.cpu_seconds = 10) {
        let Some(outcome) = python(&sandbox, script) else { return };
        assert_eq!(outcome.status, Status::MemoryLimit, "{outcome:?}");
        assert!(outcome.peak_memory_bytes > 256 << 20, "{outcome:?}");
    }
}

#[test]
fn a_fork_bomb_is_bounded() {
    let script = "import os, time\ncount = 0\ntry:\n    while count < 5000:\n        if os.fork() == 0:\n            time.sleep(60)\n        count += 1\nexcept OSError:\n    pass\nprint(count)";
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, script) else { return };
        let started: u64 = outcome.stdout.trim().parse().unwrap_or(5000);
        // Other processes of the same user may come and go meanwhile when the user is shared.
        assert!(started <= 16 + 200, "{} processes: {outcome:?}", started);
    }
}

#[test]
fn large_files_are_refused_and_a_full_folder_is_killed() {
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (1, 4)) {
        let outcome = shell(&sandbox, "head -c 3000000 /dev/zero > big; wc -c < big");
        assert_eq!(outcome.stdout.trim(), "1048576", "{outcome:?}");
        let fill = "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; sleep 0.01; done";
        assert_eq!(shell(&sandbox, fill).status, Status::DiskLimit);
    }
}

#[test]
fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let script =
        format!("import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\nprint('connected')");
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, &script) else { return };
        assert!(!outcome.status.is_success() && !outcome.stdout.contains("connected"), "{outcome:?}");
        let unix = "import socket\nsocket.socket(socket.AF_UNIX)\nprint('made')";
        let unix = python(&sandbox, unix).expect("python was there a moment ago");
        assert!(!unix.stdout.contains("made"), "{unix:?}");
    }
}

#[test]
fn files_outside_the_work_folder_are_out_of_reach() {
    let outside = tempfile::tempdir().expect("temporary folder");
    let path = outside.path().join("secret");
    std::fs::write(&path, "secret").expect("writes");
    let path = path.display();
    let script =
        format!("cat {path}; echo changed > {path}; ln -s {path} link; cat link; touch /etc/x /usr/x /x");
    for sandbox in sandboxes(|_| ()).into_iter().filter(|sandbox| sandbox.level() > Level::Process) {
        let outcome = shell(&sandbox, &script);
        assert!(!outcome.stdout.contains("secret"), "{outcome:?}");
        assert_eq!(std::fs::read_to_string(outside.path().join("secret")).expect("reads"), "secret");
    }
}

#[test]
fn signals_and_proc_do_not_reach_this_process() {
    let own = std::process::id();
    let script = format!("kill -0 {own} && echo reached; cat /proc/{own}/environ && echo read");
    for sandbox in sandboxes(|_| ()).into_iter().filter(|sandbox| sandbox.level() > Level::Process) {
        let outcome = shell(&sandbox, &script);
        assert_eq!(outcome.stdout, "", "{outcome:?}");
    }
}

#[test]
fn tracing_mounting_and_namespaces_are_refused() {
    let script = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nfor name in ('ptrace', 'unshare', 'mount'):\n    args = {'ptrace': (16, 1, 0, 0), 'unshare': (0x10000000,), 'mount': (b'none', b'/tmp', b'tmpfs', 0, None)}[name]\n    print(name, getattr(libc, name)(*args))";
    for sandbox in sandboxes(|_| ()).into_iter().filter(|sandbox| sandbox.level() == Level::Landlock) {
        let Some(outcome) = python(&sandbox, script) else { return };
        assert_eq!(outcome.stdout, "ptrace -1\nunshare -1\nmount -1\n", "{outcome:?}");
    }
}

#[test]
fn auto_takes_a_confining_level_and_none_must_be_named() {
    let auto = Sandbox::new(config(LevelChoice::Auto)).expect("some level works");
    assert!(auto.level() >= Level::Process);
    assert!(auto.protections().iter().any(|row| row.what == "network"));
    let none = Sandbox::new(config(LevelChoice::None)).expect("asked for by name");
    assert_eq!((none.level(), shell(&none, "echo x").stdout.as_str()), (Level::None, "x\n"));
}

#[test]
fn bad_requests_name_what_is_wrong() {
    let sandbox = Sandbox::new(config(LevelChoice::Process)).expect("works");
    let missing = sandbox.run(&Task::new("no-such-program")).expect_err("missing");
    assert!(missing.to_string().starts_with("unavailable: needs no-such-program"), "{missing}");
    let path = sandbox.run(&Task::new("sh").file("../x", "")).expect_err("a path");
    assert!(path.to_string().contains("`../x`") && path.is_bad_input(), "{path}");
    let zero = SandboxConfig::default().with_cpu_seconds(0).with_wall_seconds(-1.0);
    let zero = Sandbox::new(zero).expect_err("no time").to_string();
    assert!(zero.contains("cpu-seconds: found 0") && zero.contains("wall-seconds: found -1"), "{zero}");
}

#[test]
fn many_runs_at_once_do_not_disturb_each_other() {
    let sandbox = Sandbox::new(config(LevelChoice::Auto).with_processes(512)).expect("some level works");
    std::thread::scope(|scope| {
        for index in 0..8 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let outcome = shell(sandbox, &format!("echo {index} > same; cat same; ls | wc -l"));
                assert_eq!(outcome.stdout, format!("{index}\n1\n"), "{outcome:?}");
            });
        }
    });
}

/// Seconds that no other process sleeps for: how the victim is found in the process list.
const VICTIM: &str = "86123";

#[test]
#[ignore = "the victim of `programs_die_with_the_process_that_started_them`, which starts it"]
fn victim() {
    let sandbox = Sandbox::new(config(LevelChoice::Auto).with_wall_seconds(60.0));
    shell(&sandbox.expect("some level works"), &format!("sleep {VICTIM}"));
}

#[test]
fn programs_die_with_the_process_that_started_them() {
    // The work folder in it must be reachable for the program's user.
    let temporary = tempfile::tempdir().expect("temporary folder");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(temporary.path(), everybody).expect("opens the folder");
    let own = std::env::current_exe().expect("this test's binary");
    let mut host = std::process::Command::new(own)
        .args(["--ignored", "--exact", "sandbox::victim"])
        .env("TMPDIR", temporary.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let in_time = |wanted: usize| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while count_processes(VICTIM) != wanted && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        count_processes(VICTIM) == wanted
    };
    assert!(in_time(1), "the victim does not start");
    // SIGKILL: the host cannot clean up.
    host.kill().expect("kills");
    host.wait().expect("reaps");
    assert!(in_time(0), "the victim survived its host");
    // Nor does its work folder, although the host could not remove it.
    let left = || std::fs::read_dir(temporary.path()).expect("lists").count();
    let deadline = Instant::now() + Duration::from_secs(20);
    while left() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(left(), 0, "the work folder is left behind");
}

/// Processes whose command line is `sleep SECONDS`.
fn count_processes(seconds: &str) -> usize {
    let wanted = format!("sleep\0{seconds}\0").into_bytes();
    let processes = std::fs::read_dir("/proc").expect("reads /proc").flatten();
    processes
        .filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted))
        .count()
}

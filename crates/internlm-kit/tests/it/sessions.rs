//! Sessions: programs that stay alive, at every level that works on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use internlm_kit::sandbox::{Level, Sandbox, SandboxConfig, Session, Status, Task};

use crate::sandbox::{python, sandboxes, shell};

/// Whether Python is there; a visible line says that it is not.
fn has_python(sandbox: &Sandbox) -> bool {
    python(sandbox, "").is_some()
}

fn start(sandbox: &Sandbox, task: &Task) -> (Session, BufReader<ChildStdout>) {
    let mut session = sandbox.spawn(task).expect("starts");
    let stdout = BufReader::new(session.stdout.take().expect("a pipe"));
    (session, stdout)
}

fn run_python(sandbox: &Sandbox, script: &str) -> (Session, BufReader<ChildStdout>) {
    start(sandbox, &Task::new("python3").args(["-I", "-u", "-c", script]))
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("reads");
    line
}

/// The status of a session that ends by itself, within twenty seconds.
fn ended(session: &Session) -> Status {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match session.status() {
            Some(status) => return status,
            None if Instant::now() > deadline => panic!("the session does not end"),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[test]
fn a_session_answers_keeps_its_state_and_goes_with_its_folder() {
    for sandbox in sandboxes(|_| ()) {
        let script = "read x; echo \"got $x\"; while read y; do x=$x$y; echo $x; done; echo end >&2; exit 3";
        let task = Task::new("sh").args(["-c", script]).stdin("a\n").file("data", "1");
        let (mut session, mut stdout) = start(&sandbox, &task);
        let folder = session.folder().to_path_buf();
        assert_eq!(line(&mut stdout), "got a\n");
        assert!(folder.join("data").exists() && session.status().is_none());
        let mut stdin = session.stdin.take().expect("a pipe");
        for expected in ["ab\n", "abb\n"] {
            session.renew();
            stdin.write_all(b"b\n").expect("writes");
            assert_eq!(line(&mut stdout), expected);
            session.rest();
        }
        drop(stdin);
        assert_eq!(ended(&session), Status::Exited { code: 3 });
        assert!(folder.exists(), "what the program made can be read after its end");
        let outcome = session.finish().expect("has ended");
        assert_eq!((outcome.stderr.as_str(), outcome.level), ("end\n", sandbox.level()));
        assert!(!folder.exists());
    }
}

#[test]
fn dropping_a_session_kills_what_is_in_it() {
    for sandbox in sandboxes(|_| ()) {
        let (session, mut stdout) =
            start(&sandbox, &Task::new("sh").args(["-c", "sleep 1000 & echo on; sleep 1000"]));
        assert_eq!(line(&mut stdout), "on\n");
        let started = Instant::now();
        let outcome = session.finish().expect("has ended");
        assert_eq!(outcome.status, Status::Signaled { signal: 9 }, "{outcome:?}");
        // The child in the background would keep the pipe open.
        assert_eq!(stdout.read_to_end(&mut Vec::new()).expect("reads"), 0);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn an_interrupt_reaches_the_program_and_nothing_else() {
    let script = "import time\ntry:\n    print('on')\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted')\nprint(input())";
    for sandbox in sandboxes(|_| ()) {
        if !has_python(&sandbox) {
            return;
        }
        let (mut session, mut stdout) = run_python(&sandbox, script);
        assert_eq!(line(&mut stdout), "on\n");
        session.interrupt();
        assert_eq!(line(&mut stdout), "interrupted\n", "{}", sandbox.level());
        session.stdin.take().expect("a pipe").write_all(b"alive\n").expect("writes");
        assert_eq!(line(&mut stdout), "alive\n");
        assert_eq!(ended(&session), Status::Exited { code: 0 });
        session.interrupt();
    }
}

#[test]
fn clocks_start_again_with_every_turn() {
    let spin = "import time\nwhile input():\n    end = time.process_time() + 0.7\n    while time.process_time() < end: pass\n    print('done')";
    for sandbox in sandboxes(|config| config.wall_seconds = 20.0) {
        if !has_python(&sandbox) {
            return;
        }
        let (mut session, mut stdout) = run_python(&sandbox, spin);
        let mut stdin = session.stdin.take().expect("a pipe");
        for _ in 0..3 {
            session.renew();
            stdin.write_all(b"x\n").expect("writes");
            assert_eq!(line(&mut stdout), "done\n", "{:?}", session.outcome());
        }
        session.renew();
        stdin.write_all(&b"x\n".repeat(9)).expect("writes");
        assert_eq!(ended(&session), Status::CpuLimit, "{}", sandbox.level());
    }
    for sandbox in sandboxes(|config| config.wall_seconds = 0.5) {
        let (session, _stdout) = start(&sandbox, &Task::new("sleep").args(["60"]));
        std::thread::sleep(Duration::from_millis(300));
        session.rest();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(session.status(), None);
        assert_eq!(ended(&session), Status::Timeout);
    }
}

#[test]
fn a_session_has_the_limits_of_a_run() {
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (1, 4)) {
        let fill = "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; sleep 0.01; done";
        let (session, _stdout) = start(&sandbox, &Task::new("sh").args(["-c", fill]));
        assert_eq!(ended(&session), Status::DiskLimit);
        if has_python(&sandbox) {
            let (session, _stdout) = run_python(&sandbox, "x = bytearray(10**9)");
            assert_eq!(ended(&session), Status::MemoryLimit);
        }
    }
}

/// Serves one connection on a socket in the folder, and says what else it could reach.
const SERVE: &str = "
import os, socket
for family in range(2, 46):
    try:
        socket.socket(family, socket.SOCK_STREAM); print('family', family)
    except OSError: pass
server = socket.socket(socket.AF_UNIX)
server.bind('s'); server.listen()
print('listening')
peer, _ = server.accept()
peer.sendall(peer.recv(9).upper())
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    try:
        socket.socket(socket.AF_UNIX, kind).connect('s'); print('connected')
    except PermissionError as error: print('refused')
";

#[test]
fn a_program_serves_sockets_only_when_allowed_and_connects_to_none() {
    for sandbox in sandboxes(|_| ()) {
        if !has_python(&sandbox) {
            return;
        }
        let task = Task::new("python3").args(["-I", "-u", "-c", SERVE]);
        let refused = sandbox.run(&task).expect("runs");
        assert!(refused.stderr.contains("PermissionError") && refused.stdout.is_empty(), "{refused:?}");
        let (session, mut stdout) = start(&sandbox, &task.serves_sockets());
        assert_eq!(line(&mut stdout), "listening\n", "{:?}", session.finish());
        let folder = session.folder().to_path_buf();
        std::os::unix::fs::symlink("s", folder.join("link")).expect("links");
        assert!(session.connect("link").is_err() && session.connect("missing").is_err());
        assert!(session.connect(&format!("../work/{}", "s")).is_err());
        let mut stream = session.connect("s").expect("connects");
        stream.write_all(b"hello").expect("writes");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("reads");
        assert_eq!(&answer, b"HELLO");
        assert_eq!([line(&mut stdout), line(&mut stdout)], ["refused\n", "refused\n"]);
        assert_eq!(ended(&session), Status::Exited { code: 0 });
    }
}

#[test]
fn files_that_were_asked_for_and_names_of_those_that_changed_come_back() {
    for sandbox in sandboxes(|_| ()) {
        let script =
            "echo 1 > made; ln -s /etc/passwd link; mkdir d; echo 2 > d/deep; mkfifo pipe; echo 3 > given";
        let task = Task::new("sh").args(["-c", script]).file("given", "").file("kept", "");
        let task = ["made", "link", "pipe", "missing"].into_iter().fold(task, Task::collect);
        let outcome = sandbox.run(&task).expect("runs");
        let files: Vec<_> =
            outcome.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        assert_eq!(files, [("made", b"1\n".as_slice())], "{outcome:?}");
        assert_eq!(outcome.changed, ["d/deep", "given", "link", "made", "pipe"]);
        let error = sandbox.run(&Task::new("true").collect("../x")).expect_err("a path");
        assert!(error.to_string().contains("`../x`"), "{error}");
    }
}

#[test]
fn processes_share_memory_where_the_level_has_a_view_of_its_own() {
    let script = "import multiprocessing as m\nif __name__ == '__main__':\n    with m.Pool(2) as pool: print(sum(pool.map(abs, range(-9, 0))))\n    lock = m.Lock()\n    with lock: print('locked')";
    for sandbox in sandboxes(|config| config.cpu_seconds = 10) {
        let task = Task::new("python3").args(["-I", "work.py"]).file("work.py", script);
        if !has_python(&sandbox) {
            return;
        }
        let outcome = sandbox.run(&task).expect("runs");
        match sandbox.level() {
            Level::Bwrap | Level::Process => assert_eq!(outcome.stdout, "45\nlocked\n", "{outcome:?}"),
            _ => assert!(!outcome.status.is_success(), "{outcome:?}"),
        }
        let left = shell(&sandbox, "ls /dev/shm");
        assert!(!left.stdout.contains("sem."), "{left:?}");
    }
}

#[test]
fn shared_memory_counts_as_disk() {
    for sandbox in sandboxes(|config| (config.file_mib, config.folder_mib) = (4, 8)) {
        if sandbox.level() == Level::Bwrap {
            let fill = "for i in 1 2 3 4; do head -c 3000000 /dev/zero > /dev/shm/$i; done; sleep 60";
            assert_eq!(shell(&sandbox, fill).status, Status::DiskLimit);
        }
    }
}

#[test]
fn many_sessions_cost_little_while_they_rest() {
    let config = SandboxConfig::default().with_processes(512);
    let sandbox = Sandbox::new(config).expect("some level works");
    let sessions: Vec<(Session, BufReader<ChildStdout>)> =
        (0..30).map(|_| start(&sandbox, &Task::new("sh").args(["-c", "read x; echo $x"]))).collect();
    for (session, _) in &sessions {
        session.rest();
    }
    let folders: Vec<PathBuf> = sessions.iter().map(|(session, _)| session.folder().to_path_buf()).collect();
    for (index, (mut session, mut stdout)) in sessions.into_iter().enumerate() {
        let mut stdin = session.stdin.take().expect("a pipe");
        writeln!(stdin, "{index}").expect("writes");
        assert_eq!(line(&mut stdout), format!("{index}\n"));
    }
    assert!(folders.iter().all(|folder| !folder.exists()));
}

//! `lagent sandbox exec`: what reaches the program, what its end tells, and what is left afterwards.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use internlm_kit::testing::{Program, Ran};

use crate::terminal::lagent;

const LAGENT: &str = env!("CARGO_BIN_EXE_lagent");
/// Levels by name; those that do not work on a machine say so.
const LEVELS: [&str; 4] = ["process", "landlock", "namespaces", "bwrap"];

/// Runs `script` in a shell in which `$LAGENT` is the binary.
fn shell(folder: &Path, script: &str) -> Ran {
    Program::new("sh", folder).with_environment("LAGENT", LAGENT).run(["-c", script])
}

#[test]
fn nothing_that_the_caller_has_open_reaches_the_program() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("secret.txt"), "secret\n").expect("writes");
    for level in LEVELS {
        let inside = "cat <&7; echo overwritten >&8; echo done";
        let script = format!(
            "exec 7<secret.txt 8>>secret.txt; exec $LAGENT sandbox exec --level {level} -- sh -c '{inside}'"
        );
        let ran = shell(folder.path(), &script);
        if ran.code == Some(125) && ran.stderr.contains("is not available here") {
            println!("skipped: {}", ran.stderr);
            continue;
        }
        assert_eq!(ran.stdout, "done\n", "{level}: {ran:?}");
        let text = fs::read_to_string(folder.path().join("secret.txt")).expect("reads");
        assert_eq!(text, "secret\n", "{level}");
    }
}

#[test]
fn tools_that_run_code_see_nothing_of_the_caller_either() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("secret.txt"), "secret\n").expect("writes");
    let code = r#"{"command": "import os\ndef solution():\n    return os.read(7, 10)"}"#;
    let script = format!("exec 7<secret.txt; exec $LAGENT tools call PythonInterpreter '{code}'");
    let ran = shell(folder.path(), &script);
    if ran.stderr.contains("unavailable: needs python3") {
        println!("skipped: {}", ran.stderr);
        return;
    }
    assert!(!ran.stdout.contains("secret") && ran.stderr.contains("Bad file descriptor"), "{ran:?}");
}

/// Arguments of `sandbox exec`, the exit code, a part of what stderr says.
const ENDS: [(&[&str], i32, &str); 8] = [
    (&["--", "sh", "-c", "exit 7"], 7, "[exit code 7 after"),
    (&["--", "true"], 0, "[exit code 0 after"),
    (&["--", "sh", "-c", "kill -SEGV $$"], 139, "[killed by signal 11 after"),
    (&["--wall-seconds", "0.2", "--", "sleep", "60"], 124, "[time limit exceeded after"),
    (&["--", "sh", "-c", "yes"], 137, "[output limit exceeded after"),
    (&["--wall-seconds", "0", "--", "true"], 125, "error: sandbox: wall-seconds: found 0"),
    (&["--", "/etc/passwd"], 126, "error: /etc/passwd: found a file without that right"),
    (&["--", "no-such-program"], 127, "error: unavailable: needs no-such-program"),
];

#[test]
fn the_exit_code_is_that_of_the_program_or_of_its_wrapper() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (arguments, code, said) in ENDS {
        let ran = lagent(folder.path(), &[&["sandbox", "exec"][..], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}

/// The processes whose first arguments are `sleep SECONDS`.
fn sleepers(seconds: &str) -> usize {
    let wanted = format!("sleep\0{seconds}\0").into_bytes();
    let processes = fs::read_dir("/proc").expect("reads /proc").flatten();
    processes.filter(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted)).count()
}

fn within_seconds(seconds: u64, holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !holds() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    holds()
}

#[test]
fn whatever_signal_ends_it_the_program_and_its_folder_go() {
    for (signal, seconds) in [("INT", "71901"), ("TERM", "71902"), ("HUP", "71903"), ("KILL", "71904")] {
        let temporary = tempfile::tempdir().expect("temporary folder");
        // The program's user has to pass through it to the work folder.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(temporary.path(), everybody).expect("opens the folder");
        let mut host = Command::new(LAGENT)
            .args(["sandbox", "exec", "--wall-seconds", "30", "--", "sh", "-c"])
            .arg(format!("sleep {seconds}; true"))
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let left = || fs::read_dir(temporary.path()).expect("lists").count();
        assert!(within_seconds(20, || sleepers(seconds) == 1), "{signal}: the program does not start");
        assert_eq!(left(), 1);
        let kill = Command::new("kill").args([&format!("-{signal}"), &host.id().to_string()]).status();
        assert!(kill.expect("kill is there").success());
        host.wait().expect("reaps");
        assert!(within_seconds(20, || sleepers(seconds) == 0), "{signal}: the program survives");
        assert!(within_seconds(20, || left() == 0), "{signal}: the work folder is left behind");
    }
}

#[test]
fn a_folder_whose_process_is_gone_is_swept_by_the_next_run() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(temporary.path(), everybody).expect("opens the folder");
    fs::create_dir_all(temporary.path().join("internlm-sandbox-old/a")).expect("creates");
    fs::write(temporary.path().join("internlm-sandbox-old/a/b"), "x").expect("writes");
    fs::create_dir(temporary.path().join("of-somebody-else")).expect("creates");
    let program = Program::new(LAGENT, temporary.path())
        .with_environment("TMPDIR", &temporary.path().to_string_lossy());
    assert_eq!(program.run(["sandbox", "exec", "--", "true"]).code, Some(0));
    let names: Vec<_> = fs::read_dir(temporary.path()).expect("lists").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(names[0].file_name(), "of-somebody-else");
}

//! The notebook and the shell, with Jupyter where a Python has it and without it everywhere.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use internlm_kit::sandbox::SandboxConfig;
use internlm_kit::stop::Stop;
use lagent::action::{
    Action, ActionReturn, ActionState, CallContext, IPythonInteractive, IPythonInterpreter, Readiness,
    Service, ToolSettings,
};
use serde_json::{Value, json};

/// A Python with ipykernel, for machines whose `python3` has none.
const PYTHON: &str = "LAGENT_TEST_JUPYTER";

fn settings(folder: &Path, tool: &str) -> ToolSettings {
    let settings = ToolSettings::new(SandboxConfig::default().with_processes(256)).with_folder(folder);
    match std::env::var(PYTHON) {
        Ok(python) => {
            let extra = [("python".to_owned(), Value::from(python))].into();
            settings.with_service(tool, Service { extra, ..Service::default() })
        }
        Err(_) => settings,
    }
}

fn run(tool: &dyn Action, session: &str, arguments: &Value) -> (ActionState, String) {
    let context = CallContext { session, deadline: Duration::from_secs(60), stop: None };
    let value = tool.call_in(&context, arguments);
    (value.state, value.for_model())
}

fn good(tool: &dyn Action, session: &str, code: &str) -> String {
    let (state, text) = run(tool, session, &json!({"command": code}));
    assert_eq!(state, ActionState::Success, "{code}: {text}");
    text
}

fn bad(tool: &dyn Action, session: &str, code: &str) -> String {
    let (state, text) = run(tool, session, &json!({"command": code, "timeout": 1}));
    assert_eq!(state, ActionState::ApiError, "{code}: {text}");
    text
}

/// Whether the tool shows images; `None` with a visible line when there is no Python.
fn has_jupyter(tool: &IPythonInterpreter) -> Option<bool> {
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: {reason}");
        return None;
    }
    let name = good(tool, "probe", "type(get_ipython()).__name__ if 'get_ipython' in globals() else 'none'");
    Some(name == "'ZMQInteractiveShell'")
}

/// Both kinds of the tool that work here, the one without Jupyter first.
fn tools(folder: &Path) -> Vec<IPythonInterpreter> {
    let new = || IPythonInterpreter::new(&settings(folder, "IPythonInterpreter")).expect("some level works");
    let plain = new().without_jupyter();
    match has_jupyter(&plain) {
        None => return Vec::new(),
        Some(shown) => assert!(!shown),
    }
    let jupyter = new();
    match has_jupyter(&jupyter) {
        Some(true) => vec![plain, jupyter],
        _ => {
            println!("skipped: no Python with ipykernel here; {PYTHON} can name one");
            vec![plain]
        }
    }
}

#[test]
fn variables_are_kept_for_each_session_alone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        assert_eq!(good(&tool, "a", "x = 41\nprint('set')"), "set");
        assert_eq!(good(&tool, "a", "import math\nx + 1"), "42");
        assert!(bad(&tool, "b", "x").contains("NameError: name 'x' is not defined"));
        assert_eq!(good(&tool, "b", "open('f', 'w').write('b')\nx = 2; x"), "2");
        assert!(bad(&tool, "a", "open('f')").contains("FileNotFoundError"));
        assert_eq!(good(&tool, "a", "x"), "41");
        assert_eq!(good(&tool, "a", ""), "");
    }
}

#[test]
fn output_and_values_come_in_their_order() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        assert_eq!(good(&tool, "", "print('ä')\nprint('b', end='')\n{'c': [1]}"), "ä\nb\n{'c': [1]}");
        assert_eq!(good(&tool, "", "```python\n6 * 7\n```"), "42");
        assert_eq!(good(&tool, "", "{\"code\": \"6 * 8\"}"), "48");
        assert_eq!(good(&tool, "", "run `6 * 9`"), "54");
        assert_eq!(good(&tool, "", "def f(n):\n    return n\n\nf(1)"), "1");
    }
}

#[test]
fn an_error_is_an_error_value_with_what_was_printed_before() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        let text = bad(&tool, "", "print('before')\n1 / 0");
        assert!(
            text.starts_with("before\n") && text.contains("ZeroDivisionError: division by zero"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(bad(&tool, "", "x = (").contains("SyntaxError"));
        assert_eq!(good(&tool, "", "print('Error: not one')"), "Error: not one");
    }
}

#[test]
fn arguments_are_checked_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        for (arguments, message) in [
            (json!({}), "command: expected a text"),
            (json!({"command": "1", "timeout": 0}), "timeout: found 0, expected a number of seconds above 0"),
            (json!({"command": "1", "timeout": "soon"}), "timeout: found \"soon\""),
        ] {
            let (state, text) = run(&tool, "", &arguments);
            assert_eq!(state, ActionState::ArgsError);
            assert!(text.starts_with(message), "{text}");
        }
        assert_eq!(run(&tool, "", &json!({"command": "1", "timeout": null})).1, "1");
    }
}

#[test]
fn code_that_takes_too_long_is_interrupted_and_keeps_its_variables() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        good(&tool, "", "x = 7");
        for code in ["import time\nprint('on', flush=True)\ntime.sleep(60)", "while True: pass"] {
            let started = Instant::now();
            let text = bad(&tool, "", code);
            assert!(text.ends_with("the code was interrupted: it took more than 1 s"), "{text}");
            assert!(started.elapsed() < Duration::from_secs(20));
        }
        assert_eq!(good(&tool, "", "x"), "7");
        // It ends by itself: how much a kernel buffers before the interrupt reaches it depends on the machine.
        let (_, text) = run(&tool, "", &json!({"command": "for _ in range(20_000): print('x' * 1000)"}));
        let start = text.len().saturating_sub(300);
        assert!(text.contains("output cut at "), "{}", &text[start..]);
        assert_eq!(good(&tool, "", "x"), "7");
    }
}

#[test]
fn a_cancelled_call_is_interrupted_and_keeps_its_variables() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        good(&tool, "", "x = 7");
        let stop = Stop::new();
        let context = CallContext { session: "", deadline: Duration::from_secs(120), stop: Some(&stop) };
        let arguments = json!({"command": "import time\ntime.sleep(90)", "timeout": 100});
        let (value, waited) = std::thread::scope(|scope| {
            let cancel = scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(500));
                stop.request();
                Instant::now()
            });
            let value = tool.call_in(&context, &arguments);
            (value, cancel.join().expect("no panic").elapsed())
        });
        println!("interrupted after {waited:?}");
        assert!(waited < Duration::from_secs(20), "{waited:?}");
        let text = value.for_model();
        assert!(text.ends_with("the code was interrupted: the call was cancelled"), "{text}");
        assert_eq!(good(&tool, "", "x"), "7");
    }
}

#[test]
fn a_kernel_that_dies_says_so_and_starts_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        for (code, reason) in [
            ("import os\nos._exit(3)", "the kernel ended (exit code 3"),
            ("import os\nos.abort()", "the kernel ended (killed by signal 6"),
            ("x = b'x' * (1 << 36)", "MemoryError"),
            (
                "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntry:\n    while True: time.sleep(1)\nexcept BaseException: pass",
                "the kernel ended (it did not react to an interrupt)",
            ),
        ] {
            good(&tool, "", "x = 7");
            let text = bad(&tool, "", code);
            assert!(text.contains(reason), "{code}: {text}");
            if text.contains("the kernel ended") {
                assert!(bad(&tool, "", "x").contains("NameError"));
            }
        }
    }
}

#[test]
fn the_sandbox_holds_in_a_kernel() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        let tried = "import socket\nfor kind in (socket.AF_INET, socket.AF_INET6):\n    try:\n        socket.socket(kind); print('made')\n    except OSError: print('refused')";
        assert_eq!(good(&tool, "", tried), "refused\nrefused");
        let reach = "import socket\nfor path in ('/run/systemd/journal/socket', '/var/run/docker.sock', '/dev/log'):\n    try:\n        s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]\n        s.connect(path); print('reached')\n    except OSError as error: print(type(error).__name__)";
        assert_eq!(good(&tool, "", reach), ["PermissionError"; 3].join("\n"));
        let (_, text) = run(&tool, "", &json!({"command": "open('/etc/lagent-was-here', 'w')"}));
        assert!(text.contains("Error"), "{text}");
    }
}

#[test]
fn images_become_files_of_the_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        if !has_jupyter(&tool).unwrap_or(false) {
            continue;
        }
        let (width, height) = (3_u8, 2_u8);
        let code = format!(
            "import struct, zlib\nfrom IPython.display import Image\nchunk = lambda k, d: struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d))\npng = b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', {width}, {height}, 8, 0, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(b'\\0abc' * {height})) + chunk(b'IEND', b'')\nprint('one')\nImage(png)"
        );
        let value: ActionReturn = tool.call(&json!({"command": code}));
        assert_eq!(value.state, ActionState::Success, "{value:?}");
        assert_eq!((value.result[0].content.as_str(), value.result[1].kind.as_str()), ("one", "image"));
        let bytes = std::fs::read(&value.result[1].content).expect("reads");
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes[19] == width && bytes[23] == height);
        assert!(value.result[1].content.starts_with(&*folder.path().to_string_lossy()));
        let plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()";
        let value = tool.call(&json!({"command": plot, "timeout": 60}));
        match value.state {
            ActionState::Success => {
                assert!(value.result.iter().any(|item| item.kind == "image"), "{value:?}")
            }
            _ => {
                assert!(value.for_model().contains("No module named 'matplotlib'"), "{value:?}");
                println!("skipped: no matplotlib");
            }
        }
    }
}

#[test]
fn sessions_run_at_the_same_time() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for tool in tools(folder.path()) {
        let tool = Arc::new(tool);
        std::thread::scope(|scope| {
            for session in 0..6 {
                let tool = &tool;
                scope.spawn(move || {
                    let name = session.to_string();
                    good(&**tool, &name, &format!("x = {session}"));
                    assert_eq!(good(&**tool, &name, "x * 10"), (session * 10).to_string());
                });
            }
        });
    }
}

#[test]
fn the_shell_returns_the_last_output() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let tool =
        IPythonInteractive::new(&settings(folder.path(), "IPythonInteractive")).expect("some level works");
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: {reason}");
        return;
    }
    assert_eq!(good(&tool, "a", "x = 1\nprint('first')\nprint('last Error')"), "last Error");
    assert_eq!(good(&tool, "a", "print('first')\nx + 1"), "2");
    assert!(bad(&tool, "a", "1 / 0").contains("ZeroDivisionError"));
    assert!(good(&tool, "a", "'x' * 5000").ends_with("[cut at 2048 characters]"));
}

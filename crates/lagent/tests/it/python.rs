//! The Python tool, in its sandbox.

use internlm_kit::sandbox::SandboxConfig;
use lagent::action::{ActionState, Readiness, build};
use serde_json::json;

/// What the tool says about a piece of code; `None` with a visible line when Python is not installed.
fn call(code: &str) -> Option<(ActionState, String)> {
    let config = SandboxConfig::default().with_wall_seconds(6.0).with_cpu_seconds(1).with_memory_mib(256);
    let tool = build("PythonInterpreter", &config).expect("some sandbox level works");
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: {reason}");
        assert!(reason.starts_with("unavailable: needs python3"), "{reason}");
        return None;
    }
    let value = tool.call(&json!({"command": code}));
    Some((value.state, value.for_model()))
}

#[test]
fn the_value_of_solution_comes_back() {
    for (code, expected) in [
        ("def solution():\n    return 2**100", "1267650600228229401496703205376"),
        ("```python\nimport math\ndef solution():\n    return math.gcd(12, 18)\n```", "6"),
        ("print('noise')\ndef solution():\n    print('more')\n    return 'ä'", "ä"),
        ("def solution():\n    pass", "None"),
    ] {
        let Some(found) = call(code) else { return };
        assert_eq!(found, (ActionState::Success, expected.to_owned()), "{code}");
    }
}

#[test]
fn whatever_goes_wrong_is_an_error_value() {
    for (code, expected) in [
        ("def solution():\n    return 1/0", "ZeroDivisionError('division by zero')"),
        ("x = 1", "NameError(\"name 'solution' is not defined\")"),
        ("def solution(:", "SyntaxError("),
        ("def solution():\n    raise SystemExit(3)", "SystemExit(3)"),
        ("def solution():\n    while True: pass", "the code ended with: "),
        ("def solution():\n    import time; time.sleep(60)", "the code ended with: time limit exceeded"),
        ("def solution():\n    return len(bytearray(10**9))", "the code ended with: memory limit exceeded"),
        ("import os\nos._exit(0)", "the code ended the interpreter before solution() returned"),
        ("def solution():\n    import socket; return socket.socket()", "PermissionError("),
        ("def solution():\n    return open('/etc/passwd', 'w')", "PermissionError("),
    ] {
        let Some((state, text)) = call(code) else { return };
        assert_eq!(state, ActionState::ApiError, "{code}: {text}");
        assert!(text.starts_with(expected), "{code}: {text}");
    }
}

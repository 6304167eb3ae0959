//! The Python tool, in its sandbox.

use internlm_kit::sandbox::SandboxConfig;
use lagent::action::{
    Action, ActionState, Answer, PythonInterpreter, Readiness, Service, ToolSettings, build,
};
use serde_json::{Value, json};

use crate::local_tools::prepare;

/// What the tool says about a piece of code; `None` with a visible line when Python is not installed.
fn call(code: &str) -> Option<(ActionState, String)> {
    prepare();
    let config = SandboxConfig::default().with_wall_seconds(6.0).with_cpu_seconds(1).with_memory_mib(256);
    let tools = build("PythonInterpreter", &ToolSettings::new(config)).expect("some sandbox level works");
    run(&*tools[0], code)
}

fn run(tool: &dyn Action, code: &str) -> Option<(ActionState, String)> {
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
        // The system is read-only, or belongs to somebody else.
        (
            "def solution():\n    try: open('/etc/passwd', 'w')\n    except OSError: raise ValueError",
            "ValueError(",
        ),
    ] {
        let Some((state, text)) = call(code) else { return };
        assert_eq!(state, ActionState::ApiError, "{code}: {text}");
        assert!(text.starts_with(expected), "{code}: {text}");
    }
}

#[test]
fn the_answer_is_what_the_settings_say() {
    let settings = ToolSettings::new(SandboxConfig::default());
    let tool = || PythonInterpreter::with_settings(&settings).expect("some sandbox level works");
    for (answer, code, expected) in [
        (Answer::Symbol("ans".to_owned()), "ans = [1, 2]", Ok("[1, 2]")),
        (Answer::Symbol("ans".to_owned()), "x = 1", Err("KeyError('ans')")),
        (Answer::Expression("f(2)".to_owned()), "def f(x):\n    return x * 21", Ok("42")),
        (Answer::Stdout, "print('a')\nprint('Error: no error')", Ok("a\nError: no error")),
        (Answer::LastLine, "x = 1\nx + 1", Ok("2")),
        (Answer::LastLine, "x = 1", Err("SyntaxError(")),
    ] {
        let Some((state, text)) = run(&tool().with_answer(answer.clone()), code) else { return };
        match expected {
            Ok(expected) => {
                assert_eq!((state, text.as_str()), (ActionState::Success, expected), "{answer:?}")
            }
            Err(expected) => assert!(state != ActionState::Success && text.starts_with(expected), "{text}"),
        }
    }
}

#[test]
fn settings_of_an_agent_file_are_checked_by_name() {
    let with = |extra: Value| {
        let extra = serde_json::from_value(extra).expect("an object");
        let service = Service { extra, ..Service::default() };
        let settings = ToolSettings::new(SandboxConfig::default()).with_service("PythonInterpreter", service);
        PythonInterpreter::with_settings(&settings).expect("some sandbox level works")
    };
    let Some(found) = run(&with(json!({"answer-symbol": "y"})), "y = 3") else { return };
    assert_eq!(found, (ActionState::Success, "3".to_owned()));
    let Readiness::Unavailable { reason } = with(json!({"answer-symbol": 3})).readiness() else {
        panic!("a number is not a name");
    };
    assert!(reason.contains("services.PythonInterpreter.extra"), "{reason}");
}

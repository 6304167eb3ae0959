//! Programs in the real sandbox: attacks are outcomes, and answers cannot pass their own tests.

use std::collections::BTreeMap;
use std::io::Write;

use internlm_kit::sandbox::SandboxConfig;
use opencompass::execute::SandboxModel;
use opencompass::model::{Answer, Ending, Model, Program, Request};
use serde_json::{Value, json};

use crate::graded::{config, results, scored};
use crate::shared;

/// A sandbox with Python; `None` where there is no level of confinement or no Python.
fn sandbox() -> Option<SandboxModel> {
    let model = SandboxModel::new(SandboxConfig::default());
    let model = model.ok().filter(|model| !model.profile().identity.contains("python3 absent"));
    if model.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: found no confinement or no python3");
    }
    model
}

fn ran(model: &SandboxModel, code: &str, milliseconds: u64) -> (Ending, String) {
    let program = Program {
        command: ["python3", "-I", "main.py"].map(str::to_owned).to_vec(),
        files: BTreeMap::from([("main.py".to_owned(), code.to_owned())]),
        stdin: "7\n".to_owned(),
        milliseconds,
    };
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let request = Request::Run { program };
    match runtime.block_on(model.answer(&request)).expect("runs") {
        Answer::Ran { ending, stdout, .. } => (ending, stdout),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attacks_are_outcomes() {
    let Some(model) = sandbox() else { return };
    assert_eq!(ran(&model, "print(int(input()) * 6)", 10_000), (Ending::Exit(0), "42\n".to_owned()));
    assert_eq!(ran(&model, "import sys; sys.exit(3)", 10_000).0, Ending::Exit(3));
    assert_eq!(ran(&model, "while True: pass", 1500).0, Ending::Timeout);
    assert_eq!(ran(&model, "import time; time.sleep(60)", 1000).0, Ending::Timeout);
    let bomb = "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.01)";
    assert_ne!(ran(&model, bomb, 2000).0, Ending::Exit(0));
    assert_ne!(ran(&model, "x = bytearray(10 << 30); print(len(x))", 10_000).0, Ending::Exit(0));
    assert_ne!(ran(&model, "open('/etc/planted', 'w').write('x')", 10_000).0, Ending::Exit(0));
    let call = "import socket\nsocket.create_connection(('127.0.0.1', 1), 1)";
    assert_ne!(ran(&model, call, 10_000).0, Ending::Exit(0));
    let deaf = "import signal, os\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n    \
                except (OSError, ValueError): pass\nwhile True: pass";
    assert_eq!(ran(&model, deaf, 1500).0, Ending::Timeout);
    assert_eq!(ran(&model, "import os, signal; os.kill(0, signal.SIGKILL)", 10_000).0, Ending::Killed);
}

#[test]
fn what_is_not_installed_is_named() {
    let Some(model) = sandbox() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let failure = |command: &[&str]| {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let request = Request::Run { program: Program { command, ..Program::default() } };
        runtime.block_on(model.answer(&request)).expect_err("is not there").to_string()
    };
    assert!(failure(&["no-such-compiler"]).starts_with("model sandbox: unavailable: needs no-such-compiler"));
    let script = "echo 'unavailable: needs rustc' >&2; exit 127";
    assert_eq!(failure(&["/bin/sh", "-c", script]), "model sandbox: unavailable: needs rustc");
    assert!(failure(&[]).contains("found an empty list, expected a program"));
}

#[test]
fn answers_cannot_pass_their_own_tests() {
    let Some(model) = sandbox() else { return };
    let test =
        "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate([3, 1]) == [1, 3]\n";
    let row = json!({"gold": "x", "prompt": "", "test": test, "entry_point": "f"});
    let attacks = [
        ("def f(x):\n    return x + 1 if isinstance(x, int) else sorted(x)", "pass"),
        ("class E:\n    def __eq__(s, o): return True\ndef f(x): return E()", "wrong_answer"),
        ("class E(int):\n    def __eq__(s, o): return True\ndef f(x): return E()", "wrong_answer"),
        ("import sys\ndef f(x): sys.exit(0)", "failed"),
        ("import os\nos._exit(0)", "failed"),
        (
            "print('{\"outcome\": \"pass\", \"reason\": \"\", \"mark\": \"\"}')\nimport os\nos._exit(0)",
            "failed",
        ),
        ("import builtins\nbuiltins.AssertionError = ValueError\ndef f(x): return None", "wrong_answer"),
        ("check = lambda c: None\n__equal = lambda a, b: True\ndef f(x): return 0", "wrong_answer"),
        ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "failed"),
        ("while True: pass", "timeout"),
        ("def f(x):\n    a = []\n    for _ in range(100000): a = [a]\n    return a", "failed"),
        (
            "import os\nfor fd in range(3, 9):\n    try: os.write(fd, b'[\"value\", null]\\n' * 9)\n    \
          except OSError: pass\ndef f(x): return 1",
            "failed",
        ),
        ("raise AssertionError", "wrong_answer"),
        ("def f(x: return", "failed"),
    ];
    let items: Vec<(Value, String)> =
        attacks.iter().map(|(code, _)| (row.clone(), (*code).to_owned())).collect();
    let scores = scored(config("evaluator = \"humaneval\"", ""), &items, Box::new(model));
    let expected: Vec<&str> = attacks.iter().map(|(_, result)| *result).collect();
    assert_eq!(results(&scores), expected);
}

#[test]
fn gold_programs_pass_and_others_do_not() {
    let (Some(model), Some(path)) = (sandbox(), shared::path("eval/mbpp/sanitized-mbpp.json")) else {
        return;
    };
    let rows: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("a JSON list");
    let mut items = Vec::new();
    for row in &rows[10..22] {
        let gold = json!({"gold": row["test_list"], "test_imports": row["test_imports"]});
        items.push((gold.clone(), row["code"].as_str().expect("code").to_owned()));
        items.push((gold, "def nothing():\n    return None".to_owned()));
    }
    let config = config("evaluator = \"mbpp\", compat = false", "");
    let scores = scored(config, &items, Box::new(model));
    let right = scores.details.iter().step_by(2).filter(|detail| detail.correct == Some(true)).count();
    // Some golds of the set return a float where their tests have a whole number.
    assert!(right >= 10, "{:?}", results(&scores));
    assert!(scores.details.iter().skip(1).step_by(2).all(|detail| detail.correct == Some(false)));
}

#[test]
fn values_cross_between_the_answer_and_its_tests() {
    let Some(model) = sandbox() else { return };
    let cases = [
        ("def g(a): a.append(1)", "x = []\ng(x)\nassert x == [1]"),
        ("def g(f, a): return [f(i) for i in a]", "assert g(lambda v: v * 2, [1, 2]) == [2, 4]"),
        ("def g(n):\n    yield from range(n)", "assert list(g(3)) == [0, 1, 2]"),
        ("import re\ndef g(s): return re.match('a', s)", "assert g('a') and not g('b')"),
        (
            "import collections\ndef g(): return collections.Counter('aab')",
            "import collections\nassert g() == collections.Counter('aab')",
        ),
        (
            "def g(): return {1: (2, {3}), 'k': None}, -0.5, 10 ** 30",
            "assert g() == ({1: (2, {3}), 'k': None}, -0.5, 10 ** 30)",
        ),
        ("def g(): raise KeyError('k')", "try:\n    g()\n    assert False\nexcept KeyError:\n    pass"),
        (
            "class P:\n    def __init__(s, x): s.x = x\n    def double(s): return s.x * 2",
            "p = P(4)\nassert p.double() == 8\nassert p.x == 4",
        ),
    ];
    let items: Vec<(Value, String)> =
        cases.iter().map(|(code, test)| (json!({"gold": test}), (*code).to_owned())).collect();
    let scores = scored(config("evaluator = \"mbpp\"", ""), &items, Box::new(model));
    assert_eq!(results(&scores), ["pass"; 8]);
}

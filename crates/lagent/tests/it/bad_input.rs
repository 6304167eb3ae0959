//! Bad input: one clear message, the right exit code, no panic.

use internlm_kit::testing::BadInputCase;

use crate::terminal::program;

/// Files that the cases use.
const FILES: [(&str, &str); 11] = [
    (
        "team.toml",
        "[team]\nkind = \"sequential\"\n[[member]]\nname = \"a\"\n[member.agent.model]\nbase-url = \"http://127.0.0.1:9\"\n",
    ),
    ("lonely.toml", "[team]\nkind = \"sequential\"\n[[member]]\nname = \"a\"\n"),
    (
        "good.toml",
        "[questions]\npath = \"good.jsonl\"\nout = \"out\"\n[model]\nbase-url = \"http://127.0.0.1:9\"\nretries = 0\n",
    ),
    ("good.jsonl", "{\"id\": \"a\", \"question\": \"What is 1+1?\", \"answer\": 2}\n"),
    ("unknown-key.toml", "tools = []\n[limits]\nmax-turns = 4\n"),
    ("unknown-tool.toml", "tools = [\"Calculater\"]\n[limits]\nmax-turn = 0\n"),
    ("no-questions.toml", "tools = []\n"),
    ("torn.jsonl", "{\"id\": \"a\", \"question\": \"q\", \"answer\": \"2\"}\n{\"id\": \"b\"\n"),
    ("no-answer.jsonl", "{\"id\": \"a\", \"question\": \"q\"}\n"),
    (
        "twice.jsonl",
        "{\"id\": \"a\", \"question\": \"q\", \"answer\": 2}\n{\"id\": \"a\", \"question\": \"q\", \"answer\": 2}\n",
    ),
    ("words.jsonl", "{\"id\": \"a\", \"question\": \"q\", \"answer\": \"two\"}\n"),
];

/// Arguments, exit code, parts of the message.
const CASES: [(&[&str], i32, &[&str]); 33] = [
    (&["run", "missing.toml"], 2, &["missing.toml", "cannot read the config"]),
    (&["run", "unknown-key.toml"], 2, &["unknown-key.toml", "line 3", "max-turns", "max-turn"]),
    (
        &["run", "unknown-tool.toml"],
        2,
        &[
            "unknown-tool.toml",
            "tools: found `Calculater`, expected one of Calculator",
            "limits.max-turn: found 0",
        ],
    ),
    (&["run", "no-questions.toml"], 2, &["questions: missing, expected a table with path and out"]),
    (
        &["run", "good.toml", "--set", "questions.limit"],
        2,
        &["--set questions.limit", "expected key.path=value"],
    ),
    (&["run", "good.toml", "--set", "sandbox.cpu-seconds=0"], 2, &["sandbox.cpu-seconds: found 0"]),
    (&["run", "good.toml", "missing.jsonl"], 2, &["missing.jsonl: cannot read"]),
    (
        &["run", "good.toml", "torn.jsonl"],
        2,
        &["torn.jsonl: line 2: found the end of the text", "expected {\"id\""],
    ),
    (&["run", "good.toml", "no-answer.jsonl"], 2, &["no-answer.jsonl: line 1: found missing field `answer`"]),
    (&["run", "good.toml", "twice.jsonl"], 2, &["twice.jsonl: line 2: found the id `a` again"]),
    (
        &["run", "good.toml", "words.jsonl"],
        2,
        &["words.jsonl: line 1: found the answer `two`, expected a number"],
    ),
    (&["run", "good.toml"], 2, &["http://127.0.0.1:9/v1/models"]),
    (
        &["run", "good.toml", "--set", "model.base-url=nowhere"],
        2,
        &["base-url: found `nowhere`, expected http://"],
    ),
    (&["chat", "good.toml"], 2, &["http://127.0.0.1:9/v1/models"]),
    (&["run", "good.toml", "--out", "good.jsonl/x"], 2, &["http://127.0.0.1:9/v1/models"]),
    (&["run", "good.toml", "--set", "model.api-key-file=missing.key"], 2, &["missing.key: cannot read"]),
    (&["replay", "missing.jsonl"], 2, &["missing.jsonl: cannot read"]),
    (&["replay", "good.jsonl"], 2, &["good.jsonl: line 1", "expected a line of a transcript"]),
    (&["tools", "call", "Nothing", "{}"], 2, &["tool `Nothing`: unknown, expected one of Calculator"]),
    (&["tools", "call", "Calculator", "{"], 2, &["arguments of Calculator: EOF", "expected a JSON object"]),
    (&["tools", "call", "Calculator", "{}"], 2, &["missing required arguments: {'expression'}"]),
    (&["run", "team.toml"], 2, &["team.toml", "questions: missing", "INPUT and --out DIR"]),
    (
        &["run", "lonely.toml", "good.jsonl", "--out", "out"],
        2,
        &["lonely.toml", "found neither `agent` nor `team`"],
    ),
    (&["chat", "--tools", "Calculater"], 2, &["tools: found `Calculater`, expected one of Calculator"]),
    (&["tools", "describe", "Nothing"], 2, &["tool `Nothing`: unknown, expected one of Calculator"]),
    (
        &["tools", "describe", "Calculator.add"],
        2,
        &["tool `Calculator.add`: unknown, expected one of Calculator"],
    ),
    (
        &["template", "show", "nothing"],
        2,
        &["template `nothing`: unknown, expected one of autogpt_call_protocol"],
    ),
    (
        &["template", "show", "react_en", "--verbatim"],
        2,
        &["--verbatim: found `react_en`, expected one of cibench_react, math_react"],
    ),
    (&["transcript", "import", "good.jsonl"], 2, &["good.jsonl: line 1: agent: not found, expected a text"]),
    (&["chat", "good.toml", "--transcript", "good.jsonl"], 2, &["http://127.0.0.1:9/v1/models"]),
    (&["sandbox", "exec", "--", "no-such-program"], 127, &["unavailable: needs no-such-program"]),
    (&["sandbox", "exec", "--", "/etc/passwd"], 126, &["/etc/passwd: found a file without that right"]),
    (
        &["sandbox", "exec", "--memory-mib", "1", "--", "true"],
        125,
        &["memory-mib: found 1, expected at least 16"],
    ),
];

#[test]
fn every_case_has_its_message_and_exit_code() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).expect("writes");
    }
    let cases = CASES.map(|(arguments, code, parts)| BadInputCase { arguments, code, parts });
    program(folder.path()).check_bad_input(&cases);
}

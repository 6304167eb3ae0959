//! Published sets whose answers are programs: how they are put together, and when they pass. Rows and answers are made up.

use opencompass::model::{Answer, Program};
use serde_json::{Value, json};

use crate::graded::{config, ran, results, runner, scored};

/// The mark that a program would write at its end.
fn mark(program: &Program) -> String {
    let start = program.stdin.find("end of the tests ").expect("a mark");
    program.stdin[start..start + "end of the tests ".len() + 64].to_owned()
}

/// The verdict of the judge of Python answers.
fn verdict(program: &Program, outcome: &str) -> Answer {
    let mark = internlm_kit::hash::sha256(program.stdin.as_bytes());
    ran(json!({ "outcome": outcome, "reason": "", "mark": mark }).to_string(), "")
}

#[test]
fn programs_of_many_languages_have_to_reach_the_end_of_their_tests() {
    let score = |language: &str| {
        config(&format!("evaluator = {{ name = \"humaneval_multi\", language = \"{language}\" }}"), "")
    };
    let row = json!({ "gold": "", "prompt": "sub f {\n", "stop_tokens": ["\nsub"],
        "tests": "sub test {\n  exit 1 unless f() == 1;\n}\ntest();\n" });
    let items = [(row.clone(), "  return 1;\n}\nsub g {}".to_owned()), (row, "  exit 0;\n}\n".to_owned())];
    let sandbox = runner(|program| {
        assert!(program.command[2].starts_with("command -v perl"), "{:?}", program.command);
        assert!(!program.stdin.contains("sub g"), "cut at the stop text");
        let exits = program.stdin.contains("exit 0");
        ran(if exits { String::new() } else { format!("\n{}\n", mark(program)) }, "")
    });
    let scores = scored(score("pl"), &items, sandbox);
    assert_eq!((results(&scores), scores.metrics["pass@1"]), (vec!["pass", "failed"], 50.0));
    let row =
        json!({ "gold": "", "prompt": "#lang racket\n", "stop_tokens": [], "tests": "(check-equal? 1 2)\n" });
    let sandbox = runner(|program| ran(format!("{}\n", mark(program)), "FAILURE"));
    let scores = scored(score("rkt"), &[(row, String::new())], sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
    let row =
        json!({ "gold": "", "prompt": "def f():\n", "stop_tokens": ["\ndef"], "tests": "assert f() == 1\n" });
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert_eq!(
            (&job["code"], &job["test"]),
            (&json!("def f():\n    return 1\n"), &json!("assert f() == 1\n"))
        );
        verdict(program, "pass")
    });
    let scores = scored(score("py"), &[(row, "    return 1".to_owned())], sandbox);
    assert_eq!(scores.metrics["pass@1"], 100.0);
    let problems = score("cobol").problems();
    assert!(problems[0].contains("found `cobol`, expected one of cpp, cs, d, go, java"), "{problems:?}");
}

#[test]
fn programs_of_humaneval_x_are_put_together_as_its_authors_do() {
    let score = |language: &str| {
        config(&format!("evaluator = {{ name = \"humaneval_x\", language = \"{language}\" }}"), "")
    };
    let row = json!({ "gold": "", "prompt": "#include<vector>\nint add(int a,int b){\n",
        "declaration": "int add(int a,int b){\n", "test": "\nint main(){\n    assert(add(1,2)==3);\n}\n" });
    let sandbox = runner(|program| {
        let start = "#include<stdlib.h>\n#include<algorithm>\n";
        assert!(program.stdin.starts_with(start) && program.stdin.matches("#include<vector>").count() == 1);
        assert!(program.stdin.contains("{\n  return a+b;\n}\n\nint main(){"), "{}", program.stdin);
        ran(format!("{}\n", mark(program)), "")
    });
    let answer = "```cpp\nint add(int a,int b){\n  return a+b;\n}\n```".to_owned();
    assert_eq!(scored(score("cpp"), &[(row, answer)], sandbox).metrics["pass@1"], 100.0);
    let row = json!({ "gold": "", "prompt": "const add = (a, b) => {\n", "declaration": "const add = (a, b) => {\n",
        "test": "const t = () => { console.assert(add(1, 2) === 3) }\nt()\n" });
    let sandbox = runner(|program| ran(format!("{}\n", mark(program)), "Assertion failed\n"));
    let scores = scored(score("js"), &[(row, "  return a - b;\n}".to_owned())], sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
}

#[test]
fn values_of_livecodebench_are_compared_by_the_judge() {
    let sample = json!({ "code": "def f(x):\n    return x", "input": "f(x = 1)", "output": "1" });
    let row = json!({ "gold": sample.to_string() });
    let answers = ["assert f(x = 1) == 1\n[/ANSWER]", "f(x = 1)"];
    let items: Vec<(Value, String)> =
        answers.iter().map(|answer| (row.clone(), (*answer).to_owned())).collect();
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert!(job["code"].as_str().expect("code").ends_with("\nvalue_of_the_answer = (1\n)\n"));
        assert_eq!(job["test"], "assert value_of_the_answer == (1\n)\n");
        verdict(program, "pass")
    });
    let scores = scored(config("evaluator = \"lcb_execution\"", ""), &items, sandbox);
    assert_eq!(results(&scores), ["pass", "wrong_answer"]);
    let row = json!({ "gold": json!({ "input": "q", "output": "[1]" }).to_string() });
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert!(job["code"].as_str().expect("code").starts_with("line = \"assert f(1) == [1]\"\n"));
        assert_eq!(job["test"], "import json\nassert value_of_the_answer == json.loads(\"[1]\")\n");
        verdict(program, "wrong_answer")
    });
    let items = [(row, "```\nassert f(1) == [1]\n```".to_owned())];
    let scores = scored(config("evaluator = \"lcb_test_output\"", ""), &items, sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
}

/// Scores a right and a wrong answer in the real sandbox. `None` if a compiler is not installed.
#[cfg(feature = "sandbox")]
fn in_sandbox(evaluator: &str, row: &Value, answers: [&str; 2]) -> Option<Vec<String>> {
    let model = opencompass::execute::SandboxModel::new(Default::default()).ok()?;
    let items = answers.map(|answer| (row.clone(), answer.to_owned()));
    let scores = scored(config(&format!("evaluator = {evaluator}"), ""), &items, Box::new(model));
    let reason = |detail: &opencompass::score::Detail| detail.reason.clone().unwrap_or_default();
    if scores.details.iter().map(reason).any(|reason| reason.contains("needs ")) {
        return None;
    }
    Some(results(&scores).into_iter().map(str::to_owned).collect())
}

#[cfg(feature = "sandbox")]
#[test]
fn right_programs_pass_in_the_real_sandbox() {
    let java = "import java.util.*;\nclass Solution {\n    public int add(int a, int b) {\n";
    let main = "public class Main {\n    public static void main(String[] args) {\n        if (new Solution().add(1, 2) \
        != 3) {\n            throw new AssertionError();\n        }\n    }\n}\n";
    let cpp = "#include<vector>\nint add(int a,int b){\n";
    let cpp_test = "\n#undef NDEBUG\n#include<assert.h>\nint main(){\n    assert(add(1,2)==3);\n}\n";
    let js = "const add = (a, b) => {\n";
    let js_test = "const test = () => {\n  console.assert(add(1, 2) === 3)\n}\ntest()\n";
    for (language, prompt, test, body) in [
        ("java", java, main, "        return a + b;\n    }\n}"),
        ("cpp", cpp, cpp_test, "  return a + b;\n}"),
        ("js", js, js_test, "  return a + b;\n}"),
    ] {
        let row = json!({ "gold": "", "prompt": prompt, "declaration": prompt, "test": test });
        let evaluator = format!("{{ name = \"humaneval_x\", language = \"{language}\" }}");
        let Some(found) = in_sandbox(&evaluator, &row, [body, &body.replace('+', "-")]) else { continue };
        assert_eq!(found[0], "pass", "{language}");
        assert_ne!(found[1], "pass", "{language}");
    }
    let bash = "}\n\ncandidate() {\n    add \"$@\"\n}\n\nset -e\nrun_test() {\n    [[ $(candidate 1 2) = \"3\" ]]\n}\n\nrun_test\n";
    let node = "const assert = require('node:assert');\nfunction test() {\n  assert.deepEqual(add(1, 2),3);\n}\ntest();\n";
    for (language, prompt, tests, body) in [
        ("sh", "add() {\n", bash, "    echo $(($1 + $2))\n}"),
        ("js", "function add(a, b){\n", node, "  return a + b;\n}\nfunction other() {}"),
    ] {
        let stops = if language == "sh" { "\n}" } else { "\nfunction" };
        let row = json!({ "gold": "", "prompt": prompt, "tests": tests, "stop_tokens": [stops] });
        let evaluator = format!("{{ name = \"humaneval_multi\", language = \"{language}\" }}");
        let Some(found) = in_sandbox(&evaluator, &row, [body, &body.replace('+', "-")]) else { continue };
        assert_eq!(found, ["pass", "failed"], "{language}");
    }
}

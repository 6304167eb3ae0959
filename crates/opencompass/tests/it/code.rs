//! Evaluators of programs, with a stand-in for the sandbox: what they ask for, and what they believe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use internlm_kit::hash::sha256;
use opencompass::model::{Answer, Ending, MockModel, Program, Request};
use opencompass::score::{g_pass_at_k, mean_g_pass_at_k, pass_at_k};
use serde_json::{Value, json};

use crate::graded::{config, results, scored};
use crate::shared;

fn ran(ending: Ending, stdout: impl Into<String>) -> Answer {
    Answer::Ran { ending, stdout: stdout.into(), stderr: String::new() }
}

/// Something that runs programs by a rule.
fn runner(rule: impl Fn(&Program) -> Answer + Send + Sync + 'static) -> Box<MockModel> {
    Box::new(MockModel::new("runner", move |request| {
        let Request::Run { program } = request else { panic!("a program") };
        Ok(rule(program))
    }))
}

/// The verdict of the judge, as it writes it for a job.
fn verdict(program: &Program, outcome: &str) -> Answer {
    let mark = sha256(program.stdin.as_bytes());
    ran(Ending::Exit(0), json!({ "outcome": outcome, "reason": "", "mark": mark }).to_string())
}

#[test]
fn pass_at_k_equals_upstreams() {
    let Some(rows) = shared::lines("golden/opencompass/eval/pass_at_k.jsonl") else { return };
    assert!(rows.len() >= 10);
    for row in rows {
        let number = |name: &str| row["in"][name].as_u64().expect("a number") as usize;
        let (n, c, k) = (number("n"), number("c"), number("k"));
        let mut found = vec![("pass@k".to_owned(), pass_at_k(n, c, k))];
        for (threshold, word) in [(0.0, "0.0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1.0")] {
            found.push((format!("G-Pass@k_{word}"), g_pass_at_k(n, c, k, threshold)));
        }
        found.push(("mG-Pass@k".to_owned(), mean_g_pass_at_k(n, c, k)));
        for (name, value) in found {
            let expected = row["out"][&name].as_f64().expect("a number");
            assert!((value - expected).abs() < 1e-12, "{} {name}: {value} {expected}", row["id"]);
        }
    }
}

#[test]
fn human_eval_runs_prompt_completion_and_tests() {
    let row = json!({"gold": "HumanEval/0", "prompt": "def f(x):\n", "test": "def check(c): pass", "entry_point": "f"});
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert_eq!((&job["code"], &job["entry"]), (&json!("def f(x):\n    return x\n"), &json!("f")));
        assert_eq!((&job["seconds"], &job["test"]), (&json!(3), &json!("def check(c): pass")));
        verdict(program, "pass")
    });
    let scores =
        scored(config("evaluator = \"humaneval\"", ""), &[(row, "    return x".to_owned())], sandbox);
    assert_eq!((scores.metrics["humaneval_pass@1"], scores.correct), (100.0, Some(1)));
}

#[test]
fn only_verdicts_of_the_judge_count() {
    let row = json!({"gold": ["assert f(1) == 2"]});
    let words = ["pass", "wrong_answer", "timeout", "failed", "forged", "killed", "late"];
    let items: Vec<(Value, String)> = words.iter().map(|word| (row.clone(), (*word).to_owned())).collect();
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert!(job["type_aware"] == true && job["test"] == "assert f(1) == 2");
        match job["code"].as_str().expect("code") {
            "forged" => ran(Ending::Exit(0), "{\"outcome\": \"pass\", \"reason\": \"\", \"mark\": \"0\"}\n"),
            "killed" => ran(Ending::Killed, ""),
            "late" => ran(Ending::Timeout, ""),
            word => verdict(program, word),
        }
    });
    let scores = scored(config("evaluator = \"mbpp\"", ""), &items, sandbox);
    let expected = ["pass", "wrong_answer", "timeout", "failed", "failed", "failed", "timeout"];
    assert_eq!(results(&scores), expected);
    let metrics: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let share = 100.0 / 7.0;
    let expected =
        [("score", share), ("pass", 1.0), ("timeout", 2.0), ("failed", 3.0), ("wrong_answer", 1.0)];
    assert_eq!(metrics, expected);
    assert!(scores.details[4].reason.as_deref().is_some_and(|reason| reason.contains("tampered")));
}

#[test]
fn without_a_sandbox_nothing_passes_and_the_reason_is_told() {
    let row = json!({"gold": "assert True"});
    let none = Box::new(MockModel::new("none", |_| {
        Err(opencompass::Error::Model { model: "sandbox".to_owned(), message: "needs python3".to_owned() })
    }));
    let scores = scored(config("evaluator = \"mbpp\"", ""), &[(row, "x = 1".to_owned())], none);
    assert!(scores.metrics.is_empty() && scores.answered == 0, "a score without evidence says nothing");
    assert_eq!(scores.details[0].reason.as_deref(), Some("model sandbox: needs python3"));
}

#[test]
fn cases_run_until_one_is_wrong_and_never_see_the_expected_output() {
    let cases = json!({"inputs": ["1\n", "2\n", "3\n"], "outputs": ["1\n", "4\n", "9\n"]});
    let row = |cases: &Value| json!({"gold": "q", "evaluation_sample": cases.to_string()});
    let answer = |body: &str| format!("```python\n{body}\n```");
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let sandbox = runner(move |program| {
        counted.fetch_add(1, Ordering::Relaxed);
        assert!(!program.stdin.contains('9') && !program.files["answer.py"].contains('9'));
        let number: u64 = program.stdin.trim().parse().expect("a number");
        let square = program.files["answer.py"].contains("square");
        ran(Ending::Exit(0), format!("{}\n", if square { number * number } else { number }))
    });
    let items =
        [(row(&cases), answer("square")), (row(&cases), answer("same")), (row(&cases), "none".to_owned())];
    let scores = scored(config("evaluator = \"livecodebench\"", ""), &items, sandbox);
    assert_eq!(results(&scores), ["pass", "wrong_answer", "wrong_answer"]);
    assert_eq!(scores.details[1].reason.as_deref(), Some("case 1: the output differs from the expected one"));
    // Three cases; two of them; and two of an empty program.
    assert_eq!(runs.load(Ordering::Relaxed), 7);
    let broken = json!({"inputs": ["1"], "outputs": []});
    let scores = scored(
        config("evaluator = \"apps\"", ""),
        &[(row(&broken), "x".to_owned())],
        runner(|_| panic!("nothing to run")),
    );
    let reason = scores.details[0].reason.clone().expect("a reason");
    assert_eq!(reason, "cases: found 1 inputs and 0 outputs, expected as many");
}

#[test]
fn functions_are_called_by_the_judge() {
    let cases = json!({"inputs": ["1\n[2]"], "outputs": ["3"], "fn_name": "add"});
    let row = json!({"gold": "q", "input_output": cases});
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert_eq!((&job["entry"], &job["cases"]), (&json!("add"), &json!([[[1, [2]], 3]])));
        assert!(job["code"].as_str().is_some_and(|code| code.ends_with("\nx = 1\n")));
        verdict(program, "pass")
    });
    let scores = scored(config("evaluator = \"taco\"", ""), &[(row, "x = 1".to_owned())], sandbox);
    assert_eq!(scores.metrics["pass@1"], 100.0);
}

#[test]
fn compiled_programs_have_to_reach_the_end_of_their_tests() {
    let row = json!({"gold": "", "prompt": "fn f(x: i64) -> i64 {\n", "stop_tokens": ["\n}"],
        "tests": "}\nfn main() {\n    assert_eq!(f(1), 2);\n}\n"});
    let sandbox = || {
        runner(|program| {
            assert!(program.command[2].contains("rustc") && program.stdin.contains("assert_eq!(f(1), 2);"));
            let line = program.stdin.lines().find(|line| line.contains("end of the tests"));
            let mark = line.and_then(|line| line.split('"').nth(1)).expect("a mark");
            let exits = program.stdin.contains("exit(0)");
            ran(Ending::Exit(0), if exits { String::new() } else { format!("{mark}\n") })
        })
    };
    let items = [(row.clone(), "    x + 1\n}".to_owned()), (row, "    std::process::exit(0)\n}".to_owned())];
    let score = "evaluator = { name = \"multipl_e\", language = \"rs\" }";
    let scores = scored(config(score, ""), &items, sandbox());
    assert_eq!((results(&scores), scores.metrics["pass@1"]), (vec!["pass", "failed"], 50.0));
    let problems = config("evaluator = { name = \"multipl_e\", language = \"cobol\" }", "").problems();
    assert!(problems[0].contains("found `cobol`, expected one of cpp, cs, d, go, java"), "{problems:?}");
}

#[test]
fn several_answers_have_means_and_passes() {
    let row = json!({"gold": "assert True"});
    let sandbox = runner(|program| verdict(program, "pass"));
    let scores =
        scored(config("evaluator = \"mbpp\"", ", n = 3, k = [1, 2]"), &[(row, "x = 1".to_owned())], sandbox);
    assert_eq!((scores.details.len(), scores.correct), (3, Some(3)));
    let names = ["score (3 runs average)", "pass@1", "pass@2", "G-Pass@2_1.0"];
    assert_eq!(names.map(|name| scores.metrics[name]), [100.0; 4]);
}

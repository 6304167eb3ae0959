//! Rows of LiveCodeBench against what upstream's loaders make of them.

use super::*;

fn one(
    load: fn(&Named, Vec<Columns>) -> Result<Vec<Columns>, String>,
    row: Value,
) -> Result<Columns, String> {
    let rows: Vec<Columns> = serde_json::from_value(json!([row])).expect("an object");
    load(&Named::new("lcb"), rows).map(|mut rows| rows.remove(0))
}

fn problem(private: &str, starter: &str) -> Value {
    json!({
        "starter_code": starter,
        "public_test_cases": r#"[{"input": "0\n", "output": "1", "testtype": "stdin"}]"#,
        "private_test_cases": private,
        "metadata": if starter.is_empty() { "{}" } else { r#"{"func_name": "add"}"# },
    })
}

#[test]
fn hidden_cases_are_unpacked() {
    // base64(zlib(pickle(json.dumps([{"input": "1\n", "output": "2é", "testtype": "stdin"}]))))
    let packed =
        "eJxrYJnqwAABPTbR1UqZeQWlJUpWCkqGMXlKOgpK+aUlUAGjmFIDg1RLkGBJanFJSWVBKki4uCQlM0+pNnaKHgDi9RVT";
    let row = one(generation, problem(packed, "")).expect("loads");
    let sample = json!({ "inputs": ["0\n", "1\n"], "outputs": ["1", "2é"], "fn_name": null });
    assert_eq!(row["evaluation_sample"], sample);
    let form = "### Format: Read the inputs from stdin solve the problem and write the answer to stdout (do not directly \
        test on the sample inputs). Enclose your code within delimiters as follows.\n```python\n# YOUR CODE \
        HERE\n```\n\n";
    assert_eq!(row["format_prompt"], form);
    let row = one(generation, problem("[]", "class Solution:")).expect("loads");
    assert_eq!(row["evaluation_sample"]["fn_name"], "add");
    assert!(
        row["format_prompt"].as_str().expect("a text").ends_with(".\n```python\nclass Solution:\n```\n\n")
    );
    let error = one(generation, problem("?", "")).expect_err("not packed");
    assert!(error.starts_with("row 0: private_test_cases: "), "{error}");
}

#[test]
fn programs_ask_for_their_results() {
    let row =
        json!({ "code": "def f(x):\n    return '{input}'", "input": "f(x = 1)", "output": "'{input}'" });
    let row = one(execution, row).expect("loads");
    let end = "[PYTHON]\ndef f(x):\n    return '{input}'\nassert f(x = 1) == ??\n[/PYTHON]\n[ANSWER]\n";
    assert!(row["prompt"].as_str().expect("a text").ends_with(end), "{}", row["prompt"]);
    let sample = r#"{"code": "def f(x):\n    return '{input}'", "input": "f(x = 1)", "output": "'{input}'"}"#;
    assert_eq!(row["evaluation_sample"], sample);
}

#[test]
fn tests_ask_for_their_expected_results() {
    let starter = "class Solution:\n    def add(self, a: int) -> int:\n        pass";
    let test = r#"[{"input": "1\n[2]", "output": "3", "testtype": "functional"}]"#;
    let row = json!({ "question_content": "Q?\n", "starter_code": starter, "test": test });
    let row = one(test_output, row).expect("loads");
    let expected = "Problem:\nQ?\nFunction:\n```\nclass Solution:\n    def add(self, a: int) -> int:\n        pass\n\
        ```\nPlease complete the following test case:\n\n```\nassert add(1, [2]) == # TODO\n```\n";
    assert_eq!(row["prompt"], expected);
    assert_eq!(row["evaluation_sample"], r#"{"input": "Q?\n", "output": "3"}"#);
    let row = json!({ "question_content": "", "starter_code": "x = 1", "test": test });
    assert_eq!(one(test_output, row).expect_err("no function"), "row 0: starter_code: expected one function");
}

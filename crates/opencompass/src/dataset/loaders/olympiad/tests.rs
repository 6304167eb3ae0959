//! Prompts of OlympiadBench against those of upstream's `OlympiadBenchPrompter`.

use serde_json::json;

use super::*;

/// Loads a question with its language, subject, kind of question, kind of answers, number of answers and unit.
fn load(facts: (&str, &str, &str, &str), several: bool, unit: Value) -> Result<String, String> {
    let (language, subject, question_type, answer_type) = facts;
    let row = json!([{ "question": "{P}", "final_answer": ["1", "2"], "language": language, "subject": subject,
        "question_type": question_type, "answer_type": answer_type, "is_multiple_answer": several, "unit": unit }]);
    let rows: Vec<Columns> = serde_json::from_value(row).expect("an object");
    let rows = olympiadbench(&Named::new("olympiadbench"), rows)?;
    assert_eq!(rows[0]["solution"], "1");
    Ok(rows[0]["prompt"].as_str().expect("a text").to_owned())
}

#[test]
fn questions_say_what_the_answer_is() {
    let prompt = load(("English", "Math", "Open-ended", "Numerical"), false, Value::Null).expect("loads");
    let expected = "The following is an open-ended problem from an International Math competition. The answer of The \
        problem should be a numerical value. Please calculate the answer according to the given requirements and the \
        information provided. Please use LaTeX format to represent the variables and formulas used in the solution \
        process and results. Please end your solution with \"So the final answer is \\boxed{answer}.\" and give the \
        result explicitly.\n{P}\n\nPlease reason step by step, and put your final answer within \\boxed{}.";
    assert_eq!(prompt, expected);
    let facts = ("English", "Physics", "Open-ended", "Numerical,Expression");
    let prompt = load(facts, true, json!("m")).expect("loads");
    for part in [
        "multiple answers, with the answers in order being a numerical value, an expression. Please",
        "\\boxed{multiple answers connected with commas}(unit).\" and give the result explicitly, note that the unit \
         of the answer should not be included in \\boxed{}.\n{P}",
    ] {
        assert!(prompt.contains(part), "{prompt}");
    }
    let facts = ("Chinese", "Physics", "Open-ended", "Interval-x,Equation");
    let prompt = load(facts, true, json!("m")).expect("loads");
    let expected = "以下是中国物理竞赛中的解答题，题目有多个答案，答案类型分别为区间、方程。请根据题目的要求和所提供的信息计算得出答案。解答过程和结果中使用的变量和公式请使用LaTeX格式表示。请在最后以\"所以最终答案是\\boxed{用英文逗号连接的多个答案}(单位)。\"显式给出结果，注意答案的单位不要放在\\boxed{}中。\n{P}\n\n请通过逐步推理来解答问题，并把最终答案放置于\\boxed{}中。";
    assert_eq!(prompt, expected);
    let prompt = load(("Chinese", "Math", "Open-ended", "Numerical"), true, json!("")).expect("loads");
    assert!(
        prompt.starts_with("以下是中国数学竞赛中的解答题，题目有多个答案，答案类型均为数值。请"),
        "{prompt}"
    );
}

#[test]
fn proofs_and_tuples_name_no_kind() {
    let prompt = load(("Chinese", "Math", "Theorem proof", ""), false, Value::Null).expect("loads");
    assert!(prompt.starts_with("以下是中国数学竞赛中的证明题。"), "{prompt}");
    let prompt = load(("English", "Math", "Theorem proof", ""), false, Value::Null).expect("loads");
    assert!(
        prompt.starts_with("The following is a theorem proving problem from an International Math"),
        "{prompt}"
    );
    let prompt = load(("English", "Math", "Open-ended", "Tuple"), true, Value::Null).expect("loads");
    assert!(prompt.contains("Math competition. Please calculate"), "{prompt}");
    let error = load(("English", "Math", "Open-ended", "Song"), false, Value::Null).expect_err("no kind");
    assert!(error.contains("answer_type: found `Song`"), "{error}");
}

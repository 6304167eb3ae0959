//! Plans, by the letter and in a tolerant way.

use serde_json::json;

use super::super::CallOutcome;
use super::*;

fn tools() -> Vec<ToolSpec> {
    vec![ToolSpec::with_texts("City", "d", &["city"]), ToolSpec::with_texts("Count", "d", &["text"])]
}

fn rewoo(errors: ErrorMode) -> Rewoo {
    Rewoo { errors, ..Rewoo::default() }
}

/// Tools and inputs of a plan.
fn read(errors: ErrorMode, content: &str) -> Result<Vec<(String, String)>, String> {
    let steps = rewoo(errors).read_plan(content, &tools())?;
    Ok(steps.into_iter().map(|step| (step.tool, step.input)).collect())
}

fn pair(tool: &str, input: &str) -> (String, String) {
    (tool.to_owned(), input.to_owned())
}

#[test]
fn upstreams_patterns() {
    let read = |content| read(ErrorMode::Compat, content);
    let both = "Plan: a\n#E1 = City[x]\nMy Plan: b\n#E2 = Count[[1], 2]";
    assert_eq!(read(both), Ok(vec![pair("City", "x"), pair("Count", "[1")]));
    assert_eq!(read("I do not know."), Ok(vec![]));
    let uneven = "Each Plan should only correspond to only ONE action";
    assert_eq!(read("Plan: a\nPlan: b\n#E1 = City[x]"), Err(uneven.to_owned()));
    assert_eq!(read("Plan: a\n#E1 = City"), Err("list index out of range".to_owned()));
}

#[test]
fn plans_that_almost_keep_to_the_format() {
    let read = |content| read(ErrorMode::Fixed, content);
    for content in [
        "Plan: a\n#E1 = City[{\"city\": \"x\"}]\nPlan: b\n#E2 = Count[#E1]\n",
        "**Plan 1:** a\n#E1: City[{\"city\": \"x\"}] (look it up)\n\nPlan 2: b\n- #E2 = `Count`[#E1]",
        "Sure!\nPlan: a\n#E1 = City[\n{\"city\": \"x\"}\n]\nPlan: b\n#E2=count[#E1]",
    ] {
        let found = read(content).expect(content);
        assert_eq!(found[0], pair("City", "{\"city\": \"x\"}"), "{content}");
        assert!(found[1].0.eq_ignore_ascii_case("Count") && found[1].1 == "#E1", "{content}");
    }
    let stray = "Plan: a\n#E1 = Count[5\" pipe]\nPlan: b\n#E2 = Count[6\" pipe]";
    assert_eq!(read(stray), Ok(vec![pair("Count", "5\" pipe"), pair("Count", "6\" pipe")]));
    let brackets = "Plan: a\n#E1 = Count[{\"text\": \"a ] b\"}]";
    assert_eq!(read(brackets), Ok(vec![pair("Count", "{\"text\": \"a ] b\"}")]));
}

#[test]
fn what_is_wrong_with_a_plan_is_said() {
    for (content, problem) in [
        ("42", "found no plan, expected lines `Plan: ..` and `#E1 = tool[input]`"),
        ("Plan: a", "found the plan `a` without a call, expected `#E1 = tool[input]`"),
        (
            "Plan: a\nPlan: b\n#E1 = City[x]",
            "found the plan `a` without a call, expected `#E1 = tool[input]`",
        ),
        ("#E1 = City[x]", "found #E1 without a plan, expected a line `Plan: ..` before each #E"),
        ("Plan: a\n#E1 = City", "found #E1 = City, expected tool[input]"),
        ("Plan: a\n#E1 = City[#E2]", "#E1 refers to #E2, expected an earlier step"),
        (
            "Plan: a\n#E1 = Town[x]",
            "#E1: The action is invalid, please check the action name. Found `Town`, expected one of City, Count.",
        ),
        (
            "Plan: a\n#E1 = City[x]\nPlan: b\n#E1 = City[y]",
            "found #E1 twice, expected another number for each step",
        ),
    ] {
        assert_eq!(read(ErrorMode::Fixed, content), Err(problem.to_owned()), "{content}");
    }
}

#[test]
fn results_are_filled_into_later_inputs() {
    let evidence = |text: &str, outcome| Evidence { text: text.to_owned(), outcome };
    let step = |label, input: &str| PlanStep {
        label,
        thought: "t".to_owned(),
        tool: "Count".to_owned(),
        input: input.to_owned(),
    };
    let call = |errors, input: &str, outcome| {
        let plan = Plan {
            stage: Stage::Working,
            steps: vec![step(1, "x"), step(2, input)],
            evidence: vec![evidence("say \"hi\"", outcome)],
            ..Plan::default()
        };
        rewoo(errors).next_call(&plan).expect("a step").map(|call| call.arguments)
    };
    let (fixed, letter) = (ErrorMode::Fixed, ErrorMode::Compat);
    let (good, bad) = (CallOutcome::Result, CallOutcome::Error);
    assert_eq!(call(fixed, r##"{"text": "#E1!"}"##, good), Ok(json!({"text": "say \"hi\"!"})));
    assert_eq!(call(fixed, "#E1 and #E12", bad), Ok(json!("say \"hi\" and #E12")));
    assert_eq!(call(letter, "#E1 and #E1", good), Ok(json!("say \"hi\" and say \"hi\"")));
    assert_eq!(call(letter, "#E0", good), Ok(json!("say \"hi\"")));
    assert_eq!(call(letter, "#E1", bad), Ok(json!("")));
    assert_eq!(call(letter, "#E2", good), Err("list index out of range".to_owned()));
}

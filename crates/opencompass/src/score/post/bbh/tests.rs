//! Results of upstream's functions, and where the fixed readings differ.

use super::*;

#[test]
fn upstream_takes_the_first_cue_and_any_capital() {
    for (text, compat, fixed) in [
        ("The answer is (A). No, the answer is (B).", "A", "B"),
        ("The answer is probably C", "C", "C"),
        ("The best one", "T", "The best one"),
        ("so the answer is (C)\n\nQuestion: x\nthe answer is (D)", "C", "C"),
    ] {
        assert_eq!((letter(text).as_str(), fixed_letter(text).as_str()), (compat, fixed), "{text}");
    }
}

#[test]
fn free_forms_are_normalized() {
    for (text, answer) in [
        ("So the Answer is: **No**, it is not.", "No"),
        ("the answer is true", "True"),
        ("the answer is a, b ,c.\nMore", "a b c"),
        ("the answer is 1, 2", "1, 2"),
    ] {
        assert_eq!(bbh_freeform(text), answer, "{text}");
    }
    assert_eq!(bbeh_freeform(r"The answer is: \boxed{\text{A}}"), "a");
    assert_eq!(bbeh_letter("The answer is (B)"), "b");
}

#[test]
fn numbers_and_verdicts() {
    for (text, compat, fixed) in [
        (r"The answer is \boxed{\frac{1}{2}}", r"\frac{1", r"\frac{1}{2}"),
        ("The answer is 1,200 m. So the answer is 1.3", "1200", "1.3"),
        ("none", "none", "none"),
    ] {
        assert_eq!((scibench(text).as_str(), fixed_scibench(text).as_str()), (compat, fixed), "{text}");
    }
    assert_eq!(strategyqa("I know that. So the answer is yes"), "yes");
    assert_eq!((strategyqa("I know it").as_str(), fixed_strategyqa("I know it").as_str()), ("no", ""));
}

#[test]
fn olympic_answers_follow_the_last_cue() {
    let read = |named: &Named, text: &str| olympiadbench(named, Reading::Compat).expect("arguments")(text);
    let english = Named::new("olympiadbench_postprocess_v2");
    assert_eq!(read(&english, "So the final answer is 1.\nSo the final answer is 2. "), "2.");
    assert_eq!(read(&english.with("is_chinese", true), "所以最终答案是3"), "3");
}

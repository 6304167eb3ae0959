//! Verdicts on answers of KOR-Bench against those of upstream's `evaluate_response_vs_answer`.

use super::*;

fn right(category: Category, rule: &str, number: u64, answers: (&str, &str)) -> bool {
    let (response, answer) = answers;
    Asked { category, rule: rule.to_owned(), number }.right(response, answer)
}

#[test]
fn verdicts_are_upstreams() {
    use Category::{Cipher, Counterfactual, Logic, Operation, Puzzle};
    for (category, rule, response, answer, expected) in [
        (Cipher, "3", "The answer is [[ HELLO ]].", "[[HELLO]]", true),
        (Cipher, "3", "[HELLO]", "[[HELLO]]", true),
        (Cipher, "3", "HELLO", "[[HELLO]]", false),
        (Cipher, "3", "[[\"A B\"]]", "[[AB]]", true),
        (Counterfactual, "1", "$\\boxed{B}$", "[[B]]", true),
        (Logic, "5", "[[x;y. z]]", "y z;x", false),
        (Logic, "5", "[[b;a]]", "[[b;a]]", true),
        (Logic, "2", "[[ Some A. are B ]]", "[[Some A are B]]", true),
        (Operation, "18", "[[b,a]]", "[[ab]]", true),
        (Operation, "23", "[[1,2, 3]]", "[[(1),(2),(3)]]", true),
        (Operation, "7", "[[3or4]]", "[[4 or 3]]", true),
        (Operation, "7", "[[X=3\\text{or}X=4]]", "[[X=4orX=3]]", true),
        (Operation, "7", "[[12]]", "[[12]]", true),
        (Operation, "7", "[[12]]", "[[ 12 ]]", false),
        (Puzzle, "1", "[[A-b c]]", "[[abC]]", true),
        (Puzzle, "2", "[[Cat]]", "[[cat,dog]]", true),
        (Puzzle, "3", "[[dog, Cat]]", "[[cat dog]]", true),
        (Puzzle, "4", "[[at]]", "[[catalog]]", true),
        (Puzzle, "5", "[[b, a]]", "[[a,b]]", true),
        (Puzzle, "9", "[[3+4×2=11]]", "[[3+4*2=11]]", true),
        (Puzzle, "9", "[[3*4+2=14]]", "[[3+4*2=11]]", false),
        (Puzzle, "10", "[[(1+3)*6*1]]", "[[6*(3+1)*1=24]]", true),
        (Puzzle, "10", "[[4*6*1*2]]", "[[6*(3+1)*1=24]]", false),
        (Puzzle, "18", "[[1, 2]\n[3]]", "[[1 2 3]]", true),
        (Puzzle, "99", "[[x_1 - y]]", "[[x_1y]]", true),
        (Puzzle, "99", "no", "[[no]]", false),
    ] {
        assert_eq!(right(category, rule, 0, (response, answer)), expected, "{category:?} {rule}: {response}");
    }
}

#[test]
fn numbered_questions_compare_formulas() {
    let formulas = |response, answer| right(Category::Operation, "1", 94, (response, answer));
    assert!(formulas("[[$\\frac{1}{2}$]]", "[[0.5]]"));
    assert!(formulas("[[2 or 3]]", "[[3or2]]") && !formulas("[[2 or 4]]", "[[3or2]]"));
    assert!(!formulas("nothing", "[[3]]"));
    assert!(!right(Category::Operation, "1", 0, ("[[\\frac{1}{2}]]", "[[0.5]]")));
    assert!(right(Category::Operation, "9", 178, ("[[x≤ 3, x ≥1]]", "[[x ≥ 1 and x ≤ 3]]")));
}

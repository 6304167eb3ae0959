//! Formulas of each kind as trees.

use super::*;

fn read(text: &str) -> Expr {
    parse(text).unwrap_or_else(|| panic!("{text} is a formula"))
}

/// Checks that two spellings are the same tree.
fn same(text: &str, other: &str) {
    assert_eq!(read(text), read(other), "{text} / {other}");
}

#[test]
fn numbers_and_mixed_numbers() {
    for (text, value) in
        [("12", 12), ("1,234,567", 1_234_567), ("-7", -7), ("007", 7), ("40_9", 40), ("2(3)", 5)]
    {
        assert_eq!(read(text), Expr::integer(value), "{text}");
    }
    same("2 \\frac{1}{2}", "\\frac{5}{2}");
    same("3:5", "3/5");
    assert_eq!(read("25\\%"), Expr::Percent(Box::new(Expr::integer(25))));
    assert!(matches!(read(".5"), Expr::Decimal(_)));
    assert_eq!(read("30^\\circ"), Expr::integer(30));
}

#[test]
fn names_lose_their_case_and_their_commands() {
    same("\\text{Yes}", "\\mbox{yes}");
    same("X", "x");
    same("x_1", "x_{1}");
    assert_eq!(read("\\text{(C)}"), Expr::Symbol("c".to_owned()));
    assert_eq!(read("\\pi"), Expr::Constant(Constant::Pi));
    assert_eq!(read("I"), Expr::Constant(Constant::ImaginaryUnit));
    assert_eq!(read("f(x)"), Expr::Call("f".to_owned(), vec![Expr::Symbol("x".to_owned())]));
    assert!(matches!(read("x(y+1)"), Expr::Mul(_)));
}

#[test]
fn neighbors_bind_more_strongly_than_signs() {
    same("1/2x", "1/(2x)");
    same("\\sin 2x", "\\sin(2x)");
    same("-x^2", "-(x^2)");
    same("\\sin^{-1} x", "\\arcsin x");
    same("2 \\cdot x", "2x");
}

#[test]
fn sets_intervals_and_tuples() {
    assert!(matches!(read("(1,2)"), Expr::Interval(_)));
    assert!(matches!(read("(1,2]"), Expr::Interval(_)));
    assert!(matches!(read("(1,2,3)"), Expr::Tuple(_)));
    assert!(matches!(read("[1,2] \\cup (3,\\infty)"), Expr::Union(_)));
    same("1,2", "\\{1,2\\}");
    same("3 \\pm 1", "3+1, 3-1");
    same("\\{\\}", "\\emptyset");
    same("x = 1, 2", "x \\in \\{1,2\\}");
    assert!(matches!(read("x=1, y=2"), Expr::Set(_)));
}

#[test]
fn relations_are_chains() {
    let Expr::Relation(first, rest) = read("1 < x \\le 2") else { panic!("a chain") };
    assert_eq!(*first, Expr::integer(1));
    assert_eq!(rest.iter().map(|(sign, _)| *sign).collect::<Vec<_>>(), [Sign::Less, Sign::LessEqual]);
    same("x \\approx 3", "3");
}

#[test]
fn matrices_are_computed() {
    same(
        "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",
        "\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\\\ \\end{bmatrix}",
    );
    assert!(matches!(read("2\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}"), Expr::Matrix(_)));
    assert_eq!(parse("1+\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}"), None);
}

#[test]
fn other_texts_are_not_formulas() {
    for text in [
        "",
        "1.",
        "(1",
        "1)",
        "x^",
        "\\frac{1}",
        "\\frac{1}{0}",
        "{1",
        "a \\cap b",
        "#",
        "\\unknown",
        "x = ",
        "1 + \\{2\\}",
        "|x",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse(&"(".repeat(4000)), None, "deep nesting ends early");
    assert!(parse(&"x^2".repeat(1000)).is_some(), "a long product is fine");
    assert_eq!(parse(&format!("x{}", "^2".repeat(1000))), None, "a tower of powers ends early");
}

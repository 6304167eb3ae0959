//! What is written for a grammar, and what is refused.

use super::*;

fn check(grammar: &str, expected: &[&str]) {
    let lark = lark(grammar).expect(grammar);
    assert_eq!(lark.lines().collect::<Vec<_>>(), expected, "{grammar}");
}

#[test]
fn what_is_regular_is_one_terminal() {
    check("root ::= \"a\"{5,5}", &["start: T0", "T0: /((a){5})/ & /(?s:.+)/"]);
    check(
        "root ::= x-1 \"!\"? # a comment\nx-1 ::= [a-c]\n  | [^\\n\\]] \"\\u00e9\"",
        &["start: T0", "T0: /(([a-c]|[^\\x{A}\\x{5D}]\\x{E9})(\\x{21})?)/ & /(?s:.+)/"],
    );
    check("root ::= [0-9]*", &["start: T0?", "T0: /(([0-9])*)/ & /(?s:.+)/"]);
}

#[test]
fn what_is_recursive_stays_a_rule() {
    check(
        "root ::= \"(\" root \")\" | [a-z]+",
        &[
            "start: r0",
            "r0: (T0 r0 T1 | T2)",
            "T0: /\\x{28}/ & /(?s:.+)/",
            "T1: /\\x{29}/ & /(?s:.+)/",
            "T2: /([a-z])+/ & /(?s:.+)/",
        ],
    );
    check(
        "root ::= (\"-\" root)? unused-not\nunused-not ::= \"\"\nunused ::= unused",
        &["start: r0", "r0: (T0 r0)?", "T0: /\\x{2D}/ & /(?s:.+)/"],
    );
    check("root ::= \"a\" root{0} (root{0,0})*", &["start: r0", "r0: T0", "T0: /a/ & /(?s:.+)/"]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (grammar, expected) in [
        ("", "found no rule `root`"),
        ("x ::= \"a\"", "found no rule `root`"),
        ("root ::= this", "found the name `this`, expected a rule `this ::= ..`"),
        ("root ::= this is (not valid GBNF", "line 1 column 33: found the end, expected `)`"),
        ("root ::= \"a", "line 1 column 12: found the end, expected the end of a text"),
        ("root ::= [z-a]", "line 1 column 14: found ']', expected a range that rises"),
        ("root ::=\n \"a\"{3,1}", "expected a repetition such as"),
        ("root ::= \"\\q\"", "line 1 column 12: found 'q', expected an escape"),
        ("root ::= \"\\ud800\"", "expected an escape"),
        ("root ::= \"a\"\nroot ::= \"b\"", "line 2 column 1: found 'r', expected one rule `root`"),
        ("root ::= <[1]>", "line 1 column 10: found '<', expected a text"),
        ("start: \"a\"", "line 1 column 1: found 's', expected a rule"),
    ] {
        let message = lark(grammar).expect_err(grammar);
        assert!(message.contains(expected), "{grammar}: {message}");
    }
}

#[test]
fn large_grammars_are_refused() {
    let doubled: String = (0..40).map(|rule| format!("r{rule} ::= r{} r{}\n", rule + 1, rule + 1)).collect();
    let message = lark(&format!("root ::= r0\n{doubled}r40 ::= \"a\"")).expect_err("too long");
    assert!(message.contains("found more than"), "{message}");
    let chain: String = (0..900).map(|rule| format!("r{rule} ::= \"(\" r{} \")\"\n", rule + 1)).collect();
    let message = lark(&format!("root ::= r0\n{chain}r900 ::= \"a\"")).expect_err("too deep");
    assert!(message.contains("levels deep"), "{message}");
    let groups = format!("root ::= {}\"a\"{}", "(".repeat(1000), ")".repeat(1000));
    assert!(lark(&groups).expect_err("too deep").contains("groups inside of each other"));
    let many: String = (0..5000).map(|rule| format!("r{rule} ::= \"a\"\n")).collect();
    assert!(lark(&many).expect_err("too many").contains("rules"));
}

#[test]
fn the_two_notations_are_told_apart() {
    for grammar in ["root ::= \"a\"", " # a comment\n\nx-1::=y", "a ::="] {
        assert!(is_gbnf(grammar), "{grammar}");
    }
    for grammar in ["start: \"::=\"", "// root ::= \"a\"\nstart: \"a\"", "%import common", ""] {
        assert!(!is_gbnf(grammar), "{grammar}");
    }
}

//! Comments and literals are told apart wherever Rust allows them to look alike.

use internlm_kit::testing::TestRng;

use super::*;

fn found(source: &str) -> Vec<(usize, Kind, String)> {
    passages(source).into_iter().map(|passage| (passage.line, passage.kind, passage.text)).collect()
}

fn one(line: usize, kind: Kind, text: &str) -> (usize, Kind, String) {
    (line, kind, text.to_owned())
}

#[test]
fn consecutive_lines_are_one_passage() {
    let source = "//! A\n//! b.\n\n/// C\n/// d.\nfn f() {} // e\n// g\n// h\n";
    assert_eq!(
        found(source),
        [one(1, Kind::Doc, "A\nb."), one(4, Kind::Doc, "C\nd."), one(6, Kind::Comment, "e\ng\nh"),]
    );
}

#[test]
fn an_empty_line_and_another_kind_end_a_passage() {
    assert_eq!(
        found("// a\n\n// b\n/// c\n"),
        [one(1, Kind::Comment, "a"), one(3, Kind::Comment, "b"), one(4, Kind::Doc, "c")]
    );
}

#[test]
fn strings_hide_comments_and_comments_hide_strings() {
    assert_eq!(
        found("f(\"// no\"); // \"yes\"\n"),
        [one(1, Kind::Text, "// no"), one(1, Kind::Comment, "\"yes\"")]
    );
    assert_eq!(
        found("f(r#\"a \" b\"#, b\"c\\\"d\", '\"', '\\'', 'x); /* /* e */ \" */"),
        [one(1, Kind::Text, "a \" b"), one(1, Kind::Text, "c\\\"d"), one(1, Kind::Comment, " /* e */ \" "),]
    );
}

#[test]
fn lifetimes_do_not_open_literals() {
    assert_eq!(found("fn f<'a>(x: &'a str) -> &'a str { \"t\" }"), [one(1, Kind::Text, "t")]);
}

#[test]
fn code_only_keeps_lines_and_offsets() {
    let source = "let a = \"ü // x\"; // y\nuse b;";
    let code = code_only(source);
    assert_eq!(code.len(), source.len());
    assert_eq!(code.find("use b;"), source.find("use b;"));
    assert!(!code.contains('x') && !code.contains('y'));
}

#[test]
fn markdown_leaves_code_out() {
    let source = "# T\n\nOne\ntwo.\n\n```sh\ncode\n```\nThree.\n";
    let texts: Vec<(usize, String)> =
        markdown(source).into_iter().map(|passage| (passage.line, passage.text)).collect();
    assert_eq!(texts, [(1, "# T".to_owned()), (3, "One\ntwo.".to_owned()), (9, "Three.".to_owned())]);
}

#[test]
fn any_sequence_of_tokens_gives_its_comments_and_strings() {
    // Tokens with the passage that each of them is; what is not a passage must not hide the next one.
    const TOKENS: [(&str, Option<(Kind, &str)>); 12] = [
        ("x", None),
        ("'\"'", None),
        ("'\\''", None),
        ("&'a str", None),
        ("b'x'", None),
        ("1 / 2", None),
        ("\"a // b\"", Some((Kind::Text, "a // b"))),
        ("\"\\\"\"", Some((Kind::Text, "\\\""))),
        ("r#\"c \" d\"#", Some((Kind::Text, "c \" d"))),
        ("b\"e\"", Some((Kind::Text, "e"))),
        ("/* f /* g */ \" */", Some((Kind::Comment, " f /* g */ \" "))),
        ("/** h */", Some((Kind::Doc, " h "))),
    ];
    let mut rng = TestRng::new(1);
    for _ in 0..2000 {
        let tokens: Vec<_> = (0..rng.below(8)).map(|_| *rng.pick(&TOKENS)).collect();
        let source = tokens.iter().map(|token| token.0).collect::<Vec<_>>().join(" + ");
        let expected: Vec<(usize, Kind, String)> =
            tokens.iter().filter_map(|token| token.1).map(|(kind, text)| one(1, kind, text)).collect();
        assert_eq!(found(&source), expected, "{source}");
    }
}

#[test]
fn any_text_is_read_to_its_end() {
    let mut rng = TestRng::new(2);
    for _ in 0..2000 {
        let characters = ['"', '\'', '/', '*', '\\', '#', 'r', 'b', '\n', ' ', 'ü', '!'];
        let source: String = (0..rng.below(24)).map(|_| *rng.pick(&characters)).collect();
        assert_eq!(code_only(&source).len(), source.len(), "{source:?}");
        let lines = source.lines().count().max(1);
        assert!(passages(&source).iter().all(|passage| (1..=lines).contains(&passage.line)), "{source:?}");
    }
}

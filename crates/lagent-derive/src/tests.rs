//! What is refused, and with which words; what is written is tested where it can be compiled, in lagent.

use proc_macro2::TokenStream;

use crate::{free, toolkit};

/// The messages for a function with `#[tool(options)]`.
fn refused(options: &str, item: &str) -> Vec<String> {
    messages(free::expand(tokens(options), tokens(item)))
}

/// The messages for a block with `#[toolkit]`.
fn refused_block(item: &str) -> Vec<String> {
    messages(toolkit::expand(TokenStream::new(), tokens(item)))
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}

fn messages(code: syn::Result<TokenStream>) -> Vec<String> {
    let error = code.expect_err("the code is refused");
    error.into_iter().map(|error| error.to_string()).collect()
}

#[test]
fn every_wrong_argument_is_named() {
    let item = "/// Adds.
        fn add(
            (a, b): (u8, u8), text: &str, any: impl Copy, cow: Option<Cow<'_, str>>, #[cfg(x)] z: u8, ok: u8,
        ) {}";
    let owns = "expected a type such as `String` that owns its value";
    let expected = [
        "`(a , b)`: found a pattern, expected the name of an argument".to_owned(),
        format!("`text`: found a reference, {owns}"),
        format!("`any`: found `impl Trait`, {owns}"),
        format!("`cow`: found a lifetime, {owns}"),
        "`z`: found `#[cfg]`, expected a doc comment, `#[serde(..)]` or `#[schemars(..)]`".to_owned(),
    ];
    assert_eq!(refused("", item), expected);
}

#[test]
fn functions_that_a_call_cannot_decide_are_refused() {
    for (item, found) in [
        ("/// A.\nfn f<T>(x: T) {}", "generic parameters"),
        ("/// A.\nfn f() where u8: Copy {}", "a `where` clause"),
        ("/// A.\nunsafe\nfn f() {}", "`unsafe`"),
        ("/// A.\nextern \"C\" fn f() {}", "`extern`"),
    ] {
        assert_eq!(refused("", item), [format!("`f`: found {found}, expected an ordinary function")]);
    }
    let expected = "`f`: expected a doc comment that tells the model when to call the tool";
    assert_eq!(refused("", "fn f(x: u8) {}"), [expected]);
    let expected =
        "`f`: found `self`, expected a function without it; methods need `#[toolkit]` on their `impl`";
    assert_eq!(refused("", "/// A.\nfn f(&self) {}"), [expected]);
    let expected = "`__`: expected a name with letters, from which the tool's type is named";
    assert_eq!(refused("", "/// A.\nfn __() {}"), [expected]);
}

#[test]
fn options_are_checked() {
    let item = "/// A.\nfn f() {}";
    for (options, expected) in [
        ("name = \"a b\"", "name: found \"a b\", expected letters, digits, `_`, `-` and `.`"),
        ("name = \"\"", "name: found \"\", expected letters, digits, `_`, `-` and `.`"),
        ("name = \"a\", name = \"b\"", "name: found twice, expected one name"),
        ("title = \"a\"", "found an unknown option, expected `name = \"..\"`"),
    ] {
        assert_eq!(refused(options, item), [expected], "{options}");
    }
    assert!(free::expand(tokens("name = \"Kit.run-2\""), tokens(item)).is_ok());
}

#[test]
fn blocks_without_tools_and_with_unsuitable_ones_are_refused() {
    let expected = "`Kit`: found no method with `#[tool]`, expected at least one";
    assert_eq!(refused_block("impl Kit { fn f(&self) {} }"), [expected]);
    let expected = "`g`: found two tools of this name, expected one";
    let block = "impl Kit { /// A.
        #[tool(name = \"g\")] fn f(&self) {} /// B.
        #[tool] fn g(&self) {} }";
    assert_eq!(refused_block(block), [expected]);
    let messages = refused_block("impl Kit { /// A.\n#[tool] fn f(&mut self) {} }");
    let is_named = messages[0].starts_with("`f`: found `") && messages[0].contains("expected `&self`");
    assert!(is_named, "{messages:?}");
    let expected = "found generic parameters, expected an `impl` block of one type";
    assert_eq!(refused_block("impl<T> Kit<T> {}"), [expected]);
    let expected = "found a trait, expected an `impl` block of a type";
    assert_eq!(refused_block("impl Clone for Kit {}"), [expected]);
    let expected = "expected `tool` or `tool(name = \"..\")`";
    assert_eq!(refused_block("impl Kit { #[tool = \"f\"] fn f() {} }"), [expected]);
}

//! Reading attributes: documentation, derives, and what exists only in tests.

use syn::{Attribute, Item, Meta};

/// The text of the doc comments, one line per comment line; empty without any.
pub(crate) fn doc_text(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(doc_line).collect();
    lines.join("\n")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(literal) = &pair.value else { return None };
    let syn::Lit::Str(text) = &literal.lit else { return None };
    pair.path.is_ident("doc").then(|| text.value())
}

/// Is `name` among the derived traits? `clap::Args` counts as `Args`.
pub(crate) fn derives(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("derive") {
            // A derive list that does not parse does not compile either.
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.segments.last().is_some_and(|last| last.ident == name);
                Ok(())
            });
        }
        found
    })
}

/// Is the item `#[cfg(test)]` or a `#[test]` function?
pub(crate) fn is_test_item(item: &Item) -> bool {
    is_test_only(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return false,
    })
}

/// Do the attributes keep what they stand on out of every build but tests?
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => {
            let words = list.tokens.to_string();
            list.path.is_ident("cfg")
                && words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
                && !words.contains("not")
        }
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        syn::parse_str(text).expect("an item")
    }

    #[test]
    fn docs_keep_their_lines() {
        let Item::Struct(item) = item("/// One.\n///\n/// Two.\n#[derive(Debug)]\nstruct A;") else {
            panic!("expected a struct")
        };
        assert_eq!(doc_text(&item.attrs), " One.\n\n Two.");
        assert!(derives(&item.attrs, "Debug") && !derives(&item.attrs, "Clone"));
    }

    #[test]
    fn test_items_are_those_that_only_tests_see() {
        for text in ["#[cfg(test)] mod a {}", "#[test] fn a() {}", "#[cfg(all(test, unix))] fn a() {}"] {
            assert!(is_test_item(&item(text)), "{text}");
        }
        for text in ["mod a {}", "#[cfg(not(test))] fn a() {}", "#[cfg(feature = \"testing\")] mod a {}"] {
            assert!(!is_test_item(&item(text)), "{text}");
        }
    }
}

//! Doc comments as the text that the model reads.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of doc comments up to the first heading or example: one line per paragraph.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let comments: Vec<String> = attributes.iter().filter_map(comment).collect();
    let mut text = String::new();
    let mut separator = "";
    for line in comments.iter().flat_map(|comment| comment.split('\n')).map(str::trim) {
        if line.starts_with('#') || line.starts_with("```") {
            break;
        }
        if line.is_empty() {
            separator = "\n";
            continue;
        }
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(line);
        separator = " ";
    }
    text
}

/// The text of one doc comment; `None` for other attributes.
fn comment(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::ItemFn;

    use super::*;

    #[test]
    fn paragraphs_are_lines_and_sections_are_left_out() {
        let item = "/// One\n/// line.\n///\n///\n/// Two.\n/// # Errors\n/// Never.\n#[inline]\nfn f() {}";
        let item: ItemFn = syn::parse_str(item).expect("a function");
        assert_eq!(text(&item.attrs), "One line.\nTwo.");
        assert_eq!(text(&[]), "");
    }
}

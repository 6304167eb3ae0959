//! Post-processors that hand an argument on to their evaluator: those of P-MMEval, whose evaluators judge every
//! language by rules of its own.

use serde::Deserialize;
use serde_json::json;

use super::post_entry::{Apply, PostEntry};
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("pmmeval_mhellaswag", &["pmmeval_mhellaswag_postprocess"], with_code),
    PostEntry::configured("pmmeval_mifeval", &["pmmeval_mifeval_postprocess"], with_code),
    PostEntry::configured("pmmeval_mmmlu", &["pmmeval_mmmlu_postprocess"], with_code),
    PostEntry::configured("pmmeval_mlogiqa", &["pmmeval_mlogiqa_postprocess"], with_code),
    PostEntry::configured("pmmeval_xnli", &["pmmeval_xnli_postprocess"], with_code),
    PostEntry::configured("pmmeval_flores", &["pmmeval_flores_postprocess"], with_name),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    /// Code of the language, such as `en`.
    lang_code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullName {
    /// English name of the language.
    lang_fullname: String,
}

/// A list of the text and the code of its language.
fn with_code(named: &Named, _: Reading) -> Result<Apply> {
    let Code { lang_code } = named.arguments()?;
    Ok(Box::new(move |text| json!([text, lang_code])))
}

/// A list of the text and the name of its language.
fn with_name(named: &Named, _: Reading) -> Result<Apply> {
    let FullName { lang_fullname } = named.arguments()?;
    Ok(Box::new(move |text| json!([text, lang_fullname])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_follows_the_text() {
        let named = Named::new("pmmeval_xnli");
        assert!(with_code(&named, Reading::Compat).is_err());
        let post = with_code(&named.with("lang_code", "fr"), Reading::Compat).expect("a code");
        assert_eq!(post("oui"), json!(["oui", "fr"]));
    }
}

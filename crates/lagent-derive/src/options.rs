//! What is in the parentheses of `#[tool(..)]` and `#[toolkit(..)]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Attribute, Error, LitStr, Meta, Result};

/// The options of one attribute.
#[derive(Default)]
pub(crate) struct Options {
    /// Name that the model reads; `None` for that of the item.
    pub(crate) name: Option<String>,
}

impl Options {
    /// Reads the tokens in the parentheses.
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| options.set(&meta)).parse2(tokens)?;
        Ok(options)
    }

    /// Reads an attribute inside of an item.
    pub(crate) fn of(attribute: &Attribute) -> Result<Self> {
        match &attribute.meta {
            Meta::Path(_) => Ok(Self::default()),
            Meta::List(list) => Self::parse(list.tokens.clone()),
            Meta::NameValue(found) => {
                Err(Error::new_spanned(found, "expected `tool` or `tool(name = \"..\")`"))
            }
        }
    }

    fn set(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if !meta.path.is_ident("name") {
            return Err(meta.error("found an unknown option, expected `name = \"..\"`"));
        }
        let name: LitStr = meta.value()?.parse()?;
        let text = name.value();
        let is_allowed = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
        if text.is_empty() || !text.chars().all(is_allowed) {
            let message = format!("name: found {text:?}, expected letters, digits, `_`, `-` and `.`");
            return Err(Error::new(name.span(), message));
        }
        if self.name.replace(text).is_some() {
            return Err(meta.error("name: found twice, expected one name"));
        }
        Ok(())
    }
}

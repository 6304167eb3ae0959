//! `#[tool]` on a function outside of an `impl` block.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Error, ItemFn, Result};

use crate::action::Tool;
use crate::function::{Function, plain};
use crate::options::Options;

/// The function as it was, its type, and the implementation for it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options)?;
    let mut item: ItemFn = syn::parse2(item)?;
    if let Some(receiver) = item.sig.receiver() {
        let message = format!(
            "`{}`: found `self`, expected a function without it; methods need `#[toolkit]` on their `impl`",
            item.sig.ident
        );
        return Err(Error::new_spanned(receiver, message));
    }
    let function = Function::read(&item.attrs, &mut item.sig, options)?;
    let action = type_name(&function.ident)?;
    let callee = function.ident.to_token_stream();
    let name = function.name.clone();
    let tool = Tool { function: &function, name, action: &action, callee, receiver: None };
    let implementation = tool.implementation();
    let Function { description, conditions, .. } = &function;
    let visibility = &item.vis;
    Ok(quote_spanned! {Span::mixed_site()=>
        #item

        #(#conditions)*
        #[doc = #description]
        #[derive(
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::fmt::Debug,
            ::core::default::Default,
        )]
        #visibility struct #action;

        #implementation
    })
}

/// The function's name in upper camel case, at the function's place.
fn type_name(ident: &Ident) -> Result<Ident> {
    let name = plain(ident);
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    let mut action: Ident = syn::parse_str(&words.collect::<String>()).map_err(|_| {
        let message = format!("`{ident}`: expected a name with letters, from which the tool's type is named");
        Error::new_spanned(ident, message)
    })?;
    action.set_span(ident.span());
    Ok(action)
}

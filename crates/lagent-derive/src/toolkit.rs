//! `#[toolkit]` on an `impl` block.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Attribute, Error, ImplItem, ImplItemFn, ItemImpl, Receiver, Result, Type};

use crate::action::Tool;
use crate::function::{Function, plain};
use crate::options::Options;

/// The block as it was, and a type with its implementation for each of its tools.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options)?;
    let mut block: ItemImpl = syn::parse2(item)?;
    let toolkit = type_name(&block)?;
    let name = options.name.unwrap_or_else(|| plain(&toolkit));
    let mut names = BTreeSet::new();
    let (mut types, mut pushes) = (Vec::new(), Vec::new());
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(options) = options_of(method)? else { continue };
        let receiver = receiver(method)?;
        let function = Function::read(&method.attrs, &mut method.sig, options)?;
        if !names.insert(function.name.clone()) {
            let message = format!("`{}`: found two tools of this name, expected one", function.name);
            return Err(Error::new_spanned(&function.ident, message));
        }
        let (kind, ident) = (&block.self_ty, &function.ident);
        let callee = quote_spanned!(Span::mixed_site()=> <#kind>::#ident);
        let action = format_ident!("__Tool{}", types.len());
        let name = format!("{name}.{}", function.name);
        let tool = Tool { function: &function, name, action: &action, callee, receiver };
        types.push(tool_type(&tool, kind));
        pushes.push(push(&tool));
    }
    if types.is_empty() {
        let message = format!("`{toolkit}`: found no method with `#[tool]`, expected at least one");
        return Err(Error::new_spanned(&toolkit, message));
    }
    let kind = &block.self_ty;
    Ok(quote_spanned! {Span::mixed_site()=>
        #block

        const _: () = {
            #(#types)*

            impl #kind {
                /// Returns the tools of this toolkit, which share it.
                #[must_use]
                pub fn into_tools(self) -> ::std::vec::Vec<::std::sync::Arc<dyn ::lagent::action::Action>> {
                    let kit = ::std::sync::Arc::new(self);
                    let mut tools: ::std::vec::Vec<::std::sync::Arc<dyn ::lagent::action::Action>> =
                        ::std::vec::Vec::new();
                    #(#pushes)*
                    tools
                }
            }
        };
    })
}

/// The name of the type; refuses blocks whose methods cannot be tools.
fn type_name(block: &ItemImpl) -> Result<Ident> {
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(path, "found a trait, expected an `impl` block of a type"));
    }
    if !block.generics.params.is_empty() {
        let message = "found generic parameters, expected an `impl` block of one type";
        return Err(Error::new_spanned(&block.generics, message));
    }
    let segment = match &*block.self_ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let expected = || Error::new_spanned(&block.self_ty, "expected the name of a type");
    segment.map(|segment| segment.ident.clone()).ok_or_else(expected)
}

/// Takes `#[tool]` away from a method and returns its options; `None` if the method is not a tool.
fn options_of(method: &mut ImplItemFn) -> Result<Option<Options>> {
    let is_tool = |attribute: &Attribute| {
        attribute.path().segments.last().is_some_and(|segment| segment.ident == "tool")
    };
    let Some(place) = method.attrs.iter().position(is_tool) else { return Ok(None) };
    Options::of(&method.attrs.remove(place)).map(Some)
}

/// The first value of a call: the toolkit, or nothing for a function without `self`.
fn receiver(method: &ImplItemFn) -> Result<Option<TokenStream>> {
    match method.sig.receiver() {
        None => Ok(None),
        Some(Receiver { reference: Some(_), mutability: None, colon_token: None, .. }) => {
            Ok(Some(quote_spanned!(Span::mixed_site()=> &self.0)))
        }
        Some(found) => {
            let message = format!(
                "`{}`: found `{}`, expected `&self`, because calls may run at the same time",
                method.sig.ident,
                found.to_token_stream()
            );
            Err(Error::new_spanned(found, message))
        }
    }
}

/// The type of one tool, which holds the toolkit, and its implementation.
fn tool_type(tool: &Tool<'_>, kind: &Type) -> TokenStream {
    let Tool { function: Function { conditions, .. }, action, .. } = tool;
    let implementation = tool.implementation();
    quote_spanned! {Span::mixed_site()=>
        #(#conditions)*
        struct #action(::std::sync::Arc<#kind>);

        #implementation
    }
}

/// The statement that adds one tool to the list.
fn push(tool: &Tool<'_>) -> TokenStream {
    let Tool { function: Function { conditions, .. }, action, .. } = tool;
    quote_spanned! {Span::mixed_site()=>
        #(#conditions)*
        tools.push(::std::sync::Arc::new(#action(::std::sync::Arc::clone(&kit))));
    }
}

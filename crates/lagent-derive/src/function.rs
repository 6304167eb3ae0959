//! What is read from the signature of a function that becomes a tool.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Ident, Result, Signature};

use crate::argument::Argument;
use crate::docs;
use crate::options::Options;

/// A function that becomes a tool.
pub(crate) struct Function {
    /// Name that the model reads, without that of the toolkit.
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) ident: Ident,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) flow: Flow,
    /// Place of the returned type, where the compiler reports that it cannot become a result.
    pub(crate) output: Span,
    /// The `#[cfg(..)]` of the function, which hold for its tool too.
    pub(crate) conditions: Vec<Attribute>,
}

/// Whether the function returns its value or a future of it.
#[derive(Clone, Copy)]
pub(crate) enum Flow {
    Plain,
    Async,
}

impl Function {
    /// Reads a function. The attributes of its parameters are taken away.
    pub(crate) fn read(
        attributes: &[Attribute],
        signature: &mut Signature,
        options: Options,
    ) -> Result<Self> {
        check(signature)?;
        let ident = signature.ident.clone();
        let description = docs::text(attributes);
        if description.is_empty() {
            let message =
                format!("`{ident}`: expected a doc comment that tells the model when to call the tool");
            return Err(Error::new_spanned(&ident, message));
        }
        let parameters = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(Argument::take(parameter)),
            FnArg::Receiver(_) => None,
        });
        let arguments = all(parameters)?;
        let is_condition = |attribute: &&Attribute| attribute.path().is_ident("cfg");
        Ok(Self {
            name: options.name.unwrap_or_else(|| plain(&ident)),
            description,
            arguments,
            flow: if signature.asyncness.is_some() { Flow::Async } else { Flow::Plain },
            output: signature.output.span(),
            conditions: attributes.iter().filter(is_condition).cloned().collect(),
            ident,
        })
    }
}

/// A name without the mark of names that are keywords.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// Refuses what a call cannot decide.
fn check(signature: &Signature) -> Result<()> {
    let Signature { generics, unsafety, abi, .. } = signature;
    let (tokens, found) = if !generics.params.is_empty() {
        (generics.to_token_stream(), "generic parameters")
    } else if let Some(clause) = &generics.where_clause {
        (clause.to_token_stream(), "a `where` clause")
    } else if let Some(word) = unsafety {
        (word.to_token_stream(), "`unsafe`")
    } else if let Some(abi) = abi {
        (abi.to_token_stream(), "`extern`")
    } else {
        return Ok(());
    };
    let message = format!("`{}`: found {found}, expected an ordinary function", signature.ident);
    Err(Error::new_spanned(tokens, message))
}

/// All arguments, or all errors as one.
fn all(results: impl Iterator<Item = Result<Argument>>) -> Result<Vec<Argument>> {
    let mut arguments = Vec::new();
    let mut problems: Option<Error> = None;
    for result in results {
        match result {
            Ok(argument) => arguments.push(argument),
            Err(problem) => match &mut problems {
                Some(problems) => problems.combine(problem),
                None => problems = Some(problem),
            },
        }
    }
    problems.map_or(Ok(arguments), Err)
}

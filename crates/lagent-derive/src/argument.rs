//! One parameter of a function: an argument that the model gives, or the context of the call.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit::Visit;
use syn::{
    Attribute, Error, Ident, Lifetime, Pat, PatIdent, PatType, Result, Type, TypeImplTrait, TypeReference,
};

use crate::docs;

/// The last part of `lagent::action::CallContext`.
const CONTEXT: &str = "CallContext";
/// Attributes that work on arguments as on the fields of a struct.
const ATTRIBUTES: [&str; 3] = ["doc", "schemars", "serde"];

/// Where the value of a parameter comes from.
pub(crate) enum Argument {
    /// The model gives it.
    Given(Box<Given>),
    /// Whoever makes the call gives it: session and deadline.
    Context,
}

/// An argument that the model gives: a field of the struct that a call is read into.
pub(crate) struct Given {
    pub(crate) name: Ident,
    kind: Type,
    attributes: Vec<Attribute>,
    description: String,
}

impl Argument {
    /// Reads a parameter and takes its attributes away, which are allowed only where macros read them.
    pub(crate) fn take(parameter: &mut PatType) -> Result<Self> {
        let attributes = std::mem::take(&mut parameter.attrs);
        let Pat::Ident(PatIdent { by_ref: None, ident, subpat: None, .. }) = &*parameter.pat else {
            let found = parameter.pat.to_token_stream();
            let message = format!("`{found}`: found a pattern, expected the name of an argument");
            return Err(Error::new_spanned(&parameter.pat, message));
        };
        if is_context(&parameter.ty) {
            return Ok(Self::Context);
        }
        let is_known = |attribute: &&Attribute| ATTRIBUTES.iter().any(|name| attribute.path().is_ident(name));
        if let Some(found) = attributes.iter().find(|attribute| !is_known(attribute)) {
            let name = found.path().to_token_stream();
            let message = format!(
                "`{ident}`: found `#[{name}]`, expected a doc comment, `#[serde(..)]` or `#[schemars(..)]`"
            );
            return Err(Error::new_spanned(found, message));
        }
        let mut unreadable = Unreadable::default();
        unreadable.visit_type(&parameter.ty);
        if let Some(found) = unreadable.found {
            let message =
                format!("`{ident}`: found {found}, expected a type such as `String` that owns its value");
            return Err(Error::new_spanned(&parameter.ty, message));
        }
        let description = docs::text(&attributes);
        let is_kept = |attribute: &Attribute| !attribute.path().is_ident("doc");
        let attributes = attributes.into_iter().filter(is_kept).collect();
        let kind = Type::clone(&parameter.ty);
        Ok(Self::Given(Box::new(Given { name: ident.clone(), kind, attributes, description })))
    }

    /// The field that the argument is read into.
    pub(crate) fn field(&self) -> Option<TokenStream> {
        let Self::Given(given) = self else { return None };
        let Given { name, kind, attributes, description } = &**given;
        let description = (!description.is_empty()).then(|| quote!(#[doc = #description]));
        Some(quote!(#description #(#attributes)* #name: #kind))
    }
}

/// Is it a reference to the context of a call?
fn is_context(kind: &Type) -> bool {
    let Type::Reference(TypeReference { mutability: None, elem, .. }) = kind else { return false };
    let Type::Path(path) = &**elem else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == CONTEXT)
}

/// Finds what a type that is read from JSON cannot contain.
#[derive(Default)]
struct Unreadable {
    found: Option<&'static str>,
}

impl<'ast> Visit<'ast> for Unreadable {
    fn visit_type_reference(&mut self, _: &'ast TypeReference) {
        self.found = Some("a reference");
    }

    fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
        self.found = Some("`impl Trait`");
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found = Some("a lifetime");
        }
    }
}

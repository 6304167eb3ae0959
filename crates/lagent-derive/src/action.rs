//! The code of one tool: the struct that a call is read into, and the implementation of `lagent::action::Action`.
//!
//! All names that the code introduces are those of the macro (`Span::mixed_site`), so an argument may have any name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use crate::argument::Argument;
use crate::function::{Flow, Function};

/// A tool whose code is written.
pub(crate) struct Tool<'a> {
    pub(crate) function: &'a Function,
    /// Name that the model reads, with that of the toolkit.
    pub(crate) name: String,
    /// The type that becomes an action.
    pub(crate) action: &'a Ident,
    /// The path of the function.
    pub(crate) callee: TokenStream,
    /// The first value of a call, for methods.
    pub(crate) receiver: Option<TokenStream>,
}

impl Tool<'_> {
    /// The implementation, in a block of its own.
    pub(crate) fn implementation(&self) -> TokenStream {
        let Self { function: Function { description, arguments, conditions, .. }, name, action, .. } = self;
        let fields = arguments.iter().filter_map(Argument::field);
        let outcome = self.outcome();
        quote_spanned! {Span::mixed_site()=>
            #(#conditions)*
            const _: () = {
                #[derive(::lagent::macros::serde::Deserialize, ::lagent::macros::schemars::JsonSchema)]
                #[serde(crate = "::lagent::macros::serde")]
                #[schemars(crate = "::lagent::macros::schemars")]
                struct __ToolArguments {
                    #(#fields,)*
                }

                #[automatically_derived]
                impl ::lagent::action::Action for #action {
                    fn spec(&self) -> ::lagent::action::ToolSpec {
                        ::lagent::macros::spec::<__ToolArguments>(#name, #description)
                    }

                    fn call(&self, arguments: &::lagent::macros::Value) -> ::lagent::action::ActionReturn {
                        let context = <::lagent::action::CallContext<'_> as ::core::default::Default>::default();
                        ::lagent::action::Action::call_in(self, &context, arguments)
                    }

                    // There are functions without arguments, and most do not ask for the context.
                    #[allow(unused_variables)]
                    fn call_in(
                        &self,
                        context: &::lagent::action::CallContext<'_>,
                        arguments: &::lagent::macros::Value,
                    ) -> ::lagent::action::ActionReturn {
                        let spec = ::lagent::action::Action::spec(self);
                        ::lagent::macros::call(&spec, arguments, |given: __ToolArguments| #outcome)
                    }
                }
            };
        }
    }

    /// Calls the function with what was given, and turns what it returns into an outcome.
    fn outcome(&self) -> TokenStream {
        let site = Span::mixed_site();
        let arguments = self.function.arguments.iter().map(|argument| match argument {
            Argument::Given(given) => {
                let name = &given.name;
                quote_spanned!(site=> given.#name)
            }
            Argument::Context => quote_spanned!(site=> context),
        });
        let values = self.receiver.iter().cloned().chain(arguments);
        let callee = &self.callee;
        let returned = quote_spanned!(site=> #callee(#(#values),*));
        match self.function.flow {
            Flow::Plain => self.converted(&returned),
            Flow::Async => {
                let outcome = self.converted(&quote_spanned!(site=> #returned.await));
                quote_spanned! {site=>
                    ::lagent::macros::wait(context, move || async move #outcome)
                }
            }
        }
    }

    /// Turns a returned value into an outcome; its type decides how.
    fn converted(&self, returned: &TokenStream) -> TokenStream {
        let site = Span::mixed_site();
        let place = site.located_at(self.function.output);
        let [split, kind] = ["lagent_split", "lagent_kind"].map(|name| Ident::new(name, place));
        quote_spanned! {site=> {
            // The type of the value decides which of them are used.
            #[allow(unused_imports)]
            use ::lagent::macros::{DisplayKind as _, JsonKind as _, OwnKind as _};
            #[allow(unused_imports)]
            use ::lagent::macros::{PlainSplit as _, ResultSplit as _};
            let value = #returned;
            match (&&::lagent::macros::Probe::of(&value)).#split().apply(value) {
                ::core::result::Result::Ok(value) => {
                    (&&&::lagent::macros::Probe::of(&value)).#kind().apply(value)
                }
                ::core::result::Result::Err(message) => ::lagent::macros::Outcome::Failed(message),
            }
        }}
    }
}

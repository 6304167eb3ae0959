//! The attributes `#[tool]` and `#[toolkit]`, which turn Rust functions into tools that an agent can call.
//!
//! Use them through `lagent`, which re-exports them: the code that they write names `::lagent`.
//!
//! | file | takes -> gives |
//! |---|---|
//! | `options` | what is in the parentheses of an attribute -> the name that it sets |
//! | `docs` | doc comments -> the description that the model reads |
//! | `argument` | one parameter -> a field of the struct that a call is read into |
//! | `function` | a signature -> everything that a tool needs to know of it |
//! | `action` | a function -> the code of `lagent::action::Action` |
//! | `free`, `toolkit` | what has the attribute -> all of its code |

mod action;
mod argument;
mod docs;
mod free;
mod function;
mod options;
mod toolkit;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Turns a function into a tool: a type that implements `lagent::action::Action`.
///
/// The type has the function's name in upper camel case, so `fn search_web` gives `SearchWeb`, and the function stays as
/// it is. The model reads the function's name; `#[tool(name = "SearchWeb")]` sets another one. Where the name of the type is
/// taken, give the function another name and set the old one with `name`.
///
/// - **Description**: the doc comment of the function up to its first heading. It must exist.
/// - **Arguments**: every parameter is an argument with the same name. Its doc comment is its description, its type gives
///   the JSON Schema and must implement `serde::Deserialize` and `schemars::JsonSchema`. An `Option` may be absent.
///   `#[serde(..)]` and `#[schemars(..)]` work as on the field of a struct, for instance `#[serde(default = "ten")]`,
///   `#[serde(rename = "type")]` and `#[schemars(range(min = 1, max = 10))]`. A call whose arguments do not fit is answered
///   with an error that names the argument, and the function does not run.
/// - **Context**: a parameter of type `&CallContext<'_>` is not an argument; it receives session and deadline of the call.
/// - **Result**: a `lagent::action::ActionReturn` is returned as it is, `ResultItem`s become its parts, nothing (`()`) has
///   no parts, what implements `Display` becomes its text, and everything else must implement `serde::Serialize` and
///   becomes JSON. A `Result` of any of these is a failure when it is an error, whose `Display` the model reads.
/// - **`async`**: the future runs on a thread of its own with a tokio runtime, and is dropped at the deadline of the call.
///
/// A function that panics is answered with an error, too.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    written(free::expand(options.into(), item.into()))
}

/// Turns the methods of an `impl` block that have `#[tool]` into tools named `Toolkit.method`, which share one value.
///
/// The block gains a method `into_tools(self) -> Vec<Arc<dyn Action>>`. The toolkit has the name of the type;
/// `#[toolkit(name = "Weather")]` sets another one. Methods take `&self` or nothing, because calls may run at the same
/// time; what they change is in a lock. Everything else is as for `#[tool]`, and methods without it stay as they are.
#[proc_macro_attribute]
pub fn toolkit(options: TokenStream, item: TokenStream) -> TokenStream {
    written(toolkit::expand(options.into(), item.into()))
}

/// The code, or the errors for the compiler to show.
fn written(code: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    code.unwrap_or_else(syn::Error::into_compile_error).into()
}

//! Chat templates by name: what `--chat-template` takes instead of the model's own.
//!
//! The templates of LMDeploy and llama.cpp are texts in a few forms: `lmdeploy.json` and `llama_cpp.json` have the
//! texts, `*.jinja` the forms.

mod catalog;
mod choice;
mod form;
mod upstream_file;

pub(crate) use choice::TemplateChoice;

#[cfg(test)]
mod tests;

//! `--help` speaks in one mood: every verb begins with what it does for the caller ("Evaluate a model on
//! datasets"). A program with verbs may say what it is.

use std::collections::BTreeMap;

use syn::visit::Visit;
use syn::{Attribute, Ident};

use super::finding::Finding;
use crate::rust::{Place, RustFile, derives, doc_text};

/// Verbs in their base form that a help text may begin with.
const VERBS: &str = "\
    accept add answer apply ask benchmark build calculate call chat check clean collect compare \
    complete compress compute continue convert copy count create cut decide decode dedupe deduplicate delete \
    deploy describe detect download draw dump encode estimate evaluate execute explain export extract \
    fetch fill filter find fine-tune fit format generate get give grade identify import index infer \
    inspect install join judge label learn list load look make match measure merge monitor move \
    normalize open pack parse plan play plot post pre-train predict prepare print probe profile prune \
    quantize query rank read rebuild record refresh remove render repair replace replay report resume \
    run sample save scan score search select send serve set show simulate sort split start stop store \
    stream summarize take talk tell test time tokenize trace train translate tune turn type-check \
    unpack update upload use validate verify view walk watch work write";

/// Checks the subcommands of all files: each must have a help text that begins with a verb. clap takes it from
/// the variant, or else from the struct of arguments in it.
pub(super) fn check(files: &[RustFile]) -> Vec<Finding> {
    let mut reader = Reader::default();
    for file in files.iter().filter(|file| file.place() == Place::Source) {
        reader.path.clone_from(&file.path);
        reader.visit_file(&file.tree);
    }
    reader.verbs.iter().filter_map(|verb| problem(verb, &reader.arguments)).collect()
}

/// Something with a help text of its own.
#[derive(Clone, Debug)]
struct Verb {
    path: String,
    line: usize,
    name: String,
    help: String,
    /// The struct of arguments inside of an enum's variant.
    arguments: Option<String>,
}

#[derive(Debug, Default)]
struct Reader {
    path: String,
    verbs: Vec<Verb>,
    /// Structs of arguments by crate and name.
    arguments: BTreeMap<(String, String), Verb>,
}

fn crate_of(path: &str) -> String {
    path.split_once("/src/").map_or(path, |(name, _)| name).to_owned()
}

fn problem(verb: &Verb, arguments: &BTreeMap<(String, String), Verb>) -> Option<Finding> {
    let inner = verb.arguments.as_ref().and_then(|name| arguments.get(&(crate_of(&verb.path), name.clone())));
    let shown = inner.filter(|_| verb.help.trim().is_empty()).unwrap_or(verb);
    let first = shown.help.split_whitespace().next().unwrap_or_default();
    let word = first.trim_end_matches([',', '.', ':', ';']).to_lowercase();
    let message = if word.is_empty() {
        format!("`{}` has no help text, expected one that begins with a verb", verb.name)
    } else if VERBS.split_whitespace().any(|verb| verb == word) {
        return None;
    } else {
        format!("the help text of `{}` begins with \"{first}\", expected a verb in its base form", verb.name)
    };
    Some(Finding { path: shown.path.clone(), line: shown.line, rule: "help mood", message })
}

impl Reader {
    fn verb(&self, attributes: &[Attribute], name: &Ident) -> Verb {
        Verb {
            path: self.path.clone(),
            line: name.span().start().line,
            name: name.to_string(),
            help: about(attributes).unwrap_or_else(|| doc_text(attributes)),
            arguments: None,
        }
    }
}

/// The value of `about = "..."` in `#[command(...)]`, which clap prefers to the doc comment.
fn about(attributes: &[Attribute]) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("command")) {
        // Parsing stops at the first part that is not `name = value`: `about` comes first in this workspace.
        let _ = attribute.parse_nested_meta(|meta| {
            let is_about = meta.path.is_ident("about");
            if let Ok(value) = meta.value() {
                let value: syn::Expr = value.parse()?;
                if let (true, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) =
                    (is_about, value)
                {
                    found = Some(text.value());
                }
            }
            Ok(())
        });
    }
    found
}

/// Is `#[command(WORD)]` among the attributes?
fn has_command_word(attributes: &[Attribute], word: &str) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("command") => {
            list.tokens.to_string().split([',', ' ']).any(|part| part == word)
        }
        _ => false,
    })
}

/// The name of the type in a variant like `Serve(ServeArguments)`.
fn only_field(fields: &syn::Fields) -> Option<String> {
    let syn::Fields::Unnamed(fields) = fields else { return None };
    let syn::Type::Path(path) = &fields.unnamed.first()?.ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let verb = self.verb(&item.attrs, &item.ident);
        if derives(&item.attrs, "Args") {
            self.arguments.insert((crate_of(&self.path), verb.name.clone()), verb.clone());
        }
        let has_verbs = item.fields.iter().any(|field| has_command_word(&field.attrs, "subcommand"));
        if derives(&item.attrs, "Parser") && !has_verbs {
            self.verbs.push(verb);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if !derives(&item.attrs, "Subcommand") && !derives(&item.attrs, "Parser") {
            return;
        }
        for variant in &item.variants {
            let hidden =
                ["flatten", "external_subcommand"].iter().any(|word| has_command_word(&variant.attrs, word));
            if !hidden {
                let arguments = only_field(&variant.fields);
                self.verbs.push(Verb { arguments, ..self.verb(&variant.attrs, &variant.ident) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let file = RustFile::parse("crates/a/src/cli/b.rs", text).expect("parses");
        check(&[file]).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn verbs_are_imperative() {
        assert!(found("#[derive(Subcommand)]\nenum V {\n/// Serve a model.\nServe }").is_empty());
        assert_eq!(found("#[derive(Subcommand)]\nenum V {\n/// Serves a model.\nServe }"), [4]);
        assert_eq!(
            found("#[derive(clap::Subcommand)]\nenum V {\n/// Loss of a model.\nEval,\nBare }"),
            [4, 5]
        );
        assert_eq!(found("#[derive(Parser)]\n/// Tools.\nstruct A;"), [3]);
        assert!(found("#[derive(Parser)]\n/// Tools.\nstruct A { #[command(subcommand)] v: V }").is_empty());
    }

    #[test]
    fn arguments_speak_for_variants_without_words() {
        let verbs = "#[derive(Subcommand)]\nenum V { Run(run::RunArguments) }\n";
        assert!(found(&format!("{verbs}/// Run it.\n#[derive(Args)]\nstruct RunArguments;")).is_empty());
        assert_eq!(found(&format!("{verbs}/// Options of it.\n#[derive(Args)]\nstruct RunArguments;")), [5]);
        assert_eq!(found(verbs), [2]);
    }

    #[test]
    fn about_wins_and_other_types_are_free() {
        assert!(
            found("/// Words.\n#[derive(Parser)]\n#[command(name = \"a\", about = \"Train it\")]\nstruct A;")
                .is_empty()
        );
        assert!(found("/// Options of `a`.\n#[derive(Args)]\nstruct A;\nenum B { C }").is_empty());
        assert!(found("#[derive(Subcommand)]\nenum V {\n#[command(flatten)]\nMore(M) }").is_empty());
    }
}

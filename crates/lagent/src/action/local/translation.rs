//! `Translation`: by apertium's rules for a pair of languages, or by a language model.

use std::path::Path;

use internlm_kit::sandbox::Task;
use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use super::vision::converse;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// Where apertium's packages put their pairs of languages.
const MODES: &str = "/usr/share/apertium/modes";
/// Codes of two letters and the codes of three letters that apertium uses.
const CODES: [(&str, &str); 16] = [
    ("af", "afr"),
    ("ca", "cat"),
    ("de", "deu"),
    ("en", "eng"),
    ("eo", "epo"),
    ("es", "spa"),
    ("eu", "eus"),
    ("fr", "fra"),
    ("gl", "glg"),
    ("is", "isl"),
    ("it", "ita"),
    ("nl", "nld"),
    ("oc", "oci"),
    ("pt", "por"),
    ("ro", "ron"),
    ("sv", "swe"),
];

pub(super) const TRANSLATION: Definition = Definition {
    name: "Translation",
    group: "language",
    description: "Translates a text into another language.",
    parameters: &[
        text("text", "The text."),
        text("target", "Language of the translation as a code such as en or es."),
        optional(
            "source",
            Kind::Text,
            "Language of the text. Default: auto, which only a language model can find out.",
        ),
    ],
    means: Means::ServiceOrPrograms(&[Program::named("apertium")]),
    needs: "apertium with a pair such as apertium-eng-spa, or a language model",
    consent: Consent::NotNeeded,
    run: translate,
};

fn translate(call: &Call<'_>) -> Made {
    let (text, target) = (call.text("text")?, call.text("target")?);
    let source = call.optional_text("source")?.unwrap_or("auto");
    if call.api().is_some() {
        let from = if source == "auto" { String::new() } else { format!(" from the language `{source}`") };
        let request = format!(
            "Translate the text below{from} into the language `{target}`. Write the translation and nothing else.\n\n{text}"
        );
        return Ok(vec![ResultItem::text(converse(call, Value::from(request))?)]);
    }
    let mode = mode(source, target)?;
    let task = Task::new("apertium").args(["-u", &mode]).stdin(text);
    Ok(vec![ResultItem::text(call.run("apertium", &task)?.stdout.trim_end())])
}

/// The name of the installed pair.
fn mode(source: &str, target: &str) -> Result<String, Failure> {
    for (name, code) in [("source", source), ("target", target)] {
        let is_code = (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_code {
            let expected = "expected a code of two or three letters such as en";
            return Err(Failure::arguments(format!("{name}: found `{code}`, {expected}")));
        }
    }
    let long = |code: &str| {
        CODES.iter().find(|(short, _)| *short == code).map_or(code, |(_, long)| *long).to_owned()
    };
    let (from, to) = (long(source), long(target));
    let names = [format!("{from}-{to}"), format!("{source}-{target}")];
    let installed = names.iter().find(|name| Path::new(MODES).join(format!("{name}.mode")).exists());
    installed.cloned().ok_or_else(|| {
        let pair = if from <= to { format!("{from}-{to}") } else { format!("{to}-{from}") };
        let endpoint = "an endpoint services.Translation";
        Failure::tool(format!("unavailable: needs apertium-{pair} or {endpoint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_is_missing_is_named_by_its_package() {
        let failure = mode("fr", "zz").expect_err("there is no such language");
        assert_eq!(failure.message, "unavailable: needs apertium-fra-zz or an endpoint services.Translation");
        let failure = mode("auto", "en").expect_err("cannot be found out");
        assert!(failure.message.starts_with("source: found `auto`"));
        assert!(mode("../x", "en").is_err());
    }
}

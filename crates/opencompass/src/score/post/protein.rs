//! Sequences and texts of the biological sets of SciReasoner: proteins, RNA and Mol-Instructions.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::strip;
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text("UPG_postprocess", &[], generated),
    PostEntry::text("RNA_postprocessor", &[], rna),
    PostEntry::text("Mol_Instructions_postprocess_Protein", &[], protein_text),
    PostEntry::text("Mol_Instructions_postprocess_Protein_Design", &[], designed),
    PostEntry::configured("Mol_Instructions_postprocess_BioText", &[], bio_text),
    PostEntry::configured("opi_postprocess", &[], opi),
];

/// The letters of the twenty amino acids.
const AMINO_ACIDS: &str = "ACDEFGHIKLMNPQRSTVWY";
/// Tasks of Mol-Instructions whose answers have introductions.
const TEXT_TASKS: [&str; 6] = [
    "chemical_disease_interaction_extraction",
    "chemical_protein_interaction_extraction",
    "chemical_entity_recognition",
    "true_or_false_question",
    "multi_choice_question",
    "open_question",
];

static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<think>.*?</think>"));
static OPEN_THOUGHTS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s).*?</think>\s*"));
static PROTEIN: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<protein>(.*?)</protein>"));
static PROTEIN_IN_LINE: LazyLock<Regex> = LazyLock::new(|| built_in(r"<protein>(.*?)</protein>"));
static RNA: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?is)<rna>(.*?)</rna>"));
static OPEN_RNA: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?is)^(.*?)</rna>"));
static BASES: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)[ACGU]+"));
static RESPONSE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)^(?:Response:|Answer:)\s*"));
static I_WOULD_SAY: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?i)^(?:I would say that|I would like to say that)\s*"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    /// Name of the task.
    task: String,
}

/// Removes the marks that end a turn.
pub(super) fn without_ends(text: &str) -> String {
    text.replace("<|endoftext|>", "").replace("<|im_end|>", "")
}

/// Removes thoughts, also those that a template has opened.
pub(super) fn without_thoughts(text: &str) -> String {
    let text = THOUGHTS.replace_all(text, "");
    OPEN_THOUGHTS.replace_all(&text, "").into_owned()
}

/// The amino acids of the last protein, with gaps.
fn generated(text: &str) -> String {
    let Some(found) = PROTEIN.captures_iter(text).last() else { return String::new() };
    found[1].to_uppercase().chars().filter(|letter| AMINO_ACIDS.contains(*letter) || *letter == '-').collect()
}

/// The amino acids of the first protein that is in one line.
fn designed(text: &str) -> String {
    let text = without_thoughts(strip(text));
    let Some(found) = PROTEIN_IN_LINE.captures(&text) else { return String::new() };
    found[1].chars().filter(|letter| AMINO_ACIDS.contains(*letter)).collect()
}

/// The first RNA, with U for T, or the last bases in front of a closing tag.
fn rna(text: &str) -> String {
    let text = text.replace('T', "U").replace('t', "u");
    if let Some(found) = RNA.captures(&text) {
        return strip(&found[1]).to_owned();
    }
    let Some(found) = OPEN_RNA.captures(&text) else { return String::new() };
    BASES.find_iter(&found[1]).last().map(|bases| bases.as_str().to_uppercase()).unwrap_or_default()
}

fn protein_text(text: &str) -> String {
    strip(&without_thoughts(&without_ends(strip(text)))).to_owned()
}

/// The answer without introductions, for tasks whose answers have them.
fn bio_text(named: &Named, _: Reading) -> Result<Apply> {
    let Task { task } = named.arguments()?;
    let has_introduction = TEXT_TASKS.contains(&task.as_str());
    Ok(Box::new(move |text| {
        let text = strip(text);
        if !has_introduction {
            return text.into();
        }
        let text = without_ends(text);
        let text = without_thoughts(&RESPONSE.replace(&text, ""));
        strip(&I_WOULD_SAY.replace(&text, "")).into()
    }))
}

/// The text without marks, the same for every task.
fn opi(named: &Named, _: Reading) -> Result<Apply> {
    let Task { task: _ } = named.arguments()?;
    Ok(Box::new(|text| without_ends(strip(text)).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_taken_from_their_tags() {
        assert_eq!(generated("<protein>A</protein><protein> mk;v -X1 </protein>"), "MKV-");
        assert_eq!(designed("<think>a</think><protein>MKb V</protein>"), "MKV");
        assert_eq!(designed("<protein>M\nK</protein>"), "");
        assert_eq!(rna("<RNA> ACGT </RNA>"), "ACGU");
        assert_eq!(rna("so x acgt</rna>"), "ACGU");
        assert_eq!(protein_text(" so</think> It is.<|im_end|> "), "It is.");
        let named = Named::new("Mol_Instructions_postprocess_BioText").with("task", "open_question");
        let post = bio_text(&named, Reading::Compat).expect("a task");
        assert_eq!(post("Answer: I would say that it is"), "it is");
    }
}

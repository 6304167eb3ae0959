//! Post-processors of upstream's `utils/text_postprocessors.py` that do not look for options or numbers.

use regex::Regex;
use serde::Deserialize;

use super::post_entry::{Apply, PostEntry};
use super::{capital, literal, python, tag, text};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::readings("general", &["general_postprocess"], text::general, text::fixed_general),
    PostEntry::text("first-capital", &["first_capital_postprocess"], capital::first),
    PostEntry::text("last-capital", &["last_capital_postprocess"], capital::last),
    PostEntry::text("first-capital-multi", &["first_capital_postprocess_multi"], capital::first_run),
    PostEntry::text("multiple-select", &["multiple_select_postprocess"], capital::all_sorted),
    PostEntry::text("my_multiple_select_postprocess", &[], capital::all_listed),
    PostEntry::configured("extract-non-reasoning-content", &["extract_non_reasoning_content"], non_reasoning),
    PostEntry::configured("specific-xml-tag", &["xml_tag_postprocessor"], xml_tag),
    PostEntry::configured("match_answer_pattern", &[], answer_pattern).with_fixed(),
    PostEntry::configured("think_pred", &["think_pred_postprocess"], think_pred),
    PostEntry::text("general_eval_wrapper_postprocess", &[], literal::evaluated),
    PostEntry::text("needlebench", &["needlebench_postprocess"], str::to_owned),
    PostEntry::text("needlebench_dataset", &["needlebench_dataset_postprocess"], str::to_owned),
    PostEntry::configured("clbench_pred_postprocess", &[], cut),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thoughts {
    /// What begins thoughts. Default: `<think>`.
    #[serde(default)]
    think_start_token: Option<String>,
    /// What ends thoughts. Default: `</think>`.
    #[serde(default)]
    think_end_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerPattern {
    /// A regular expression whose first group is the answer.
    answer_pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RePattern {
    /// A regular expression whose first group is the answer.
    re_pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    /// The opening tag with its angle brackets.
    tag: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    /// Maximum number of letters. Default: no limit.
    #[serde(default)]
    max_chars: Option<usize>,
}

/// Compiles the pattern of a dataset file.
fn compiled(named: &Named, pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| Error::Value {
        place: named.name().to_owned(),
        found: format!("`{pattern}`"),
        expected: format!("a regular expression ({error})"),
    })
}

fn non_reasoning(named: &Named, _: Reading) -> Result<Apply> {
    let Thoughts { think_start_token, think_end_token } = named.arguments()?;
    let start = think_start_token.unwrap_or_else(|| "<think>".to_owned());
    let end = think_end_token.unwrap_or_else(|| "</think>".to_owned());
    // Upstream puts the marks into the pattern as they are.
    let thoughts = compiled(named, &format!("(?s){start}(.*?){end}"))?;
    Ok(Box::new(move |text| {
        if !text.contains(&start) && text.contains(&end) {
            return python::strip(python::behind_last(text, &end)).into();
        }
        python::strip(&thoughts.replace_all(text, "")).into()
    }))
}

fn xml_tag(named: &Named, _: Reading) -> Result<Apply> {
    let tag = named.arguments::<Tag>()?.tag;
    let pattern = tag::tag_pattern(&tag).ok_or_else(|| Error::Value {
        place: format!("{}.tag", named.name()),
        found: format!("`{tag}`"),
        expected: "one as <answer>".to_owned(),
    })?;
    Ok(Box::new(move |text| tag::last_tag(&pattern, text).into()))
}

/// The first match; in the fixed reading the last one, since models name options before they decide.
fn answer_pattern(named: &Named, reading: Reading) -> Result<Apply> {
    let pattern = compiled(named, &named.arguments::<AnswerPattern>()?.answer_pattern)?;
    Ok(Box::new(move |text| {
        let found = match reading {
            Reading::Compat => pattern.captures(text),
            Reading::Fixed => pattern.captures_iter(text).last(),
        };
        found.and_then(|found| found.get(1)).map(|group| group.as_str()).unwrap_or_default().into()
    }))
}

fn think_pred(named: &Named, _: Reading) -> Result<Apply> {
    let pattern = compiled(named, &named.arguments::<RePattern>()?.re_pattern)?;
    Ok(Box::new(move |text| match pattern.captures(text).and_then(|found| found.get(1)) {
        Some(group) => python::strip(group.as_str()).into(),
        None => text.into(),
    }))
}

fn cut(named: &Named, _: Reading) -> Result<Apply> {
    let limit = named.arguments::<Cut>()?.max_chars.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    Ok(Box::new(move |text| python::rstrip(text).chars().take(limit).collect::<String>().into()))
}

//! Post-processors of one text without arguments, and the two that take a pattern or a tag.

use regex::Regex;
use serde::Deserialize;

use super::post::Apply;
use super::registry::PostEntry;
use super::{capital, reasoning, text};
use crate::dataset::Named;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry {
        name: "general",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, text::general),
    },
    PostEntry {
        name: "first-capital",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, capital::first),
    },
    PostEntry {
        name: "last-capital",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, capital::last),
    },
    PostEntry {
        name: "first-capital-multi",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, capital::first_run),
    },
    PostEntry {
        name: "multiple-select",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, capital::all_sorted),
    },
    PostEntry {
        name: "extract-non-reasoning-content",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, reasoning::strip),
    },
    PostEntry { name: "specific-xml-tag", upstream: &[], has_fixed: false, make: |named, _| xml_tag(named) },
    PostEntry {
        name: "match_answer_pattern",
        upstream: &[],
        has_fixed: false,
        make: |named, _| {
            let pattern = named.arguments::<AnswerPattern>()?.answer_pattern;
            let pattern = compiled(named, &pattern)?;
            Ok(Box::new(move |text| group_one(&pattern, text).unwrap_or_default().into()))
        },
    },
    PostEntry {
        name: "think_pred",
        upstream: &["think_pred_postprocess"],
        has_fixed: false,
        make: |named, _| {
            let pattern = named.arguments::<RePattern>()?.re_pattern;
            let pattern = compiled(named, &pattern)?;
            Ok(Box::new(move |text| match group_one(&pattern, text) {
                Some(found) => found.trim().into(),
                None => text.into(),
            }))
        },
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerPattern {
    answer_pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RePattern {
    re_pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    tag: String,
}

/// A function of one text.
pub(super) fn simple(named: &Named, function: fn(&str) -> String) -> Result<Apply> {
    named.no_arguments()?;
    Ok(Box::new(move |text| function(text).into()))
}

/// Compiles the pattern of a dataset file.
pub(super) fn compiled(named: &Named, pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| Error::Value {
        place: named.name().to_owned(),
        found: format!("`{pattern}`"),
        expected: format!("a regular expression ({error})"),
    })
}

fn xml_tag(named: &Named) -> Result<Apply> {
    let tag = named.arguments::<Tag>()?.tag;
    let pattern = reasoning::tag_pattern(&tag).ok_or_else(|| Error::Value {
        place: format!("{}.tag", named.name()),
        found: format!("`{tag}`"),
        expected: "one as <answer>".to_owned(),
    })?;
    Ok(Box::new(move |text| reasoning::last_tag(&pattern, text).into()))
}

fn group_one(pattern: &Regex, text: &str) -> Option<String> {
    Some(pattern.captures(text)?.get(1)?.as_str().to_owned())
}

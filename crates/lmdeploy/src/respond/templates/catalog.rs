//! The templates that have names: LMDeploy's (release 0.18, `lmdeploy/model.py`) and llama.cpp's
//! (`src/llama-chat.cpp`).
//!
//! Two names are in both, `llama2` and `vicuna`: LMDeploy's count. llama.cpp's `yandex` drops system messages, and some
//! others drop all but the first; here each is written, `yandex`'s as the model's own template does. LMDeploy's
//! `chatglm` drops them as well and refuses them here. Its `deepseek-v32` and `deepseek-v4` are programs instead of
//! texts, and are not here.

use std::sync::LazyLock;

use serde::Deserialize;

use super::form::{Form, Texts};

/// A template with its names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedTemplate {
    pub(super) names: Vec<String>,
    pub(super) form: Form,
    pub(super) texts: Texts,
}

/// LMDeploy's templates.
pub(super) static LMDEPLOY: LazyLock<Vec<NamedTemplate>> =
    LazyLock::new(|| read(include_str!("lmdeploy.json")));
/// llama.cpp's templates.
pub(super) static LLAMA_CPP: LazyLock<Vec<NamedTemplate>> =
    LazyLock::new(|| read(include_str!("llama_cpp.json")));

fn read(table: &str) -> Vec<NamedTemplate> {
    serde_json::from_str(table).expect("the tables are parts of the program")
}

/// The template called `name` in a table.
pub(super) fn find_in(table: &'static [NamedTemplate], name: &str) -> Option<&'static NamedTemplate> {
    table.iter().find(|template| template.names.iter().any(|other| other == name))
}

/// The template called `name`, LMDeploy's before llama.cpp's.
pub(super) fn find(name: &str) -> Option<&'static NamedTemplate> {
    find_in(&LMDEPLOY, name).or_else(|| find_in(&LLAMA_CPP, name))
}

/// The `count` names that are the most like `name`, the closest first.
pub(super) fn nearest(name: &str, count: usize) -> Vec<&'static str> {
    let all = LMDEPLOY.iter().chain(LLAMA_CPP.iter()).flat_map(|template| &template.names);
    let mut names: Vec<(usize, &str)> = all.map(|other| (distance(name, other), other.as_str())).collect();
    names.sort_unstable();
    names.into_iter().take(count).map(|(_, name)| name).collect()
}

/// Levenshtein's distance: the minimum number of characters to insert, delete or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

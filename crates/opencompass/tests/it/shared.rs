//! Recorded outputs of upstream, which are not part of the repository.

use serde_json::Value;

pub(crate) use internlm_kit::testing::shared_data as path;

/// The objects of a shared JSON-lines file; `None` if the shared folder is absent.
pub(crate) fn lines(name: &str) -> Option<Vec<Value>> {
    let path = path(name)?;
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a JSON object per line")).collect())
}

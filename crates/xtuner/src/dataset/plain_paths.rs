//! [`plain_paths`]: the files of sources whose rows are not conversations, such as comparisons.

use std::path::PathBuf;

use super::format::{Compat, Format};
use crate::config::DatasetConfig;
use crate::{Error, Result};

/// The files of all sources. Settings that only readers and weights of conversations have are refused by name; `rows`
/// says in the message what the files hold instead.
///
/// # Errors
/// `format`, `compat`, `repeat` and `weight`, of `[dataset]` or of a source.
pub(crate) fn plain_paths(data: &DatasetConfig, rows: &str) -> Result<Vec<PathBuf>> {
    check("dataset", (data.format, data.compat), rows)?;
    for (index, source) in data.source.iter().enumerate() {
        let place = format!("dataset.source.{index}");
        check(&place, (source.format, source.compat), rows)?;
        let numbers = [("repeat", source.repeat), ("weight", source.weight)];
        if let Some((key, found)) = numbers.into_iter().find(|(_, found)| *found != 1.0) {
            let expected = format!("1: {rows} count once each");
            return Err(Error::mismatch(format!("{place}.{key}"), found.to_string(), expected));
        }
    }
    Ok(data.sources().into_iter().flat_map(|source| source.paths).collect())
}

/// Refuses what picks or changes a reader of conversations.
fn check(place: &str, (format, compat): (Option<Format>, Compat), rows: &str) -> Result<()> {
    if let Some(format) = format {
        let expected = format!("none: the form of {rows} is found out from their keys");
        return Err(Error::mismatch(format!("{place}.format"), format!("`{format}`"), expected));
    }
    if compat != Compat::None {
        let expected = format!("none: readers of {rows} have no peculiarities");
        return Err(Error::mismatch(format!("{place}.compat"), compat.name(), expected));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(data: &DatasetConfig) -> String {
        plain_paths(data, "comparisons").expect_err("refused").to_string()
    }

    fn data(source: &str) -> DatasetConfig {
        let text = format!("paths = ['a.jsonl']\n[[source]]\npaths = ['b.jsonl', 'c.jsonl']\n{source}");
        toml::from_str(&text).expect("keys that exist")
    }

    #[test]
    fn files_of_all_sources_are_taken_in_order() {
        let paths = plain_paths(&data(""), "comparisons").expect("plain sources");
        assert_eq!(paths, ["a.jsonl", "b.jsonl", "c.jsonl"].map(PathBuf::from));
    }

    #[test]
    fn settings_of_conversations_are_refused_by_name() {
        for (source, found) in [
            ("format = 'alpaca'", "dataset.source.0.format: found `alpaca`, expected none: the form of"),
            ("compat = 'xtuner'", "dataset.source.0.compat: found xtuner, expected none"),
            ("repeat = 2.0", "dataset.source.0.repeat: found 2, expected 1: comparisons count once each"),
            ("weight = 0.5", "dataset.source.0.weight: found 0.5"),
        ] {
            let error = refused(&data(source));
            assert!(error.starts_with(found), "{source}: {error}");
        }
        let mut data = data("");
        data.compat = Compat::Xtuner;
        assert!(refused(&data).starts_with("dataset.compat: found xtuner"));
        data.format = Some(Format::OpenAi);
        assert!(refused(&data).starts_with("dataset.format: found `openai`"));
    }
}

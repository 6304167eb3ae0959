//! The data manifest: facts about public evaluation files, by which a user's copies are recognized.
//!
//! It names files and has none of them. Everything here works offline; nothing is downloaded.

use std::sync::LazyLock;

/// One line per file, see its head.
const TABLE: &str = include_str!("../../data-manifest.tsv");

/// A public evaluation file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DataFile {
    /// Path below a data folder, as dataset files name it. A folder ends with a slash.
    pub path: &'static str,
    /// sha256 of the content. For a folder: of the lines `sha256  name`, sorted by name.
    pub sha256: &'static str,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of questions, where it is known.
    pub count: Option<usize>,
    /// License of the content; empty where upstream names none.
    pub license: &'static str,
    /// Repository, version and path of the origin: `owner/name@version:path`.
    pub origin: &'static str,
}

impl DataFile {
    /// Says whether the content is a folder of files.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// Returns all known files, sorted by path without regard to case.
///
/// ```
/// let known = opencompass::dataset::data_files();
/// assert!(known.iter().any(|file| file.path == "gsm8k/test.jsonl" && file.count == Some(1319)));
/// ```
#[must_use]
pub fn data_files() -> &'static [DataFile] {
    static FILES: LazyLock<Vec<DataFile>> =
        LazyLock::new(|| TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(data_file).collect());
    &FILES
}

fn data_file(line: &'static str) -> Option<DataFile> {
    let mut cells = line.split('\t');
    Some(DataFile {
        path: cells.next()?,
        sha256: cells.next()?,
        bytes: cells.next()?.parse().ok()?,
        count: cells.next()?.parse().ok(),
        license: cells.next()?,
        origin: cells.next()?,
    })
}

/// Returns the known file at a path of dataset files; the member of an archive counts as the archive.
pub(super) fn known(name: &str) -> Option<&'static DataFile> {
    let path = name.split('!').next().unwrap_or_default();
    data_files().iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_file() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(data_files().len(), lines);
        let mut paths = std::collections::BTreeSet::new();
        for file in data_files() {
            assert!(file.sha256.len() == 64 && file.bytes > 0 && file.origin.contains('@'), "{file:?}");
            assert!(paths.insert(file.path), "{} twice", file.path);
        }
        assert!(known("mmlu/mmlu.zip!data/test/x.csv").is_some() && known("nowhere").is_none());
    }
}

//! [`ShardFolder`]: a folder of type folders of shards, in InternEvo's order.

use std::path::{Path, PathBuf};

use internlm_kit::file::files_below;

use crate::listing::sorted_entries;
use crate::{Error, Result};

/// A dataset: one folder per type (for instance `en`, `zh`, `code`), each holding `.bin` files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShardFolder {
    types: Vec<ShardType>,
}

/// One type folder. Its place in the sorted listing is the type id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShardType {
    /// Name of the folder, for instance a language.
    pub name: String,
    /// The `.bin` files at any depth below the folder, sorted by path.
    pub files: Vec<PathBuf>,
}

impl ShardFolder {
    /// Lists `dir`: types sorted, files sorted, links followed.
    ///
    /// # Errors
    /// A missing folder, or one without any `TYPE/NAME.bin`.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let mut types = Vec::new();
        for path in sorted_entries(dir)?.into_iter().filter(|path| path.is_dir()) {
            let mut files = files_below(&path)?;
            files.retain(|file| file.extension().is_some_and(|extension| extension == "bin"));
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            types.push(ShardType { name, files });
        }
        if types.iter().all(|kind| kind.files.is_empty()) {
            return Err(Error::Unexpected {
                path: dir.to_path_buf(),
                found: "no shards".to_owned(),
                expected: "type folders with .bin files, such as en/NAME.bin".to_owned(),
            });
        }
        Ok(Self { types })
    }

    /// The types; the index is the type id.
    #[must_use]
    pub fn types(&self) -> &[ShardType] {
        &self.types
    }

    /// All `.bin` files with their type id, in order.
    pub fn files(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.types
            .iter()
            .enumerate()
            .flat_map(|(id, kind)| kind.files.iter().map(move |file| (id, file.as_path())))
    }
}

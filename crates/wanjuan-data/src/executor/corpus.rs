//! [`Corpus`]: the input of a run after the edge has decided where it lies.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::read::{PageList, Selection, list_pages};
use crate::{Error, Result};

/// Where documents come from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub enum Corpus {
    /// Pages in a folder, which are imported first.
    Pages {
        /// The folder.
        root: PathBuf,
        /// Which pages to take.
        select: Vec<Selection>,
        /// Which pages to leave out.
        exclude: Vec<String>,
    },
    /// Archives that exist already.
    Archives(Vec<PathBuf>),
}

/// What a corpus holds now, with a fingerprint that changes when it does.
#[derive(Debug)]
pub(super) enum Listing {
    Pages(PageList),
    Archives(Vec<(PathBuf, u64)>),
}

impl Corpus {
    /// Lists the corpus.
    pub(super) fn list(&self) -> Result<Listing> {
        match self {
            Self::Pages { root, select, exclude } => {
                if !root.is_dir() {
                    return Err(Error::Missing { path: root.clone(), expected: "a folder of pages" });
                }
                Ok(Listing::Pages(list_pages(root, select, exclude)?))
            }
            Self::Archives(files) => {
                let list = |path: &PathBuf| {
                    let metadata = fs::metadata(path).map_err(Error::io(path, "read"))?;
                    Ok((path.clone(), metadata.len()))
                };
                Ok(Listing::Archives(files.iter().map(list).collect::<Result<_>>()?))
            }
        }
    }
}

impl Listing {
    /// Changes when the input changes: names, sizes and times of change.
    pub(super) fn fingerprint(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Pages(list) => {
                text.push_str(&list.root.to_string_lossy());
                for page in &list.pages {
                    text.push_str(&page_line(page));
                }
            }
            Self::Archives(files) => {
                for (path, size) in files {
                    text.push_str(&format!("{} {size} {}\n", path.display(), modified(path)));
                }
            }
        }
        internlm_kit::atomic::sha256(text.as_bytes())
    }
}

/// A page's part of a fingerprint.
pub(super) fn page_line(page: &crate::read::ImportedPage) -> String {
    format!("{} {} {}\n", page.path, page.size, page.modified)
}

fn modified(path: &Path) -> u128 {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let modified = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    modified.map_or(0, |time| time.as_nanos())
}

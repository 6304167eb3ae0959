//! [`Corpus`]: the input of a run, once it is known where the input is.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;

use crate::read::{PageList, Selection, WarcReader, list_pages};
use crate::{Error, Result};

/// Where documents come from.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Corpus {
    /// Pages in a folder, which are imported first.
    Pages {
        /// Folder below which the paths of pages are relative.
        root: PathBuf,
        /// Which pages to take; empty for all `.html`, `.htm`, `.md` and `.txt` files.
        select: Vec<Selection>,
        /// Globs of pages and folders to leave out.
        exclude: Vec<String>,
    },
    /// WARC or ARC archives, read in this order.
    Archives(Vec<PathBuf>),
}

/// What a corpus holds now, with a fingerprint that changes when it does.
#[derive(Debug)]
pub(super) enum Listing {
    Pages(PageList),
    Archives(Vec<(PathBuf, u64)>),
}

impl Corpus {
    /// All pages below `root`.
    #[must_use]
    pub fn pages(root: impl Into<PathBuf>) -> Self {
        Self::Pages { root: root.into(), select: Vec::new(), exclude: Vec::new() }
    }

    /// The archives `files`, read in the given order.
    #[must_use]
    pub fn archives(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self::Archives(files.into_iter().map(Into::into).collect())
    }

    /// Lists what is there now.
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
                    let metadata = fs::metadata(path).at(path, "read")?;
                    Ok((path.clone(), metadata.len()))
                };
                Ok(Listing::Archives(files.iter().map(list).collect::<Result<_>>()?))
            }
        }
    }
}

impl Listing {
    /// Files that were looked at, pages or archives.
    pub(super) fn files_seen(&self) -> u64 {
        match self {
            Self::Pages(list) => list.files_seen,
            Self::Archives(files) => files.len() as u64,
        }
    }

    /// What is wrong with the first file, when none of the files is an archive.
    pub(super) fn no_archive(&self) -> Option<Error> {
        let Self::Archives(files) = self else { return None };
        let mut errors = files.iter().map(|(path, _)| WarcReader::open(path).err());
        let first = errors.next()??;
        errors.all(|error| error.is_some()).then_some(first)
    }

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
        internlm_kit::hash::sha256(text)
    }
}

/// One page in a fingerprint.
pub(super) fn page_line(page: &crate::read::ImportedPage) -> String {
    format!("{} {} {}\n", page.path, page.size, page.modified)
}

fn modified(path: &Path) -> u128 {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let modified = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    modified.map_or(0, |time| time.as_nanos())
}

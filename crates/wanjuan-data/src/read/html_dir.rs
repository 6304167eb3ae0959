//! Turns a folder of pages into WARC archives: sorted paths and a fixed date, so that the bytes are reproducible.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, AtomicFile};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::pattern::Pattern;
use super::warc_writer::{WarcHeaders, WarcWriter};
use crate::{Error, Result};

/// Which pages to take: those that match a pattern and that no earlier selection took.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Selection {
    /// Glob over the path below the folder, for instance `book/**/*.html`.
    pub include: String,
    /// Maximum number of pages, chosen by the hash of their path so that the sample is spread out. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pages: Option<usize>,
}

/// One page on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ImportedPage {
    /// Path below the folder, separated by `/`.
    pub(crate) path: String,
    /// Size of the file in bytes.
    pub(crate) size: u64,
    /// Time of the last change in nanoseconds since the epoch, for noticing changes.
    pub(crate) modified: u128,
}

/// The pages of a folder, sorted by path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PageList {
    /// Folder below which the paths are relative.
    pub(crate) root: PathBuf,
    /// The selected pages, sorted by path.
    pub(crate) pages: Vec<ImportedPage>,
    /// Files that were looked at.
    pub(crate) files_seen: u64,
}

/// Lists the pages below `root` that `select` takes and `exclude` does not; no selection means every
/// `.html`, `.htm`, `.md` and `.txt` file.
pub(crate) fn list_pages(root: &Path, select: &[Selection], exclude: &[String]) -> Result<PageList> {
    let exclude: Vec<Pattern> = exclude.iter().map(|text| Pattern::new(text)).collect();
    let excluded = |path: &str| exclude.iter().any(|pattern| pattern.matches(path));
    let files = walk(root, &excluded)?;
    let files_seen = files.len() as u64;
    let everything: Vec<Selection> = ["html", "htm", "md", "txt"]
        .map(|extension| Selection { include: format!("**/*.{extension}"), max_pages: None })
        .to_vec();
    let mut chosen = BTreeSet::new();
    for selection in if select.is_empty() { &everything } else { select } {
        let pattern = Pattern::new(&selection.include);
        let mut matching: Vec<&String> =
            files.iter().filter(|path| !chosen.contains(*path) && pattern.matches(path)).collect();
        if let Some(limit) = selection.max_pages.filter(|limit| *limit < matching.len()) {
            matching.sort_by_key(|path| (xxh3_64(path.as_bytes()), path.as_str()));
            matching.truncate(limit);
        }
        chosen.extend(matching.into_iter().cloned());
    }
    if chosen.is_empty() {
        return Err(Error::Unexpected {
            path: root.to_path_buf(),
            found: format!("{files_seen} files and no selected page"),
            expected: "at least one page that matches a selection".to_owned(),
        });
    }
    let pages = chosen.into_iter().map(|path| page(root, path)).collect::<Result<_>>()?;
    Ok(PageList { root: root.to_path_buf(), pages, files_seen })
}

fn page(root: &Path, path: String) -> Result<ImportedPage> {
    let full = root.join(&path);
    let metadata = fs::metadata(&full).at(&full, "read")?;
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(ImportedPage { path, size: metadata.len(), modified: modified.map_or(0, |time| time.as_nanos()) })
}

/// Paths of all files below `root`, sorted; excluded folders are not entered and links to folders not followed.
fn walk(root: &Path, excluded: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(folder) = pending.pop() {
        let full = root.join(&folder);
        for entry in fs::read_dir(&full).at(&full, "list")? {
            let entry = entry.at(&full, "list")?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if excluded(&path) {
                continue;
            }
            let kind = entry.file_type().at(&full, "list")?;
            if kind.is_dir() {
                pending.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `pages` to `out`: a `warcinfo` record, then one `resource` record per page whose address is
/// `base_url` + path.
pub(crate) fn write_pages(
    root: &Path,
    pages: &[ImportedPage],
    out: &Path,
    base_url: &str,
    date: &str,
) -> Result<()> {
    let file = AtomicFile::create(out)?;
    let mut writer = WarcWriter::new(file);
    let info =
        format!("software: wanjuan-data/{}\r\nformat: WARC File Format 1.1\r\n", env!("CARGO_PKG_VERSION"));
    let headers = WarcHeaders { kind: "warcinfo", uri: None, date, content_type: "application/warc-fields" };
    writer.write(&headers, info.as_bytes()).at(out, "write")?;
    for page in pages {
        let path = root.join(&page.path);
        let bytes = fs::read(&path).at(&path, "read")?;
        let uri = format!("{base_url}{}", percent_encode(&page.path));
        let content_type = media_type(&page.path);
        let headers = WarcHeaders { kind: "resource", uri: Some(&uri), date, content_type };
        writer.write(&headers, &bytes).at(out, "write")?;
    }
    Ok(writer.into_inner().commit()?)
}

fn media_type(path: &str) -> &'static str {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "html" | "htm" => "text/html",
        "xhtml" => "application/xhtml+xml",
        "md" | "markdown" => "text/markdown",
        _ => "text/plain",
    }
}

/// Escapes characters that a URL path may not hold (RFC 3986).
fn percent_encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["b/2.html", "b/1.htm", "a.md", "c.txt", "d.png", "skip/x.html", "b/print.html"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("creates");
            fs::write(path, name).expect("writes");
        }
        folder
    }

    fn paths(list: &PageList) -> Vec<&str> {
        list.pages.iter().map(|page| page.path.as_str()).collect()
    }

    #[test]
    fn pages_are_selected_sorted_and_excluded() {
        let folder = site();
        let exclude = ["skip".to_owned(), "**/print.html".to_owned()];
        let list = list_pages(folder.path(), &[], &exclude).expect("lists");
        assert_eq!(paths(&list), ["a.md", "b/1.htm", "b/2.html", "c.txt"]);
        assert_eq!(list.files_seen, 5, "excluded files are not looked at");
        let select = |include: &str, max_pages| Selection { include: include.to_owned(), max_pages };
        let some = list_pages(folder.path(), &[select("b/*", None), select("**/*.html", Some(1))], &exclude);
        assert_eq!(paths(&some.expect("lists")), ["b/1.htm", "b/2.html"], "no page is taken twice");
        let error = list_pages(folder.path(), &[select("*.pdf", None)], &[]).expect_err("selects nothing");
        assert!(error.to_string().contains("found 7 files and no selected page"), "{error}");
    }

    #[test]
    fn samples_are_the_same_whatever_else_is_selected() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for number in 0..50 {
            fs::write(folder.path().join(format!("{number}.html")), "").expect("writes");
        }
        let sample = |max_pages| {
            let select = [Selection { include: "*.html".to_owned(), max_pages: Some(max_pages) }];
            let list = list_pages(folder.path(), &select, &[]).expect("lists");
            list.pages.into_iter().map(|page| page.path).collect::<BTreeSet<_>>()
        };
        let (ten, twenty) = (sample(10), sample(20));
        assert_eq!((ten.len(), twenty.len()), (10, 20));
        assert!(ten.is_subset(&twenty), "a larger sample holds the smaller one");
    }

    #[test]
    fn addresses_are_escaped() {
        assert_eq!(percent_encode("a b/ü?#%.html"), "a%20b/%C3%BC%3F%23%25.html");
        assert_eq!(percent_encode("/-._~!$&'()*+,;=:@"), "/-._~!$&'()*+,;=:@");
        assert_eq!(
            ["x.HTM", "x.md", "x.xhtml", "x"].map(media_type),
            ["text/html", "text/markdown", "application/xhtml+xml", "text/plain"]
        );
    }
}

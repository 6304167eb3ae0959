//! The files that are indexed, and their titles and texts.

use std::path::Path;

use wanjuan_data::extract::decode;

use crate::action::web::page::readable;

/// The kinds of files that are indexed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Html,
    Markdown,
    Text,
}

impl Kind {
    /// The kind of a file by its extension; `None` for a file that is not indexed.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "txt" | "text" | "rst" => Some(Self::Text),
            _ => None,
        }
    }

    /// Title and text of a file. Without a title of its own, it has the name of the file.
    pub(super) fn read(self, path: &Path, bytes: &[u8]) -> (String, String) {
        let (title, text) = match self {
            Self::Html => readable(bytes, None),
            Self::Markdown => {
                let text = decode(bytes, None).into_owned();
                (heading(&text), text)
            }
            Self::Text => (None, decode(bytes, None).into_owned()),
        };
        let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (title.unwrap_or_else(name), text)
    }
}

/// The first heading of a text in Markdown.
fn heading(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with('#'))?;
    let title = line.trim_matches('#').trim();
    (!title.is_empty()).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_from_the_text_or_the_name() {
        let read = |name: &str, text: &str| {
            let path = Path::new(name);
            Kind::of(path).map(|kind| kind.read(path, text.as_bytes()).0)
        };
        assert_eq!(read("a.HTML", "<title>T</title><p>Some text.</p>").as_deref(), Some("T"));
        assert_eq!(read("b.md", "intro\n## Install ##\n").as_deref(), Some("Install"));
        assert_eq!(read("x/c.txt", "text").as_deref(), Some("c.txt"));
        assert_eq!(read("d.png", ""), None);
    }
}

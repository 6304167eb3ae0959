//! A presentation in the making.

use std::path::PathBuf;

use super::picture::Picture;

/// What separates the items of a list in one text.
const SEPARATOR: &str = "[SPAN]";

/// The pages so far, and where the file will be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deck {
    pub(super) location: PathBuf,
    pub(super) pages: Vec<Page>,
}

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) content: Content,
}

/// What is below the title of a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The first page; the subtitle may be empty.
    Subtitle(String),
    Items(Vec<String>),
    ItemsAndPicture(Vec<String>, Picture),
}

impl Deck {
    /// Bytes of all pictures.
    pub(super) fn picture_bytes(&self) -> usize {
        self.pages.iter().filter_map(Page::picture).map(|picture| picture.bytes.len()).sum()
    }
}

impl Page {
    pub(super) fn picture(&self) -> Option<&Picture> {
        match &self.content {
            Content::ItemsAndPicture(_, picture) => Some(picture),
            Content::Subtitle(_) | Content::Items(_) => None,
        }
    }
}

/// The items of a list in one text.
pub(super) fn items(text: &str) -> Vec<String> {
    text.split(SEPARATOR).map(|item| item.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_separated_by_a_mark() {
        assert_eq!(items("one [SPAN] two"), ["one", "two"]);
        assert_eq!(items("one"), ["one"]);
    }
}

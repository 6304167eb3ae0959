//! The columns of the features: their names and their order, which the trained trees rely on.
//!
//! [`super::features`] fills the columns in this order. `training/train_blocks.py` reads the names, and the trees in
//! `model/` refer to the places, so a change here needs newly trained trees.

use std::sync::LazyLock;

use super::blocks::LEVELS;
use super::page_signals::{PAGE_KINDS, page_kind_names};
use crate::extract::dom::Slot;

/// Number of features of a row.
pub(crate) static WIDTH: LazyLock<usize> = LazyLock::new(|| feature_names().len());

/// The block's own text.
const TEXT: &[&str] = &[
    "characters",
    "words",
    "link-density",
    "links",
    "emphasis",
    "word-length",
    "sentence-ends",
    "sentence-ends-per-word",
    "commas-per-word",
    "capitalized",
    "capitals",
    "digits",
    "han",
    "separators",
    "currencies",
    "years",
    "breaks",
    "first",
    "last",
    "title-share",
    "title-cover",
    "weight-mean",
    "weight-sum",
    "weight-least",
    "repeats",
    "repeats-before",
    "description-share",
    "link-length",
];

/// Each container around the block.
const CONTAINER: &[&str] =
    &["characters", "link-density", "prose", "blocks", "block-size", "alike", "page-share", "alike-before"];

/// The place of the block on the page and in its tree.
const PLACE: &[&str] = &[
    "depth",
    "block-position",
    "text-position",
    "prose-before",
    "prose-after",
    "after-h1",
    "blocks-since-h1",
    "blocks-since-heading",
    "heading-weight",
    "heading-level",
    "blocks-since-prose",
    "blocks-to-prose",
    "prose-nearness",
    "previous-words",
    "previous-links",
    "next-words",
    "next-links",
    "next-2-words",
    "previous-2-words",
    "path-blocks",
    "path-prose",
    "path-words",
    "path-links",
    "names-own",
    "names-parent",
    "names-sum",
    "names-least",
    "names-greatest",
    "up-to-half-prose",
    "up-to-most-prose",
    "up-to-h1",
    "half-prose-share",
    "article-share",
    "article-prose",
    "h1-before",
    "h1-title-share",
];

/// The page as a whole.
const PAGE: &[&str] = &[
    "characters",
    "link-density",
    "prose",
    "prose-characters",
    "blocks",
    "path-share",
    "short-blocks",
    "list-share",
    "table-share",
    "code-share",
    "currencies",
    "years",
    "title-words",
    "og-type",
    "post-words",
    "product-words",
    "article-tags",
    "han",
    "articles",
    "comment-words",
    "review-words",
    "before-comments",
    "main-share",
];

/// Names of all features, in the order of the columns: `text-words`, `near-tag-nav`, `container-1-prose`.
#[must_use]
pub fn feature_names() -> Vec<String> {
    let mut names: Vec<String> = TEXT.iter().map(|name| format!("text-{name}")).collect();
    names.extend(Slot::ALL.iter().map(|slot| slot.column()));
    for level in 1..=LEVELS {
        names.extend(CONTAINER.iter().map(|name| format!("container-{level}-{name}")));
    }
    names.extend(PLACE.iter().map(|name| format!("place-{name}")));
    names.extend(PAGE.iter().map(|name| format!("page-{name}")));
    names.extend(page_kind_names().map(|name| format!("page-kind-{name}")));
    names
}

/// The columns that all blocks of a page share.
pub(crate) fn page_features() -> std::ops::Range<usize> {
    *WIDTH - PAGE.len() - PAGE_KINDS..*WIDTH
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;
    use crate::extract::judge::fnv::Fnv;

    #[test]
    fn names_are_unique_and_grouped() {
        let names = feature_names();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
        let mut groups: Vec<&str> = names.iter().filter_map(|name| name.split('-').next()).collect();
        groups.dedup();
        assert_eq!(groups, ["text", "near", "container", "place", "page"]);
        assert_eq!(names.iter().position(|name| name == "near-tag-a"), Some(TEXT.len()));
    }

    #[test]
    fn the_order_is_that_of_the_training() {
        // A hash instead of 200 names: whoever changes the columns has to train new trees, and then this number.
        let mut hash = Fnv::default();
        for name in feature_names() {
            hash.write(name.as_bytes());
            hash.write(b"\n");
        }
        assert_eq!((*WIDTH, hash.finish()), (196, 0xe21e_a400_1607_b428));
    }

    #[test]
    fn page_features_are_the_last_columns() {
        let names = feature_names();
        let range = page_features();
        assert_eq!(range.end, *WIDTH);
        assert!(names[range.clone()].iter().all(|name| name.starts_with("page-")));
        assert!(names[..range.start].iter().all(|name| !name.starts_with("page-")));
    }
}

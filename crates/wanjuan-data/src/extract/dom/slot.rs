//! [`Slot`]: the kinds of elements whose distance from a text the judge's trees look at.
//!
//! A slot belongs to a tag, or to a kind of name that web developers give to parts of a page ("comment", "sidebar").
//! For every element the judge records how many steps above it the nearest element of each slot is.

/// Declares [`Slot`] from one list of variants, numbers and names.
macro_rules! slots {
    ($($(#[$attribute:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// A kind of element, numbered as the trained trees number their columns.
        ///
        /// **The numbers are frozen.** Each is the offset of a feature column that the trees in `judge/model/`
        /// split on. Reordering, inserting or removing a slot silently makes the trees read other columns, so any
        /// change needs newly trained trees (`training/train_blocks.py`). A test compares numbers and names with
        /// those of the training.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub(crate) enum Slot {
            $($(#[$attribute])* $variant = $number,)*
        }

        impl Slot {
            /// Every slot, at the place of its number.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// `tag-nav` for a tag, `word-nav` for a kind of name.
            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

slots! {
    // Tags. One slot may cover several tags: the table in `tag.rs` says which.
    A = 0, "tag-a";
    Article = 1, "tag-article";
    Aside = 2, "tag-aside";
    Blockquote = 3, "tag-blockquote";
    Button = 4, "tag-button";
    Dl = 5, "tag-dl";
    Details = 6, "tag-details";
    Figure = 7, "tag-figure";
    Figcaption = 8, "tag-figcaption";
    Footer = 9, "tag-footer";
    Form = 10, "tag-form";
    H1 = 11, "tag-h1";
    H2 = 12, "tag-h2";
    H3 = 13, "tag-h3";
    Header = 14, "tag-header";
    Label = 15, "tag-label";
    Li = 16, "tag-li";
    Main = 17, "tag-main";
    Nav = 18, "tag-nav";
    Noscript = 19, "tag-noscript";
    Pre = 20, "tag-pre";
    Section = 21, "tag-section";
    Table = 22, "tag-table";
    P = 23, "tag-p";
    /// Not a tag: an element whose own attributes hide it, see `seems_hidden`.
    Hidden = 24, "tag-hidden";
    /// `b`, `strong`, `i`, `em`.
    Emphasis = 25, "tag-emphasis";
    // Kinds of names, found in `class`, `id`, `role` and `itemprop`: `judge/class_words.rs` lists their words.
    NamedComment = 26, "word-comment";
    NamedPost = 27, "word-post";
    NamedArticle = 28, "word-article";
    NamedBody = 29, "word-body";
    NamedMain = 30, "word-main";
    NamedProduct = 31, "word-product";
    NamedPrice = 32, "word-price";
    NamedDescription = 33, "word-description";
    NamedSpecification = 34, "word-specification";
    NamedReview = 35, "word-review";
    NamedCard = 36, "word-card";
    NamedList = 37, "word-list";
    NamedAuthor = 38, "word-author";
    NamedDate = 39, "word-date";
    NamedTag = 40, "word-tag";
    NamedShare = 41, "word-share";
    NamedRelated = 42, "word-related";
    NamedNav = 43, "word-nav";
    NamedFooter = 44, "word-footer";
    NamedHeader = 45, "word-header";
    NamedSidebar = 46, "word-sidebar";
    NamedWidget = 47, "word-widget";
    NamedAdvert = 48, "word-advert";
    NamedTitle = 49, "word-title";
    NamedCaption = 50, "word-caption";
    NamedCookie = 51, "word-cookie";
    NamedModal = 52, "word-modal";
    NamedLogin = 53, "word-login";
    NamedNewsletter = 54, "word-newsletter";
    NamedQuote = 55, "word-quote";
    NamedSignature = 56, "word-signature";
    NamedProfile = 57, "word-profile";
    NamedTabs = 58, "word-tabs";
    NamedHidden = 59, "word-hidden";
    NamedMedia = 60, "word-media";
    NamedSearch = 61, "word-search";
    NamedPager = 62, "word-pager";
    NamedCart = 63, "word-cart";
    NamedForm = 64, "word-form";
    NamedMeta = 65, "word-meta";
    NamedButton = 66, "word-button";
    NamedTable = 67, "word-table";
}

/// Number of slots.
pub(crate) const SLOTS: usize = Slot::ALL.len();

impl Slot {
    /// The number, for tables of [`SLOTS`] entries.
    pub(crate) fn index(self) -> usize {
        usize::from(self as u8)
    }

    /// Name of the feature column: `near-tag-nav`, `near-word-nav`.
    pub(crate) fn column(self) -> String {
        format!("near-{}", self.name())
    }

    /// The tag or kind of name alone, for people: `nav`.
    pub(crate) fn word(self) -> &'static str {
        self.name().split_once('-').map_or("", |(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feature columns at the numbers that the trees in `judge/model/` were trained with. **Frozen.**
    const TRAINED: &[&str] = &[
        "near-tag-a",
        "near-tag-article",
        "near-tag-aside",
        "near-tag-blockquote",
        "near-tag-button",
        "near-tag-dl",
        "near-tag-details",
        "near-tag-figure",
        "near-tag-figcaption",
        "near-tag-footer",
        "near-tag-form",
        "near-tag-h1",
        "near-tag-h2",
        "near-tag-h3",
        "near-tag-header",
        "near-tag-label",
        "near-tag-li",
        "near-tag-main",
        "near-tag-nav",
        "near-tag-noscript",
        "near-tag-pre",
        "near-tag-section",
        "near-tag-table",
        "near-tag-p",
        "near-tag-hidden",
        "near-tag-emphasis",
        "near-word-comment",
        "near-word-post",
        "near-word-article",
        "near-word-body",
        "near-word-main",
        "near-word-product",
        "near-word-price",
        "near-word-description",
        "near-word-specification",
        "near-word-review",
        "near-word-card",
        "near-word-list",
        "near-word-author",
        "near-word-date",
        "near-word-tag",
        "near-word-share",
        "near-word-related",
        "near-word-nav",
        "near-word-footer",
        "near-word-header",
        "near-word-sidebar",
        "near-word-widget",
        "near-word-advert",
        "near-word-title",
        "near-word-caption",
        "near-word-cookie",
        "near-word-modal",
        "near-word-login",
        "near-word-newsletter",
        "near-word-quote",
        "near-word-signature",
        "near-word-profile",
        "near-word-tabs",
        "near-word-hidden",
        "near-word-media",
        "near-word-search",
        "near-word-pager",
        "near-word-cart",
        "near-word-form",
        "near-word-meta",
        "near-word-button",
        "near-word-table",
    ];

    #[test]
    fn numbers_and_names_are_those_of_the_training() {
        assert_eq!(Slot::ALL.len(), TRAINED.len());
        for (number, (slot, column)) in Slot::ALL.iter().zip(TRAINED).enumerate() {
            assert_eq!((*slot as u8, slot.column().as_str()), (number as u8, *column));
            assert_eq!(slot.index(), number);
        }
    }

    #[test]
    fn words_leave_out_the_kind() {
        assert_eq!([Slot::Nav.word(), Slot::NamedNav.word(), Slot::H1.word()], ["nav", "nav", "h1"]);
        assert!(Slot::ALL.iter().all(|slot| slot.column().ends_with(&format!("-{}", slot.word()))));
    }
}

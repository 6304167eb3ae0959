//! Words of class names, ids, roles and schema.org properties, and which kind of page part they name.
//!
//! These are the names that web developers give to parts of a page. None was added for the pages of one site; the
//! names of services (share buttons, comment and advertisement widgets) occur all over the web. The words only say
//! what is near a text. How much that weighs is learned (see [`super::trees`]).

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use super::fnv::Fnv;
use crate::extract::dom::Slot;

/// The words of each kind of name, in the order of the slots' numbers. A word may name several kinds.
const WORDS: &[(Slot, &str)] = &[
    (
        Slot::NamedComment,
        "comment comments commentlist commenter commentary commented kommentar kommentare commentaire commentaires \
         comentario comentarios komentarz komentarze disqus respond responses livefyre discussion shoutbox",
    ),
    (
        Slot::NamedPost,
        "post posts message messages msg reply replies thread topic postbody postmessage messagebody bbcode \
         forum viewtopic answer answers question questions qa usertext beitrag",
    ),
    (
        Slot::NamedArticle,
        "article articlebody articletext articlecontent articlebody story storybody newsarticle blogposting \
         entry hentry artikel noticia articulo artigo artykul reportage blogpost postcontent entrycontent",
    ),
    (
        Slot::NamedBody,
        "body text content contents maincontent bodytext richtext rte prose copy wysiwyg inhalt contenu \
         contenido conteudo tresc textblock paragraph bodycopy rich markdown mw parsoid ce bodytext cke",
    ),
    (Slot::NamedMain, "main primary maincol center mainbody principal hauptinhalt"),
    (Slot::NamedProduct, "product products pdp prod sku item offer offers artnr"),
    (Slot::NamedPrice, "price prices pricing cost amount currency msrp sale discount preis prix precio"),
    (
        Slot::NamedDescription,
        "description desc summary overview abstract about details detail beschreibung intro",
    ),
    (
        Slot::NamedSpecification,
        "spec specs specification specifications attributes features feature properties facts",
    ),
    (
        Slot::NamedReview,
        "review reviews testimonial testimonials rating ratings stars bewertung avis feedback ugc",
    ),
    (
        Slot::NamedCard,
        "card cards tile tiles teaser teasers grid thumb thumbnail thumbs promo box boxes panel slide",
    ),
    (Slot::NamedList, "list listing listings results result items feed stream archive archives loop rows"),
    (
        Slot::NamedAuthor,
        "author authors byline autor auteur writer contributor contributors bio by vcard reporter journalist \
         credits credit creator",
    ),
    (
        Slot::NamedDate,
        "date time timestamp datetime published updated datum fecha pubdate posted postdate dateline",
    ),
    (
        Slot::NamedTag,
        "tag tags tagcloud category categories keyword keywords topics cat taxonomy kategorie kategorien label \
         labels tagged",
    ),
    (
        Slot::NamedShare,
        "share sharing shares social socials sharedaddy addthis addtoany sharethis facebook twitter follow \
         whatsapp linkedin pinterest instagram tweet like likes teilen partager compartir bookmark shariff",
    ),
    (
        Slot::NamedRelated,
        "related recommended recommendations recommendation similar more readmore read suggestions suggested \
         outbrain taboola also popular trending latest recent next previous prev siblings upsell crosssell \
         crossell relacionadas mehr weitere zergnet recirc recirculation mostread aehnliche",
    ),
    (
        Slot::NamedNav,
        "nav navi navbar navigation navmenu menu menus submenu megamenu menubar dropdown subnav sidenav topnav \
         breadcrumb breadcrumbs crumb crumbs mainnav hamburger toplinks sitemap skip skiplink jump gnav",
    ),
    (
        Slot::NamedFooter,
        "footer foot bottom colophon pagefooter fusszeile pie contentinfo copyright subfooter",
    ),
    (
        Slot::NamedHeader,
        "header head masthead top topbar banner hero pageheader kopf headerbar site logo branding",
    ),
    (
        Slot::NamedSidebar,
        "sidebar side aside rail rightcol leftcol rightcolumn leftcolumn secondary tertiary complementary \
         marginal seitenleiste barra rightrail right left",
    ),
    (Slot::NamedWidget, "widget widgets module block textwidget portlet gadget"),
    (
        Slot::NamedAdvert,
        "ad ads adv advert adverts advertisement advertising adsense adslot adbox adunit sponsor sponsored \
         sponsors promotion promotions promoted dfp gpt banners werbung anzeige anzeigen publicidad publicite \
         affiliate commercial doubleclick",
    ),
    (
        Slot::NamedTitle,
        "title headline heading titel titre titulo header1 subtitle subheadline subhead kicker dek standfirst \
         lead lede headings name ueberschrift deck",
    ),
    (Slot::NamedCaption, "caption captions figcaption credit credits copyright legend bildunterschrift wp"),
    (
        Slot::NamedCookie,
        "cookie cookies consent gdpr cmp onetrust cookiebar privacy notice disclaimer legal datenschutz terms \
         cookielaw eu cc alert alerts warning",
    ),
    (
        Slot::NamedModal,
        "modal popup popups overlay dialog lightbox offcanvas drawer toast tooltip popover flyout",
    ),
    (
        Slot::NamedLogin,
        "login signin signup register registration account user password auth logout anmelden member members \
         paywall subscribe subscription subscriber abo premium metered gate",
    ),
    (
        Slot::NamedNewsletter,
        "newsletter newsletters mailinglist mailchimp optin signup email mail subscribe mc4wp",
    ),
    (
        Slot::NamedQuote,
        "quote quotes blockquote quoted pullquote cite citation bbcodeblock quotecontent zitat",
    ),
    (Slot::NamedSignature, "signature sig signatures usersignature"),
    (
        Slot::NamedProfile,
        "profile avatar user userinfo userdetails postprofile username member poster userpic joined membre",
    ),
    (
        Slot::NamedTabs,
        "tab tabs accordion accordions collapse collapsible faq faqs toggle panel panels expand expandable",
    ),
    (
        Slot::NamedHidden,
        "hidden hide invisible sr visually screenreader screen none noprint print visuallyhidden assistive",
    ),
    (
        Slot::NamedMedia,
        "video videos gallery galleries player audio podcast image images img photo photos slider carousel slideshow media",
    ),
    (
        Slot::NamedSearch,
        "search filter filters sort sorting searchform facets facet refine suche buscar recherche toolbar \
         controls control tools actions action",
    ),
    (Slot::NamedPager, "pagination pager pages paging paginator paginate pagenav loadmore"),
    (Slot::NamedCart, "cart basket checkout wishlist shipping delivery buy add qty quantity warenkorb"),
    (Slot::NamedForm, "form forms field fields input inputs contact select option options wpcf7 captcha"),
    (Slot::NamedMeta, "meta metadata postmeta info infos entrymeta infobar toc infobox statistics stats"),
    (Slot::NamedButton, "button buttons btn btns cta link links"),
    (Slot::NamedTable, "table tables cell row data"),
];

/// The slot of bit 0 of [`Kinds`]; the others follow.
const FIRST: Slot = Slot::NamedComment;

/// A set of kinds of names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Kinds(u64);

impl Kinds {
    fn of_slot(slot: Slot) -> Self {
        Self(1 << (slot.index() - FIRST.index()))
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The slots of the set, by their numbers.
    pub(crate) fn slots(self) -> impl Iterator<Item = Slot> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(Slot::ALL[FIRST.index() + bit])
        })
    }
}

type KindsOfWord = HashMap<&'static str, Kinds, BuildHasherDefault<Fnv>>;

static KINDS_OF_WORD: LazyLock<KindsOfWord> = LazyLock::new(|| {
    let mut kinds = KindsOfWord::default();
    for (slot, words) in WORDS {
        for word in words.split_ascii_whitespace() {
            let known = kinds.entry(word).or_default();
            *known = known.or(Kinds::of_slot(*slot));
        }
    }
    kinds
});

/// Bytes of an attribute value that are looked at.
const MAX_BYTES: usize = 400;

/// Words longer than this, in letters, are not listed.
const MAX_WORD: usize = 24;

/// The kinds that `names` (the value of a `class`, `id`, `role` or `itemprop`) mentions.
///
/// Names split at everything that is not a letter and before capitals (`postMeta nav-bar` has the words `post`,
/// `meta`, `nav` and `bar`). A longer word that is not listed counts by its longest listed beginning and end.
pub(crate) fn kinds(names: &str) -> Kinds {
    let table = &*KINDS_OF_WORD;
    let mut found = Kinds::default();
    let mut word = [0_u8; MAX_WORD];
    let mut length = 0;
    let mut after_lower = false;
    // The final space closes the last word.
    for byte in names.bytes().take(MAX_BYTES).chain(std::iter::once(b' ')) {
        let letter = byte.is_ascii_alphabetic();
        if !letter || (byte.is_ascii_uppercase() && after_lower) {
            if (2..=word.len()).contains(&length) {
                found = found.or(kinds_of_word(table, &word[..length]));
            }
            length = 0;
        }
        if letter {
            if length < word.len() {
                word[length] = byte.to_ascii_lowercase();
            }
            length += 1;
        }
        after_lower = byte.is_ascii_lowercase();
    }
    found
}

fn kinds_of_word(table: &KindsOfWord, word: &[u8]) -> Kinds {
    let look = |part: &[u8]| std::str::from_utf8(part).ok().and_then(|part| table.get(part)).copied();
    if let Some(kinds) = look(word) {
        return kinds;
    }
    if word.len() < 7 {
        return Kinds::default();
    }
    let start = (4..word.len() - 1).rev().find_map(|end| look(&word[..end])).unwrap_or_default();
    let end = (2..word.len() - 3).find_map(|start| look(&word[start..])).unwrap_or_default();
    start.or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(found: Kinds) -> Vec<&'static str> {
        found.slots().map(Slot::word).collect()
    }

    #[test]
    fn names_split_into_words() {
        assert_eq!(names_of(kinds("postMeta nav-bar2")), ["post", "nav", "meta"]);
        assert_eq!(names_of(kinds("js-7 HTML")), Vec::<&str>::new());
    }

    #[test]
    fn compounds_count_by_their_ends() {
        assert_eq!(names_of(kinds("commentsarea")), ["comment"]);
        assert_eq!(names_of(kinds("newssidebar")), ["sidebar"]);
    }

    #[test]
    fn each_kind_of_name_has_a_line_in_the_order_of_the_numbers() {
        let slots: Vec<Slot> = WORDS.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots, Slot::ALL[FIRST.index()..]);
        assert!(slots.len() <= 64, "the set of kinds has 64 bits");
    }

    #[test]
    fn every_listed_word_names_its_kind() {
        for (slot, words) in WORDS {
            for word in words
                .split_ascii_whitespace()
                .filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()))
            {
                for form in [word.to_owned(), word.to_uppercase(), format!("x-{word}_7")] {
                    assert!(kinds(&form).slots().any(|found| found == *slot), "{form}: {slot:?}");
                }
            }
        }
    }

    #[test]
    fn listed_words_fit_into_the_buffer() {
        let all = WORDS.iter().flat_map(|(_, words)| words.split_ascii_whitespace());
        assert!(all.clone().all(|word| (2..=MAX_WORD).contains(&word.len()) && word == word.to_lowercase()));
        assert!(all.count() > 400);
    }

    #[test]
    fn cases_of_names() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("x", &[]),
            ("7", &[]),
            ("nav", &["nav"]),
            ("NAV", &["nav"]),
            ("mainNav", &["main", "nav"]),
            ("main-nav__item--active", ["main", "product", "nav"].as_slice()),
            ("sidebar-2 widget-area", &["sidebar", "widget"]),
            ("entry-content", &["article", "body"]),
            ("caption", &["caption"]),
            ("credit", &["author", "caption"]),
            ("articlebody", &["article"]),
            ("mycomments", &["comment"]),
            ("unrelatedness", &[]),
            ("a b c d e", &[]),
            ("nav nav nav", &["nav"]),
        ];
        for (names, expected) in cases {
            let found = names_of(kinds(names));
            for name in *expected {
                assert!(found.contains(name), "{names}: {found:?}");
            }
            assert!(!expected.is_empty() || found.is_empty(), "{names}: {found:?}");
        }
    }

    #[test]
    fn only_the_start_of_a_long_value_is_read() {
        let far = "x ".repeat(MAX_BYTES) + "nav";
        assert_eq!(kinds(&far), Kinds::default());
        assert_eq!(names_of(kinds(&("nav ".to_owned() + &far))), ["nav"]);
        assert_eq!(kinds(&"n".repeat(MAX_WORD + 1)), Kinds::default());
    }

    proptest::proptest! {
        /// Values in one attribute name the same as in two, and order does not matter.
        #[test]
        fn kinds_of_two_values_add_up(first in "[a-zA-Z0-9_ -]{0,60}", second in "[a-zA-Z0-9_ -]{0,60}") {
            let both = kinds(&first).or(kinds(&second));
            proptest::prop_assert_eq!(kinds(&format!("{first} {second}")), both);
            proptest::prop_assert_eq!(kinds(&format!("{second} {first}")), both);
        }

        #[test]
        fn any_value_can_be_read(value in proptest::prelude::any::<String>()) {
            let slots: Vec<Slot> = kinds(&value).slots().collect();
            proptest::prop_assert!(slots.windows(2).all(|pair| pair[0].index() < pair[1].index()));
        }
    }
}

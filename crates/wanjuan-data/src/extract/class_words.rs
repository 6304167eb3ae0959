//! Words of class names, ids, roles and schema.org properties, and what they say about an element.
//!
//! The names are those that web developers give to parts of a page. None is there for the pages of one site;
//! names of services (share buttons, comment and advertisement widgets) are those that stand on everybody's
//! pages. They only say what is near a text: how much that weighs is learned (see [`super::trees`]).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// Kinds of parts, each a slot of [`super::elements::Near`].
const WORDS: &[(&str, &str)] = &[
    (
        "comment",
        "comment comments commentlist commenter commentary commented kommentar kommentare commentaire commentaires \
         comentario comentarios komentarz komentarze disqus respond responses livefyre discussion shoutbox",
    ),
    (
        "post",
        "post posts message messages msg reply replies thread topic postbody postmessage messagebody bbcode \
         forum viewtopic answer answers question questions qa usertext beitrag",
    ),
    (
        "article",
        "article articlebody articletext articlecontent articlebody story storybody newsarticle blogposting \
         entry hentry artikel noticia articulo artigo artykul reportage blogpost postcontent entrycontent",
    ),
    (
        "body",
        "body text content contents maincontent bodytext richtext rte prose copy wysiwyg inhalt contenu \
         contenido conteudo tresc textblock paragraph bodycopy rich markdown mw parsoid ce bodytext cke",
    ),
    ("main", "main primary maincol center mainbody principal hauptinhalt"),
    ("product", "product products pdp prod sku item offer offers artnr"),
    ("price", "price prices pricing cost amount currency msrp sale discount preis prix precio"),
    ("description", "description desc summary overview abstract about details detail beschreibung intro"),
    ("specification", "spec specs specification specifications attributes features feature properties facts"),
    ("review", "review reviews testimonial testimonials rating ratings stars bewertung avis feedback ugc"),
    ("card", "card cards tile tiles teaser teasers grid thumb thumbnail thumbs promo box boxes panel slide"),
    ("list", "list listing listings results result items feed stream archive archives loop rows"),
    (
        "author",
        "author authors byline autor auteur writer contributor contributors bio by vcard reporter journalist \
         credits credit creator",
    ),
    ("date", "date time timestamp datetime published updated datum fecha pubdate posted postdate dateline"),
    (
        "tag",
        "tag tags tagcloud category categories keyword keywords topics cat taxonomy kategorie kategorien label \
         labels tagged",
    ),
    (
        "share",
        "share sharing shares social socials sharedaddy addthis addtoany sharethis facebook twitter follow \
         whatsapp linkedin pinterest instagram tweet like likes teilen partager compartir bookmark shariff",
    ),
    (
        "related",
        "related recommended recommendations recommendation similar more readmore read suggestions suggested \
         outbrain taboola also popular trending latest recent next previous prev siblings upsell crosssell \
         crossell relacionadas mehr weitere zergnet recirc recirculation mostread aehnliche",
    ),
    (
        "nav",
        "nav navi navbar navigation navmenu menu menus submenu megamenu menubar dropdown subnav sidenav topnav \
         breadcrumb breadcrumbs crumb crumbs mainnav hamburger toplinks sitemap skip skiplink jump gnav",
    ),
    ("footer", "footer foot bottom colophon pagefooter fusszeile pie contentinfo copyright subfooter"),
    ("header", "header head masthead top topbar banner hero pageheader kopf headerbar site logo branding"),
    (
        "sidebar",
        "sidebar side aside rail rightcol leftcol rightcolumn leftcolumn secondary tertiary complementary \
         marginal seitenleiste barra rightrail right left",
    ),
    ("widget", "widget widgets module block textwidget portlet gadget"),
    (
        "advert",
        "ad ads adv advert adverts advertisement advertising adsense adslot adbox adunit sponsor sponsored \
         sponsors promotion promotions promoted dfp gpt banners werbung anzeige anzeigen publicidad publicite \
         affiliate commercial doubleclick",
    ),
    (
        "title",
        "title headline heading titel titre titulo header1 subtitle subheadline subhead kicker dek standfirst \
         lead lede headings name ueberschrift deck",
    ),
    ("caption", "caption captions figcaption credit credits copyright legend bildunterschrift wp"),
    (
        "cookie",
        "cookie cookies consent gdpr cmp onetrust cookiebar privacy notice disclaimer legal datenschutz terms \
         cookielaw eu cc alert alerts warning",
    ),
    ("modal", "modal popup popups overlay dialog lightbox offcanvas drawer toast tooltip popover flyout"),
    (
        "login",
        "login signin signup register registration account user password auth logout anmelden member members \
         paywall subscribe subscription subscriber abo premium metered gate",
    ),
    ("newsletter", "newsletter newsletters mailinglist mailchimp optin signup email mail subscribe mc4wp"),
    ("quote", "quote quotes blockquote quoted pullquote cite citation bbcodeblock quotecontent zitat"),
    ("signature", "signature sig signatures usersignature"),
    (
        "profile",
        "profile avatar user userinfo userdetails postprofile username member poster userpic joined membre",
    ),
    (
        "tabs",
        "tab tabs accordion accordions collapse collapsible faq faqs toggle panel panels expand expandable",
    ),
    (
        "hidden",
        "hidden hide invisible sr visually screenreader screen none noprint print visuallyhidden assistive",
    ),
    (
        "media",
        "video videos gallery galleries player audio podcast image images img photo photos slider carousel slideshow media",
    ),
    (
        "search",
        "search filter filters sort sorting searchform facets facet refine suche buscar recherche toolbar \
         controls control tools actions action",
    ),
    ("pager", "pagination pager pages paging paginator paginate pagenav loadmore"),
    ("cart", "cart basket checkout wishlist shipping delivery buy add qty quantity warenkorb"),
    ("form", "form forms field fields input inputs contact select option options wpcf7 captcha"),
    ("meta", "meta metadata postmeta info infos entrymeta infobar toc infobox statistics stats"),
    ("button", "button buttons btn btns cta link links"),
    ("table", "table tables cell row data"),
];

/// Number of kinds.
pub(super) const KINDS: usize = WORDS.len();

/// Name of each kind, for the list of features.
pub(super) fn kind_names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, _)| *name)
}

/// FNV-1a, fast on short keys.
#[derive(Clone, Copy)]
pub(super) struct Fnv(pub(super) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

type KindsOfWord = HashMap<&'static str, u64, BuildHasherDefault<Fnv>>;

static KINDS_OF_WORD: LazyLock<KindsOfWord> = LazyLock::new(|| {
    let mut kinds = KindsOfWord::default();
    for (kind, (_, words)) in WORDS.iter().enumerate() {
        for word in words.split_ascii_whitespace() {
            *kinds.entry(word).or_default() |= 1 << kind;
        }
    }
    kinds
});

/// The kinds that `names` (the value of a `class`, `id`, `role` or `itemprop`) mentions, one bit each.
///
/// Names split at everything that is not a letter and at capitals inside (`postMeta nav-bar` has the words
/// `post`, `meta`, `nav` and `bar`). A longer word that is not listed counts by its listed beginning and end.
pub(super) fn kinds(names: &str) -> u64 {
    let table = &*KINDS_OF_WORD;
    let mut found = 0;
    let mut word = [0_u8; 24];
    let mut length = 0;
    let mut after_lower = false;
    // The final space closes the last word.
    for byte in names.bytes().take(400).chain(std::iter::once(b' ')) {
        let letter = byte.is_ascii_alphabetic();
        if !letter || (byte.is_ascii_uppercase() && after_lower) {
            if (2..=word.len()).contains(&length) {
                found |= kinds_of_word(table, &word[..length]);
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

fn kinds_of_word(table: &KindsOfWord, word: &[u8]) -> u64 {
    let look = |part: &[u8]| std::str::from_utf8(part).ok().and_then(|part| table.get(part)).copied();
    if let Some(kinds) = look(word) {
        return kinds;
    }
    if word.len() < 7 {
        return 0;
    }
    let start = (4..word.len() - 1).rev().find_map(|end| look(&word[..end])).unwrap_or(0);
    let end = (2..word.len() - 3).find_map(|start| look(&word[start..])).unwrap_or(0);
    start | end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(found: u64) -> Vec<&'static str> {
        kind_names().enumerate().filter(|(kind, _)| found >> kind & 1 == 1).map(|(_, name)| name).collect()
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
}

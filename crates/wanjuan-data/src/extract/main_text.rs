//! [`extract_html`]: from the bytes of a page to its main text and metadata.

use super::charset::decode;
use super::config::ExtractConfig;
use super::dom::{Dom, NodeId, Role, is_hidden};
use super::explanation::{Explanation, ExtractedPage};
use super::judge::{Selection, report};
use super::metadata::Metadata;
use super::render::render;
use super::signature::{Declared, other_type};

/// How far up a text looks for a `noscript` around it.
const NOSCRIPT_LEVELS: usize = 8;

/// Decodes and parses a page and extracts its main text. `charset` is the label given by the transport, if any.
/// Never fails: any bytes are some page. Those of images, archives, scripts and the like are a page without text.
///
/// ```
/// use wanjuan_data::extract::{ExtractConfig, extract_html};
///
/// let page = extract_html(b"<nav>Home</nav><p>Birds sing.</p>", None, &ExtractConfig::default());
/// assert_eq!(page.text, "Birds sing.");
/// ```
#[must_use]
pub fn extract_html(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> ExtractedPage {
    if other_type(bytes, charset, Declared::Html).is_some() {
        return ExtractedPage::default();
    }
    extract_page(bytes, charset, config)
}

/// Does the same as [`extract_html`] with bytes that are known to be a page.
pub(super) fn extract_page(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> ExtractedPage {
    let dom = Dom::parse(&decode(bytes, charset));
    let selection = Selection::of(&dom, config);
    page(&dom, &selection, config)
}

/// Does the same as [`extract_html`] and reports what became of every block of the page.
#[must_use]
pub fn explain(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> Explanation {
    if other_type(bytes, charset, Declared::Html).is_some() {
        return Explanation { page: ExtractedPage::default(), blocks: Vec::new() };
    }
    let dom = Dom::parse(&decode(bytes, charset));
    let selection = Selection::of(&dom, config);
    Explanation { page: page(&dom, &selection, config), blocks: report(&dom, &selection) }
}

fn page(dom: &Dom, selection: &Selection, config: &ExtractConfig) -> ExtractedPage {
    let text =
        dom.body().map_or_else(String::new, |body| render(dom, |id| selection.keeps(id), body, config));
    ExtractedPage { text, metadata: Metadata::of(dom), page_type: Some(selection.page_type) }
}

/// Renders a whole page as a reader sees it, menus included. Nothing is judged; only what is hidden is left out.
///
/// ```
/// use wanjuan_data::extract::{Dom, ExtractConfig, render_all};
///
/// let dom = Dom::parse("<nav>Home</nav><p>Text</p><p hidden>Not yet</p>");
/// assert_eq!(render_all(&dom, &ExtractConfig::default()), "Home\n\nText");
/// ```
#[must_use]
pub fn render_all(dom: &Dom, config: &ExtractConfig) -> String {
    render(dom, |id| is_seen(dom, id), dom.root(), config)
}

/// Whether a browser with scripts shows a node as text of the page itself. Controls and dialogs are not. From
/// `noscript` only the images are, because a script would load them.
fn is_seen(dom: &Dom, id: NodeId) -> bool {
    match dom.tag(id) {
        Some("button") => is_title(dom, id),
        Some("dialog" | "menu") => false,
        Some(_) => !is_hidden(dom, id),
        None => {
            let outer = std::iter::successors(dom.parent(id), |id| dom.parent(*id));
            !outer.take(NOSCRIPT_LEVELS).any(|id| dom.tag(id) == Some("noscript"))
        }
    }
}

/// Whether a heading begins with this button. Then the button is the title, which unfolds what is below.
fn is_title(dom: &Dom, button: NodeId) -> bool {
    let Some(heading) = dom.parent(button) else { return false };
    let before = dom.children(heading).take_while(|child| *child != button);
    matches!(dom.role(heading), Role::Heading(_))
        && before.into_iter().all(|child| dom.text_below(child).trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::config::{Mode, TextFormat};
    use crate::extract::sample::markup;

    fn all(html: &str) -> String {
        render_all(&Dom::parse(html), &ExtractConfig::default())
    }

    #[test]
    fn a_whole_page_is_shown_as_a_browser_does() {
        for (html, expected) in [
            ("<nav>a</nav><p>b</p><footer>c</footer>", "a\n\nb\n\nc"),
            ("<p>a</p><p hidden>b</p>", "a"),
            ("<p>a<button>b</button></p>", "a"),
            ("<h2><button>a</button></h2><p>b</p>", "a\n\nb"),
            ("<h2>x <button>a</button></h2>", "x"),
            ("<h2> <button>a</button></h2>", "a"),
            ("<dialog open>a</dialog><menu><li>b</menu>c", "c"),
            ("<p>x</p><noscript>a</noscript><p>b</p>", "x\n\nb"),
            ("<p>x</p><noscript><p><b>a</b></p></noscript><p>b</p>", "x\n\nb"),
            ("<title>a</title>b", "b"),
        ] {
            assert_eq!(all(html), expected, "{html}");
        }
    }

    #[test]
    fn images_of_noscript_are_shown() {
        let dom = Dom::parse("<p>a<noscript><img src=/i.png></noscript></p>");
        let config = ExtractConfig::default().with_format(TextFormat::Markdown);
        assert_eq!(render_all(&dom, &config), "a\n\n![](/i.png)");
    }

    #[test]
    fn a_page_of_frames_has_no_text() {
        let page = extract_html(b"<frameset><frame src=x></frameset>", None, &ExtractConfig::default());
        assert_eq!(page.text, "");
        assert!(page.page_type.is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        /// An explanation is about the same page, and its kept blocks are what the text consists of.
        #[test]
        fn explanations_agree_with_the_text(html in markup()) {
            for mode in [Mode::Precision, Mode::Balanced, Mode::Recall] {
                let config = ExtractConfig::default().with_mode(mode);
                let explanation = explain(html.as_bytes(), None, &config);
                prop_assert_eq!(&explanation.page, &extract_html(html.as_bytes(), None, &config));
                let nothing_kept = explanation.blocks.iter().all(|block| !block.kept);
                let formula = html.contains("<math") || html.contains("katex") || html.contains("<ruby");
                prop_assert!(!nothing_kept || formula || explanation.page.text.is_empty(), "{}", explanation.page.text);
            }
        }
    }
}

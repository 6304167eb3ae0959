//! [`extract_html`]: from the bytes of a page to its main text and metadata.

use super::charset::decode;
use super::config::ExtractConfig;
use super::dom::{Dom, NodeId};
use super::explain::Explanation;
use super::metadata::Metadata;
use super::page_type::PageType;
use super::render::render;
use super::selection::Selection;
use super::tag::{Role, role};
use super::visibility::is_hidden;

/// What a page says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExtractedPage {
    /// The main text; empty when the page has none, which is a correct answer.
    pub text: String,
    /// What the page says about itself.
    pub metadata: Metadata,
    /// What kind of page it is; `None` for one that was not looked at.
    pub page_type: Option<PageType>,
}

/// Decodes, parses and extracts. `charset` is the label of the transport, if any. Never fails.
#[must_use]
pub fn extract_html(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> ExtractedPage {
    let dom = Dom::parse(&decode(bytes, charset));
    let selection = Selection::of(&dom, config);
    page(&dom, &selection, config)
}

/// As [`extract_html`], with what became of every block of the page.
#[must_use]
pub fn explain(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> Explanation {
    let dom = Dom::parse(&decode(bytes, charset));
    let selection = Selection::of(&dom, config);
    Explanation { page: page(&dom, &selection, config), blocks: selection.report(&dom) }
}

fn page(dom: &Dom, selection: &Selection, config: &ExtractConfig) -> ExtractedPage {
    let text =
        dom.body().map_or_else(String::new, |body| render(dom, |id| selection.keeps(id), body, config));
    ExtractedPage { text, metadata: Metadata::of(dom), page_type: Some(selection.page_type) }
}

/// The text of a whole page as a reader sees it, menus and all: nothing is judged, only what is hidden is
/// left out.
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

/// What a browser with scripts shows as text of the page itself: no controls, no dialogs, of `noscript` only the
/// images, which scripts would load.
fn is_seen(dom: &Dom, id: NodeId) -> bool {
    match dom.tag(id) {
        Some("button") => is_title(dom, id),
        Some("dialog" | "menu") => false,
        Some(_) => !is_hidden(dom, id),
        None => {
            let outer = std::iter::successors(dom.parent(id), |id| dom.parent(*id));
            !outer.take(8).any(|id| dom.tag(id) == Some("noscript"))
        }
    }
}

/// Whether a button is all that a heading begins with: then it is the title, which unfolds what is below.
fn is_title(dom: &Dom, button: NodeId) -> bool {
    let Some(heading) = dom.parent(button) else { return false };
    let before = dom.children(heading).take_while(|child| *child != button);
    matches!(dom.tag(heading).map(role), Some(Role::Heading(_)))
        && before.into_iter().all(|child| dom.text_below(child).trim().is_empty())
}

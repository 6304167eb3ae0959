//! [`extract_html`]: from the bytes of a page to its main text and metadata.

use super::boilerplate::{Hint, hint};
use super::charset::decode;
use super::config::{ExtractConfig, Mode};
use super::content_root;
use super::dom::{Dom, NodeId, WalkEvent};
use super::explain::{Decision, Explanation, blocks, name_of};
use super::metadata::Metadata;
use super::render::{render, stands_for_content};
use super::statistics::Statistics;
use super::visibility::is_hidden;

/// What a page says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExtractedPage {
    /// The main text; empty when the page has none, which is a correct answer.
    pub text: String,
    /// What the page says about itself.
    pub metadata: Metadata,
}

/// Text of fewer characters (white space not counted) is doubted when the page holds more.
const DOUBTFUL_TEXT: usize = 250;

/// Decodes, parses and extracts. `charset` is the label of the transport, if any. Never fails.
///
/// When hardly any text is left in balanced mode, the page is built in a way the hints do not fit: then the
/// answer of recall mode is taken, if it is at least twice as long.
#[must_use]
pub fn extract_html(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> ExtractedPage {
    let dom = Dom::parse(&decode(bytes, charset));
    let (text, _) = main_text(&dom, config);
    ExtractedPage { text, metadata: Metadata::of(&dom) }
}

/// As [`extract_html`], with what became of every block of the page.
#[must_use]
pub fn explain(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> Explanation {
    let dom = Dom::parse(&decode(bytes, charset));
    let (text, selection) = main_text(&dom, config);
    let blocks = blocks(&dom, dom.root(), |id| selection.decision(&dom, id, config));
    Explanation { page: ExtractedPage { text, metadata: Metadata::of(&dom) }, blocks }
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
    render(dom, |id| !is_hidden(dom, id), dom.root(), config)
}

/// What was chosen of a page.
struct Selection {
    statistics: Statistics,
    root: NodeId,
}

fn main_text(dom: &Dom, config: &ExtractConfig) -> (String, Selection) {
    let (text, selection) = select(dom, config);
    if config.mode == Mode::Balanced && length(&text) < DOUBTFUL_TEXT {
        let (recall, wider) = select(dom, &ExtractConfig { mode: Mode::Recall, ..config.clone() });
        if length(&recall) > 2 * length(&text) {
            return (recall, wider);
        }
    }
    (text, selection)
}

fn select(dom: &Dom, config: &ExtractConfig) -> (String, Selection) {
    let mut statistics = Statistics::collect(dom, config);
    let root = content_root::find(dom, &statistics);
    // The root is content even when its name is suspect.
    statistics.restore(root);
    prune(dom, &mut statistics, root, config.mode);
    let keeps = |id| !statistics.is_dropped(id) || stands_for_content(dom, id);
    let text = render(dom, keeps, root, config);
    (text, Selection { statistics, root })
}

impl Selection {
    /// Why a text node is part of the text, or not.
    fn decision(&self, dom: &Dom, text: NodeId, config: &ExtractConfig) -> Decision {
        let dropped = |reason: String| Decision { kept: false, reason, score: None };
        let mut inside = false;
        for id in std::iter::successors(dom.parent(text), |id| dom.parent(*id)) {
            if self.statistics.is_dropped(id) && !stands_for_content(dom, id) {
                let tag = dom.tag(id).unwrap_or_default();
                return dropped(match hint(dom, id, config) {
                    Hint::Drop if is_hidden(dom, id) => "hidden".to_owned(),
                    Hint::Drop => format!("never content: {tag}"),
                    Hint::Suspect => format!("boilerplate by name: {}", name_of(dom, id)),
                    Hint::Neutral => format!("mostly links: {}", name_of(dom, id)),
                });
            }
            inside |= id == self.root;
        }
        if inside {
            return Decision { kept: true, reason: String::new(), score: None };
        }
        dropped("outside of the content".to_owned())
    }
}

fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Leaves out blocks inside the content that are mostly links.
fn prune(dom: &Dom, statistics: &mut Statistics, root: NodeId, mode: Mode) {
    let limit = match mode {
        Mode::Precision => 0.4,
        Mode::Balanced => 0.6,
        Mode::Recall => 0.85,
    };
    let mut walk = dom.walk(root);
    while let Some(event) = walk.next() {
        let WalkEvent::Enter(id) = event else { continue };
        if statistics.is_dropped(id) {
            walk.skip_children(id);
            continue;
        }
        let Some(tag) = dom.tag(id) else { continue };
        let block = matches!(tag, "div" | "section" | "ul" | "ol" | "dl" | "table" | "p" | "header");
        let counts = statistics.counts(id);
        // One link in a sentence is prose; several short ones without words between them are a menu.
        if block && id != root && counts.links >= 2 && counts.link_density() > limit {
            let average = f64::from(counts.linked) / f64::from(counts.links);
            if average < 80.0 || mode == Mode::Precision {
                statistics.drop(id);
                walk.skip_children(id);
            }
        }
    }
}

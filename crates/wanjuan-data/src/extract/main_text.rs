//! [`extract_html`]: from the bytes of a page to its main text and metadata.

use super::charset::decode;
use super::config::{ExtractConfig, Mode};
use super::content_root;
use super::dom::{Dom, NodeId, WalkEvent};
use super::metadata::Metadata;
use super::render::render;
use super::statistics::Statistics;

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
    let mut text = main_text(&dom, config);
    if config.mode == Mode::Balanced && length(&text) < DOUBTFUL_TEXT {
        let recall = main_text(&dom, &ExtractConfig { mode: Mode::Recall, ..config.clone() });
        if length(&recall) > 2 * length(&text) {
            text = recall;
        }
    }
    ExtractedPage { text, metadata: Metadata::of(&dom) }
}

fn main_text(dom: &Dom, config: &ExtractConfig) -> String {
    let mut statistics = Statistics::collect(dom, config);
    let root = content_root::find(dom, &statistics);
    // The root is content even when its name is suspect.
    statistics.restore(root);
    prune(dom, &mut statistics, root, config.mode);
    render(dom, &statistics, root, config.format)
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

//! The number of tokens of a document without tokenizing all of it.
//!
//! A tokenizer reads most of a document as it has read the haystack. Only near the needles and the end the tokens can be
//! others, so a window around each of these places is tokenized and joined to the known tokens where both agree for some
//! tokens in a row. Where they never agree, the whole document is tokenized.

use std::ops::Range;

use internlm_model::TokenId;

use super::haystack::{Haystack, ends};

/// Bytes of the haystack on each side of a place that are tokenized again.
const MARGIN: usize = 256;
/// Number of equal tokens in a row after which both readings count as the same.
const AGREEMENT: usize = 6;

/// A part of a document that comes from the haystack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    /// Start in the document, in bytes.
    pub(super) start: usize,
    /// Start in the haystack, in bytes.
    pub(super) source: usize,
    /// Number of bytes.
    pub(super) length: usize,
}

/// A document and where its parts come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// The document.
    pub(super) text: String,
    /// The parts of the haystack, in order.
    spans: Vec<Span>,
}

/// A piece of the document that is tokenized again, with what is known on both sides.
struct Window {
    /// In the document, in bytes.
    text: Range<usize>,
    /// What is surely not as in the haystack, or where two parts of it meet.
    dirty: Range<usize>,
    /// The part of the haystack before; `None` at the start of the document.
    before: Option<Span>,
    /// The part of the haystack after; `None` at the end of the document.
    after: Option<Span>,
}

impl Layout {
    /// Adds a part of the haystack to the document.
    pub(super) fn push_hay(&mut self, haystack: &Haystack, span: Span) {
        if span.length > 0 {
            self.text.push_str(&haystack.text[span.source..span.source + span.length]);
            self.spans.push(span);
        }
    }

    /// Counts the tokens of the document.
    pub(super) fn count(&self, haystack: &Haystack) -> usize {
        self.count_by_windows(haystack).unwrap_or_else(|| haystack.tokens(&self.text))
    }

    fn count_by_windows(&self, haystack: &Haystack) -> Option<usize> {
        let windows = self.windows(haystack);
        let mut total = 0;
        // Token of the haystack from which the known tokens have not been counted yet.
        let mut from = 0;
        for window in windows {
            let read = Reading::new(haystack, &self.text[window.text.clone()])?;
            let first = match window.before {
                None => 0,
                Some(span) => {
                    let (own, known) = read.joins_before(haystack, &window, span)?;
                    total += known.checked_sub(from)?;
                    own
                }
            };
            let last = match window.after {
                None => read.ids.len(),
                Some(span) => {
                    let (own, known) = read.joins_after(haystack, &window, span)?;
                    from = known;
                    own
                }
            };
            total += last.checked_sub(first)?;
        }
        Some(total)
    }

    /// The windows in order. The last one always reaches the end of the document.
    fn windows(&self, haystack: &Haystack) -> Vec<Window> {
        let long: Vec<Span> = self.spans.iter().copied().filter(|span| span.length >= 4 * MARGIN).collect();
        let mut windows = Vec::with_capacity(long.len() + 1);
        let mut before: Option<Span> = None;
        for after in long.iter().copied().map(Some).chain([None]) {
            let dirty_start = before.map_or(0, |span| span.start + span.length);
            let dirty_end = after.map_or(self.text.len(), |span| span.start);
            // The start of the document is the start of the haystack: nothing to read again.
            let is_start = before.is_none() && after.is_some_and(|span| span.start == 0 && span.source == 0);
            if !is_start {
                let start =
                    before.map_or(0, |span| span.start + boundary_near(haystack, span, span.length - MARGIN));
                let end = after.map_or(dirty_end, |span| span.start + boundary_near(haystack, span, MARGIN));
                let (text, dirty) = (start..end, dirty_start..dirty_end);
                windows.push(Window { text, dirty, before, after });
            }
            before = after;
        }
        windows
    }
}

/// The end of a token and of a letter at or shortly before an offset in a part of the haystack.
fn boundary_near(haystack: &Haystack, span: Span, offset: usize) -> usize {
    let place = span.source + offset;
    let mut index = haystack.ends.partition_point(|end| *end <= place);
    while index > 0 {
        let end = haystack.ends[index - 1];
        if end <= span.source {
            break;
        }
        if haystack.text.is_char_boundary(end) {
            return end - span.source;
        }
        index -= 1;
    }
    // Every offset that is asked for is far inside of a long part, so this is only for tokens of hundreds of bytes.
    (0..=offset).rev().find(|offset| haystack.text.is_char_boundary(span.source + offset)).unwrap_or(0)
}

/// The tokens of a window.
struct Reading {
    ids: Vec<TokenId>,
    ends: Vec<usize>,
}

impl Reading {
    fn new(haystack: &Haystack, text: &str) -> Option<Self> {
        let ids = haystack.tokenizer.encode(text);
        let ends = ends(&haystack.tokenizer, &ids, text.len())?;
        Some(Self { ids, ends })
    }

    /// The first place before the dirty part from which both readings agree: number of tokens of the window before it,
    /// and of the haystack.
    fn joins_before(&self, haystack: &Haystack, window: &Window, span: Span) -> Option<(usize, usize)> {
        let limit = window.dirty.start - window.text.start;
        let shift = span.source + window.text.start - span.start;
        let candidates = (1..self.ends.len()).take_while(|index| self.ends[index - 1] < limit);
        let mut places = candidates.filter_map(|index| Some((index, self.agrees(haystack, index, shift)?)));
        places.find(|(index, _)| self.ends[(index + AGREEMENT - 1).min(self.ends.len() - 1)] <= limit)
    }

    /// The first place behind the dirty part from which both readings agree.
    fn joins_after(&self, haystack: &Haystack, window: &Window, span: Span) -> Option<(usize, usize)> {
        let start = window.dirty.end - window.text.start;
        // The window may begin further in the document than the part does in the haystack.
        let offset =
            |end: usize| (end + window.text.start).checked_sub(span.start).map(|end| end + span.source);
        let first = self.ends.partition_point(|end| *end < start) + 1;
        (first..self.ends.len()).find_map(|index| {
            let place = offset(self.ends[index - 1])?;
            Some((index, self.agrees_at(haystack, index, place)?))
        })
    }

    fn agrees(&self, haystack: &Haystack, index: usize, shift: usize) -> Option<usize> {
        self.agrees_at(haystack, index, self.ends[index - 1] + shift)
    }

    /// If the tokens of the window from `index` are those of the haystack from the byte `place`, the number of tokens of
    /// the haystack before it.
    fn agrees_at(&self, haystack: &Haystack, index: usize, place: usize) -> Option<usize> {
        let known = haystack.ends.partition_point(|end| *end < place) + 1;
        if haystack.ends.get(known - 1) != Some(&place) {
            return None;
        }
        let ours = self.ids.get(index..index + AGREEMENT)?;
        let theirs = haystack.ids.get(known..known + AGREEMENT)?;
        (ours == theirs).then_some(known)
    }
}

//! [`PagedForm`]: the sizes of the kernels over keys in blocks, which are known when they are compiled.

use crate::kernels::block_tables::{KeyFormat, KeyLayout};
use crate::kernels::device::attention::plan::{Form, UNITS};

/// Positions whose keys are added up before they meet those of other splits. A query's splits begin at multiples of it,
/// whatever else is in the batch.
pub(in crate::kernels) const SPLIT: usize = 256;
/// Numbers of queries and of keys of a tile, best first. The number of keys decides the order of additions: it follows
/// from the heads alone and is the same for one token and for many.
const TILES: [[usize; 2]; 9] =
    [[32, 32], [16, 32], [8, 32], [32, 16], [16, 16], [8, 16], [32, 8], [16, 8], [8, 8]];

/// Units of a cube that every device allows.
const MAX_UNITS: usize = 256;

/// Sizes of one kernel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct PagedForm {
    /// Heads and tiles.
    pub(super) tile: Form,
    /// Where keys and values are in a block, and how.
    pub(super) layout: KeyLayout,
    /// Keys that a query sees, its own included.
    pub(super) window: usize,
    /// What a cube visits and writes.
    pub(super) walk: Walk,
}

/// What one cube visits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Walk {
    /// Every key of a tile of queries; it writes their outputs.
    Whole,
    /// One split of the keys of one token; it writes sums that another kernel combines.
    Split,
}

impl PagedForm {
    /// For tiles of several tokens; `None` when the smallest tile of these heads does not fit in `shared` bytes, or when
    /// their numbers do not fill the words and groups of the format.
    pub(super) fn new(layout: KeyLayout, window: Option<usize>, shared: usize) -> Option<Self> {
        let (kv_heads, d) = (layout.shape.kv_heads, layout.head_dim);
        let stored = match layout.format {
            KeyFormat::F32 => true,
            KeyFormat::Bf16 | KeyFormat::F16 => d.is_multiple_of(2),
            // A cube that stores codes has a unit per number.
            KeyFormat::Int8 => d.is_multiple_of(4) && d <= MAX_UNITS,
            KeyFormat::Int4 => d.is_multiple_of(32) && d <= MAX_UNITS,
        };
        if !stored {
            return None;
        }
        let group = layout.shape.heads / kv_heads;
        let forms = TILES.iter().filter(|[queries, _]| *queries >= group);
        let mut forms =
            forms.map(|[queries, keys]| Form { kv_heads, group, d, rows: queries / group, keys: *keys });
        let tile = forms.find(|form| shared_bytes(*form) <= shared)?;
        // No sequence has as many tokens as there are numbers of 32 bits.
        let window = window.unwrap_or(u32::MAX as usize);
        Some(Self { tile, layout, window, walk: Walk::Whole })
    }

    /// The same for single tokens, split by split.
    pub(super) fn of_splits(self) -> Self {
        Self { tile: Form { rows: 1, ..self.tile }, walk: Walk::Split, ..self }
    }
}

/// One tile of queries, one of keys or values, one of scores.
fn shared_bytes(form: Form) -> usize {
    debug_assert!(form.queries() <= UNITS, "a query has a unit");
    size_of::<f32>() * ((form.queries() + form.keys) * form.d + form.queries() * form.keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heads::HeadShape;

    fn form(heads: usize, kv_heads: usize, head_dim: usize) -> Option<PagedForm> {
        form_of(KeyFormat::F32, HeadShape { heads, kv_heads }, head_dim)
    }

    fn form_of(format: KeyFormat, shape: HeadShape, head_dim: usize) -> Option<PagedForm> {
        PagedForm::new(KeyLayout { shape, head_dim, block_tokens: 64, format }, None, 32 << 10)
    }

    #[test]
    fn codes_fill_their_words_and_groups() {
        let shape = HeadShape { heads: 4, kv_heads: 2 };
        let fits = |format| [6, 80, 128, 256].map(|d| form_of(format, shape, d).is_some());
        assert_eq!(fits(KeyFormat::F32), [true, true, true, true]);
        assert_eq!(fits(KeyFormat::Bf16), [true, true, true, true]);
        assert!(form_of(KeyFormat::F16, shape, 7).is_none());
        assert_eq!(fits(KeyFormat::Int8), [false, true, true, true]);
        assert_eq!(fits(KeyFormat::Int4), [false, false, true, true]);
    }

    #[test]
    fn forms_fit_in_the_shared_memory_of_any_device_and_their_tiles_into_splits() {
        for (heads, kv_heads, d) in
            [(32, 8, 128), (8, 1, 128), (32, 1, 64), (1, 1, 2), (32, 32, 96), (8, 8, 256)]
        {
            let form = form(heads, kv_heads, d).expect("a form fits");
            assert!(shared_bytes(form.tile) <= 32 << 10 && form.tile.rows > 0, "{form:?}");
            assert_eq!(SPLIT % form.tile.keys, 0);
        }
        assert_eq!(form(64, 1, 64), None);
    }

    #[test]
    fn single_tokens_have_the_key_tiles_of_many() {
        for group in [1, 3, 8, 32] {
            let whole = form(group, 1, 128).expect("a form fits");
            let split = whole.of_splits();
            assert_eq!((split.tile.keys, split.tile.queries()), (whole.tile.keys, group));
        }
    }
}

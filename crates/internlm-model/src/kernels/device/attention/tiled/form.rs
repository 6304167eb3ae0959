//! [`TiledForm`]: the sizes of one attention kernel on tensor cores.

use crate::heads::HeadShape;
use crate::kernels::device::tile::{CHUNK, TileForm, pitch};

/// Queries or keys of one plane, and numbers along the sums of one product of fragments.
pub(super) const FRAGMENT: usize = 16;

/// Widest head: the sums of two gradients of a key need 128 registers.
const WIDEST: usize = 128;

/// Sizes that are known when a kernel is compiled. A cube owns a tile of queries, or of keys in the backward pass of the
/// keys, and visits tiles of the others.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct TiledForm {
    /// Key and value heads.
    pub(super) kv_heads: usize,
    /// Query heads of one kv head.
    pub(super) group: usize,
    /// Numbers of one head.
    pub(super) d: usize,
    /// Planes of a cube.
    pub(super) planes: usize,
    /// Keys, or queries, of a visited tile.
    pub(super) visited: usize,
    /// How tiles are multiplied.
    pub(super) form: TileForm,
}

impl TiledForm {
    /// Sizes for heads; `None` for heads that tiles do not fit. `planes` and `visited` are those of the kernel.
    pub(super) fn new(
        shape: HeadShape,
        d: usize,
        [planes, visited]: [usize; 2],
        form: TileForm,
    ) -> Option<Self> {
        let HeadShape { heads, kv_heads } = shape;
        let group = heads / kv_heads;
        let fits = d.is_multiple_of(FRAGMENT) && d <= WIDEST && group <= visited.min(planes * FRAGMENT);
        fits.then_some(Self { kv_heads, group, d, planes, visited, form })
    }

    /// Queries or keys that a cube owns.
    pub(super) fn owned(self) -> usize {
        self.planes * FRAGMENT
    }

    /// Units of a cube.
    pub(super) fn units(self) -> usize {
        self.planes * crate::kernels::device::tile::LANES
    }

    /// Tokens of a tile of `queries` queries; some of the last queries have no token.
    pub(super) fn tokens(self, queries: usize) -> usize {
        queries / self.group
    }

    /// Slots of `d` numbers in the projection of one token that belong to one kv head.
    pub(super) fn slots(self) -> usize {
        self.group + 2
    }

    /// Chunks of one query or key.
    pub(super) fn chunks(self) -> usize {
        self.d / CHUNK
    }

    /// Chunks from one query or key to the next in shared memory.
    pub(super) fn pitch(self) -> usize {
        pitch(self.d)
    }

    /// Elements in shared memory of a tile of `count` queries or keys.
    pub(super) fn elements(self, count: usize) -> usize {
        count * self.pitch() * CHUNK / self.form.vector()
    }

    /// Pairs of registers of the sums of one plane over `columns` columns.
    pub(super) fn registers(self, columns: usize) -> usize {
        columns / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_tiles_do_not_fit_are_refused() {
        let form = |heads, kv_heads, d| {
            TiledForm::new(HeadShape { heads, kv_heads }, d, [4, 32], TileForm::Emulated)
        };
        for (heads, kv_heads, d) in [(32, 8, 128), (48, 8, 128), (32, 2, 128), (9, 3, 64), (32, 32, 80)] {
            let form = form(heads, kv_heads, d).expect("the heads fit");
            assert!(form.tokens(form.visited) > 0 && form.tokens(form.owned()) > 0);
        }
        assert_eq!(form(4, 4, 24), None);
        assert_eq!(form(4, 4, 256), None);
        assert_eq!(form(40, 1, 64), None);
    }
}

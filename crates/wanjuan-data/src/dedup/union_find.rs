//! [`UnionFind`]: connected components whose name does not depend on the order of the edges.

/// Disjoint sets of 0..n; the root of a set is its smallest member.
#[derive(Debug)]
pub(super) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// n sets of one.
    pub(super) fn new(n: usize) -> Self {
        Self { parents: (0..n as u32).collect() }
    }

    /// Smallest member of the set of `x`; halves the path on the way.
    pub(super) fn find(&mut self, mut x: u32) -> u32 {
        while self.parents[x as usize] != x {
            let grandparent = self.parents[self.parents[x as usize] as usize];
            self.parents[x as usize] = grandparent;
            x = grandparent;
        }
        x
    }

    /// Joins the sets of `x` and `y`.
    pub(super) fn union(&mut self, x: u32, y: u32) {
        let (x, y) = (self.find(x), self.find(y));
        self.parents[x.max(y) as usize] = x.min(y);
    }
}

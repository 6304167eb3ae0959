//! [`UnionFind`]: connected components whose name does not depend on the order of the edges.

/// Disjoint sets of 0..n; the root of a set is its smallest member.
#[derive(Debug)]
pub(super) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// Every number in a set of its own.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against repeated relabelling; the root is the smallest member whatever the order of the edges.
        #[test]
        fn sets_are_connected_components(edges in prop::collection::vec((0_u32..12, 0_u32..12), 0..16)) {
            let mut names: Vec<u32> = (0..12).collect();
            for _ in 0..12 {
                for (a, b) in &edges {
                    let least = names[*a as usize].min(names[*b as usize]);
                    (names[*a as usize], names[*b as usize]) = (least, least);
                }
            }
            for reversed in [false, true] {
                let mut sets = UnionFind::new(12);
                let mut edges = edges.clone();
                if reversed {
                    edges.reverse();
                }
                edges.iter().for_each(|(a, b)| sets.union(*a, *b));
                let roots: Vec<u32> = (0..12).map(|x| sets.find(x)).collect();
                prop_assert_eq!(&roots, &names);
            }
        }
    }
}

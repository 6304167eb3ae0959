//! [`Share`]: which parts of a run are this worker's.

use crate::{Error, Result};

/// One of several workers, perhaps on several machines, that write into one output folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    rank: usize,
    world: usize,
}

impl Share {
    /// Worker `rank`, counted from 0, of `world` workers. Parts are dealt in turn: worker 1 of 3 gets parts 1, 4, 7.
    ///
    /// # Errors
    /// A rank that is not below the number of workers.
    pub fn new(rank: usize, world: usize) -> Result<Self> {
        if rank >= world {
            return Err(Error::Usage {
                option: "--rank",
                found: format!("{rank} of {world} workers"),
                expected: "a rank below the number of workers, counted from 0".to_owned(),
            });
        }
        Ok(Self { rank, world })
    }

    /// This worker's number, from 0.
    #[must_use]
    pub fn rank(self) -> usize {
        self.rank
    }

    /// The number of workers that share the run.
    #[must_use]
    pub fn world(self) -> usize {
        self.world
    }

    /// Whether part `index` is this worker's.
    pub(super) fn has(self, index: usize) -> bool {
        index % self.world == self.rank
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_part_belongs_to_exactly_one_worker(world in 1_usize..20, index in 0_usize..10_000) {
            let owners = (0..world).filter(|rank| Share::new(*rank, world).expect("is below").has(index));
            prop_assert_eq!(owners.count(), 1);
        }
    }

    #[test]
    fn ranks_count_from_zero() {
        let error = Share::new(2, 2).expect_err("is not below").to_string();
        assert_eq!(
            error,
            "--rank: found 2 of 2 workers, expected a rank below the number of workers, counted from 0"
        );
        assert!(Share::new(0, 0).is_err());
    }
}

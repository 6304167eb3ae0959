//! Cutting a tensor into equal shards along one dimension, and joining them again.

/// A row-major tensor seen along one dimension: `outer` runs of `size` slices of `inner` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    outer: usize,
    /// Bytes of one run.
    run: usize,
}

impl Along {
    /// `shape` along dimension `dim`; `width` is the size of one number in bytes.
    pub(super) fn new(shape: &[usize], dim: usize, width: usize) -> Self {
        Self { outer: shape[..dim].iter().product(), run: shape[dim..].iter().product::<usize>() * width }
    }

    /// Shard `index` of `count`.
    pub(super) fn cut(self, bytes: &[u8], index: usize, count: usize) -> Vec<u8> {
        let part = self.run / count;
        let mut shard = Vec::with_capacity(self.outer * part);
        for run in bytes.chunks_exact(self.run.max(1)) {
            shard.extend_from_slice(&run[index * part..(index + 1) * part]);
        }
        shard
    }

    /// The tensor from all of its shards.
    pub(super) fn join(self, shards: &[&[u8]]) -> Vec<u8> {
        let part = self.run / shards.len().max(1);
        let mut bytes = Vec::with_capacity(self.outer * self.run);
        for outer in 0..self.outer {
            for shard in shards {
                bytes.extend_from_slice(&shard[outer * part..(outer + 1) * part]);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_rows_come_back() {
        let bytes: Vec<u8> = (0..48).collect();
        for (dim, count, second) in [(0, 2, 24_u8), (1, 3, 4)] {
            let along = Along::new(&[4, 6], dim, 2);
            let shards: Vec<Vec<u8>> = (0..count).map(|index| along.cut(&bytes, index, count)).collect();
            assert_eq!(shards[1][0], second);
            let shards: Vec<&[u8]> = shards.iter().map(Vec::as_slice).collect();
            assert_eq!(along.join(&shards), bytes);
        }
    }
}

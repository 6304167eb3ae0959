//! [`Trees`]: boosted oblivious decision trees, evaluated for all blocks of a page at once.
//!
//! In an oblivious tree (CatBoost, arXiv 1810.11363) all nodes of a level ask the same question, so the number of the
//! leaf has one bit per level. There are no branches, and the blocks of a page go through a tree side by side. Each
//! feature is replaced by the number of learned borders that it exceeds, which fits into a byte.
//!
//! File format, little endian, written by `training/train_blocks.py`: `WDTREES1`, u16 number of features, u16 number
//! of trees, f32 bias, f32 step; per feature u8 n and n f32 borders; per tree u8 depth, depth times (u8 feature, u8
//! border), 2^depth i16 leaf values in steps.

/// Maximum depth of a tree: the number of a leaf is a byte.
const MAX_DEPTH: usize = 8;

/// A sum of trees. Its sigmoid is a probability.
#[derive(Debug)]
pub(crate) struct Trees {
    /// Added to every sum.
    bias: f32,
    /// Unit of the leaf values.
    step: f32,
    /// For each feature, ascending.
    borders: Vec<Vec<f32>>,
    trees: Vec<Tree>,
}

#[derive(Debug)]
struct Tree {
    /// One per level, from the lowest bit of the number of the leaf.
    splits: Vec<Split>,
    /// One value per byte, so that a lookup needs no bounds check. Values beyond the depth are never read.
    leaves: Box<[i16; 256]>,
}

/// The question of a level: does the feature exceed the border with this number?
#[derive(Debug)]
struct Split {
    feature: u8,
    border: u8,
}

/// Reads the parts of a file one after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}

impl Trees {
    /// Reads all sums of trees of a file, each over `width` features. `None` if the bytes are anything else.
    pub(crate) fn read_all(bytes: &[u8], width: usize) -> Option<Vec<Self>> {
        let mut reader = Reader(bytes);
        let mut all = Vec::new();
        while !reader.0.is_empty() {
            all.push(Self::read(&mut reader, width)?);
        }
        Some(all)
    }

    fn read(reader: &mut Reader<'_>, width: usize) -> Option<Self> {
        if reader.take(8)? != b"WDTREES1" || usize::from(u16::from_le_bytes(reader.array()?)) != width {
            return None;
        }
        let count = u16::from_le_bytes(reader.array()?);
        let bias = f32::from_le_bytes(reader.array()?);
        let step = f32::from_le_bytes(reader.array()?);
        let mut borders = Vec::with_capacity(width);
        for _ in 0..width {
            let count = reader.byte()?;
            let of_feature: Option<Vec<f32>> =
                (0..count).map(|_| reader.array().map(f32::from_le_bytes)).collect();
            borders.push(of_feature?);
        }
        let trees = (0..count).map(|_| Tree::read(reader, &borders)).collect::<Option<_>>()?;
        Some(Self { bias, step, borders, trees })
    }

    /// One probability per row. `values` has the features of a row side by side.
    pub(crate) fn probabilities(&self, values: &[f32]) -> Vec<f32> {
        let width = self.borders.len();
        let rows = values.len() / width;
        let bins = self.bins(values, rows);
        let mut sums = vec![0_i32; rows];
        let mut leaves = vec![0_u8; rows];
        for tree in &self.trees {
            leaves.fill(0);
            for (bit, split) in tree.splits.iter().enumerate() {
                let start = usize::from(split.feature) * rows;
                for (leaf, bin) in leaves.iter_mut().zip(&bins[start..start + rows]) {
                    *leaf |= u8::from(*bin > split.border) << bit;
                }
            }
            for (sum, leaf) in sums.iter_mut().zip(&leaves) {
                *sum += i32::from(tree.leaves[usize::from(*leaf)]);
            }
        }
        let probability = |sum: &i32| 1.0 / (1.0 + (-(self.bias + *sum as f32 * self.step)).exp());
        sums.iter().map(probability).collect()
    }

    /// For each feature, the number of borders below the value of each row.
    fn bins(&self, values: &[f32], rows: usize) -> Vec<u8> {
        let width = self.borders.len();
        let mut bins = vec![0_u8; width * rows];
        let mut column = vec![0.0_f32; rows];
        // As wide as the values, so that the compiler compares and adds for several rows at once.
        let mut counts = vec![0_u32; rows];
        for (feature, borders) in self.borders.iter().enumerate() {
            if borders.is_empty() {
                continue;
            }
            for (value, row) in column.iter_mut().zip(values.chunks_exact(width)) {
                *value = row[feature];
            }
            counts.fill(0);
            for border in borders {
                for (count, value) in counts.iter_mut().zip(&column) {
                    *count += u32::from(value > border);
                }
            }
            for (bin, count) in bins[feature * rows..].iter_mut().zip(&counts) {
                *bin = *count as u8;
            }
        }
        bins
    }
}

impl Tree {
    fn read(reader: &mut Reader<'_>, borders: &[Vec<f32>]) -> Option<Self> {
        let depth = usize::from(reader.byte()?);
        if depth > MAX_DEPTH {
            return None;
        }
        let mut splits = Vec::with_capacity(depth);
        for _ in 0..depth {
            let [feature, border] = reader.array()?;
            if usize::from(border) >= borders.get(usize::from(feature))?.len() {
                return None;
            }
            splits.push(Split { feature, border });
        }
        let mut leaves = Box::new([0; 256]);
        for leaf in &mut leaves[..1 << depth] {
            *leaf = i16::from_le_bytes(reader.array()?);
        }
        Some(Self { splits, leaves })
    }
}

#[cfg(test)]
mod tests;

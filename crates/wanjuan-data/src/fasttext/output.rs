//! [`Output`]: from the hidden vector to the best label, by softmax, sigmoids or a Huffman tree.
//!
//! Follows `src/loss.cc` of fastText 0.9.2; its hierarchical softmax is Huffman coding of the labels by count.

use super::format::{LossName, Matrix};

/// What fastText adds to a probability before taking the logarithm.
const EPSILON: f64 = 1e-5;

/// The output layer.
pub(super) struct Output {
    values: Vec<f32>,
    labels: usize,
    loss: LossName,
    /// Children of the inner nodes of the tree; leaves are labels, inner nodes follow them.
    tree: Vec<[u32; 2]>,
}

impl Output {
    /// `counts` are in the order of the labels, from the most frequent to the rarest.
    pub(super) fn new(matrix: Matrix, loss: LossName, counts: &[u64]) -> Self {
        let tree = if loss == LossName::Hierarchical { huffman(counts) } else { Vec::new() };
        Self { values: matrix.values, labels: counts.len(), loss, tree }
    }

    /// The best label and its probability; `None` when the numbers overflow.
    pub(super) fn best(&self, hidden: &[f32]) -> Option<(usize, f32)> {
        let best = match self.loss {
            LossName::Hierarchical => self.search_tree(hidden),
            LossName::Softmax => self.softmax(hidden),
            LossName::OneVersusAll => {
                self.largest(hidden).map(|(label, score)| (label, table_sigmoid(score)))
            }
        };
        best.filter(|(_, probability)| probability.is_finite())
    }

    fn dot(&self, hidden: &[f32], row: usize) -> f32 {
        let row = &self.values[row * hidden.len()..][..hidden.len()];
        row.iter().zip(hidden).map(|(a, b)| a * b).sum()
    }

    fn largest(&self, hidden: &[f32]) -> Option<(usize, f32)> {
        let scores = (0..self.labels).map(|label| (label, self.dot(hidden, label)));
        scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    fn softmax(&self, hidden: &[f32]) -> Option<(usize, f32)> {
        let (label, top) = self.largest(hidden)?;
        let sum: f32 = (0..self.labels).map(|label| (self.dot(hidden, label) - top).exp()).sum();
        Some((label, 1.0 / sum))
    }

    /// The most probable leaf, leaving out branches that are already less probable than the best one.
    fn search_tree(&self, hidden: &[f32]) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        // The last node is the root.
        let mut stack = vec![(self.labels + self.tree.len() - 1, 0.0_f32)];
        while let Some((node, score)) = stack.pop() {
            if best.is_some_and(|(_, best)| score < best) {
                continue;
            }
            let Some(inner) = node.checked_sub(self.labels) else {
                best = Some((node, score));
                continue;
            };
            let right = sigmoid(self.dot(hidden, inner));
            let log = |probability: f32| (f64::from(probability) + EPSILON).ln() as f32;
            let [left_child, right_child] = self.tree[inner];
            stack.push((right_child as usize, score + log(right)));
            stack.push((left_child as usize, score + log((1.0 - f64::from(right)) as f32)));
        }
        best.map(|(label, score)| (label, score.exp()))
    }
}

/// The sigmoid as fastText looks it up: in steps of 1/32, cut at -8 and 8.
fn table_sigmoid(score: f32) -> f32 {
    match score {
        ..-8.0 => 0.0,
        8.0.. => 1.0,
        _ => sigmoid((score * 32.0).floor() / 32.0),
    }
}

fn sigmoid(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}

/// Joins the two rarest nodes until one is left. Counts fall, so leaves are taken from the end and inner
/// nodes, whose counts rise, from the beginning; among equal counts the inner node comes first.
fn huffman(counts: &[u64]) -> Vec<[u32; 2]> {
    let mut tree: Vec<[u32; 2]> = Vec::with_capacity(counts.len().saturating_sub(1));
    let mut sums: Vec<u64> = Vec::with_capacity(tree.capacity());
    let (mut leaves, mut first_inner) = (counts.len(), 0);
    while tree.len() + 1 < counts.len() {
        let mut sum = 0_u64;
        let mut take = || {
            let inner = sums.get(first_inner).copied().unwrap_or(u64::MAX);
            if leaves > 0 && counts[leaves - 1] < inner {
                leaves -= 1;
                sum = sum.saturating_add(counts[leaves]);
                return leaves as u32;
            }
            first_inner += 1;
            sum = sum.saturating_add(inner);
            (counts.len() + first_inner - 1) as u32
        };
        tree.push([take(), take()]);
        sums.push(sum);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_labels_lie_deep() {
        assert_eq!(huffman(&[8, 4, 2, 1]), [[3, 2], [4, 1], [5, 0]]);
        // The inner node of 2 and 2 is as rare as the label of 4, and comes first.
        assert_eq!(huffman(&[4, 2, 2]), [[2, 1], [3, 0]]);
        assert!(huffman(&[7]).is_empty());
    }

    #[test]
    fn probabilities_of_the_three_losses() {
        let values = vec![0.0, 1.0, -1.0];
        let of = |loss| {
            let matrix = Matrix { rows: 3, values: values.clone() };
            Output::new(matrix, loss, &[3, 2, 1]).best(&[1.0]).expect("is finite")
        };
        let (label, softmax) = of(LossName::Softmax);
        assert!(label == 1 && (softmax - 0.665_24).abs() < 1e-5, "{softmax}");
        let (label, sigmoid) = of(LossName::OneVersusAll);
        assert!(label == 1 && (sigmoid - 0.731_06).abs() < 1e-5, "{sigmoid}");
        // The root (row 1) goes right with .731 to label 0 (3 is as many as 1 + 2, which come first).
        let (label, tree) = of(LossName::Hierarchical);
        assert!(label == 0 && (tree - 0.731_07).abs() < 1e-4, "{tree}");
    }
}

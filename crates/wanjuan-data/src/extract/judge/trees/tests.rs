//! Trees against their definition, and damaged files.

use proptest::prelude::*;

use super::*;

/// Two features, one tree of depth 2: leaf = (x0 > 1) + 2 (x1 > 10).
fn file() -> Vec<u8> {
    let mut file = b"WDTREES1".to_vec();
    file.extend([2, 0, 1, 0]);
    file.extend(0.5_f32.to_le_bytes());
    file.extend(0.25_f32.to_le_bytes());
    for border in [1.0_f32, 10.0] {
        file.push(1);
        file.extend(border.to_le_bytes());
    }
    file.extend([2, 0, 0, 1, 0]);
    for leaf in [0_i16, 4, -8, 12] {
        file.extend(leaf.to_le_bytes());
    }
    file
}

#[test]
fn a_tree_is_a_number_of_bits() {
    let all = Trees::read_all(&[file(), file()].concat(), 2).expect("reads");
    assert_eq!(all.len(), 2);
    let found = all[1].probabilities(&[0.0, 0.0, 2.0, 10.0, 1.0, 11.0, 2.0, 11.0]);
    let expected = [0.5_f32, 1.5, -1.5, 3.5].map(|x| 1.0 / (1.0 + (-x).exp()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn anything_else_is_refused() {
    let file = file();
    assert!(Trees::read_all(&file, 3).is_none());
    for length in 1..file.len() {
        assert!(Trees::read_all(&file[..length], 2).is_none(), "{length} bytes");
    }
}

/// A file of one sum of trees.
fn write(borders: &[Vec<f32>], trees: &[RawTree]) -> Vec<u8> {
    let mut file = b"WDTREES1".to_vec();
    file.extend((borders.len() as u16).to_le_bytes());
    file.extend((trees.len() as u16).to_le_bytes());
    file.extend(0.25_f32.to_le_bytes());
    file.extend(0.125_f32.to_le_bytes());
    for borders in borders {
        file.push(borders.len() as u8);
        file.extend(borders.iter().flat_map(|border| border.to_le_bytes()));
    }
    for tree in trees {
        file.push(tree.splits.len() as u8);
        file.extend(tree.splits.iter().flat_map(|split| [split.0, split.1]));
        file.extend(tree.leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
    }
    file
}

#[derive(Clone, Debug)]
struct RawTree {
    splits: Vec<(u8, u8)>,
    leaves: Vec<i16>,
}

const FEATURES: usize = 3;
const BORDERS: usize = 4;

fn raw_tree() -> impl Strategy<Value = RawTree> {
    (0..=4_usize).prop_flat_map(|depth| {
        let split = (0..FEATURES as u8, 0..BORDERS as u8);
        let splits = prop::collection::vec(split, depth);
        let leaves = prop::collection::vec(-500..500_i16, 1 << depth);
        (splits, leaves).prop_map(|(splits, leaves)| RawTree { splits, leaves })
    })
}

proptest! {
    /// All rows at once give what each row gives by walking down the trees, question after question.
    #[test]
    fn rows_side_by_side_equal_rows_one_by_one(
        trees in prop::collection::vec(raw_tree(), 1..6),
        rows in prop::collection::vec(prop::array::uniform3(-3.0..6.0_f32), 0..20),
    ) {
        let borders: Vec<Vec<f32>> = (0..FEATURES).map(|f| (0..BORDERS).map(|b| (b + f) as f32).collect()).collect();
        let read = Trees::read_all(&write(&borders, &trees), FEATURES).expect("reads");
        let values: Vec<f32> = rows.iter().flatten().copied().collect();
        let found = read[0].probabilities(&values);
        prop_assert_eq!(found.len(), rows.len());
        for (found, row) in found.iter().zip(&rows) {
            let leaf = |tree: &RawTree| {
                let exceeds = |(feature, border): &(u8, u8)| {
                    row[usize::from(*feature)] > borders[usize::from(*feature)][usize::from(*border)]
                };
                let bits = tree.splits.iter().enumerate().map(|(bit, split)| usize::from(exceeds(split)) << bit);
                i32::from(tree.leaves[bits.sum::<usize>()])
            };
            let sum: i32 = trees.iter().map(leaf).sum();
            let expected = 1.0 / (1.0 + (-(0.25 + sum as f32 * 0.125)).exp());
            prop_assert_eq!(*found, expected);
            prop_assert!((0.0..=1.0).contains(found));
        }
    }

    /// A damaged file is refused or read, but never a panic, neither then nor when it is used.
    #[test]
    fn damage_is_harmless(at in 0..200_usize, byte in any::<u8>(), tree in raw_tree()) {
        let borders = vec![vec![0.0; BORDERS]; FEATURES];
        let mut file = write(&borders, &[tree]);
        let at = at % file.len();
        file[at] = byte;
        for trees in Trees::read_all(&file, FEATURES).into_iter().flatten() {
            prop_assert_eq!(trees.probabilities(&[1.0; FEATURES * 2]).len(), 2);
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let borders = vec![vec![0.0; BORDERS]; FEATURES];
    let file = |split| write(&borders, &[RawTree { splits: vec![split], leaves: vec![0, 1] }]);
    assert!(Trees::read_all(&file((2, 3)), FEATURES).is_some());
    assert!(Trees::read_all(&file((3, 0)), FEATURES).is_none(), "there is no such feature");
    assert!(Trees::read_all(&file((0, 4)), FEATURES).is_none(), "there is no such border");
    let deep = RawTree { splits: vec![(0, 0); MAX_DEPTH + 1], leaves: vec![0; 2 << MAX_DEPTH] };
    assert!(Trees::read_all(&write(&borders, &[deep]), FEATURES).is_none());
    let deepest = RawTree { splits: vec![(0, 0); MAX_DEPTH], leaves: vec![7; 1 << MAX_DEPTH] };
    assert!(Trees::read_all(&write(&borders, &[deepest]), FEATURES).is_some());
}

#[test]
fn a_border_must_be_exceeded() {
    let borders = vec![vec![1.0, 2.0, 3.0, 4.0]; FEATURES];
    let tree = RawTree { splits: vec![(1, 2)], leaves: vec![-8, 8] };
    let read = Trees::read_all(&write(&borders, &[tree]), FEATURES).expect("reads");
    let found = read[0].probabilities(&[9.0, 3.0, 9.0, 0.0, 3.0001, 0.0]);
    assert!(found[0] < 0.5 && found[1] > 0.5, "{found:?}");
}

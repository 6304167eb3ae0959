//! Alignments of two texts: the cheapest ways to turn one into the other, letter by letter.
//!
//! A letter is kept, deleted (1), inserted (1) or replaced (0 to 2, see [`Letters`]); a group of k letters changes its
//! order at a cost of k - 1. All ways of equal cost count.

use std::collections::HashMap;

use super::letters::{Known, Letters};

/// Number of ways above which the texts count as not comparable. Upstream gives up after ten seconds.
const WAYS: u64 = 20_000;
/// Difference of the lengths above which only the first of the cheapest ways is looked at.
const FAR_APART: usize = 10;

/// What happens to letters.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    /// They are kept.
    Keep,
    /// They are deleted.
    Delete,
    /// They are inserted.
    Insert,
    /// They are replaced.
    Replace,
    /// They change their order.
    Move,
}

/// A change of a part of the source into a part of the target.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Change {
    /// What happens.
    pub(super) kind: Kind,
    /// Begin and end in the source.
    pub(super) source: (usize, usize),
    /// Begin and end in the target.
    pub(super) target: (usize, usize),
}

/// One step towards the beginning of both texts: its kind, and the number of letters it takes from each.
type Step = (Kind, usize, usize);

/// Kinds of steps in the order in which ways are followed.
const KINDS: [Kind; 5] = [Kind::Keep, Kind::Move, Kind::Replace, Kind::Insert, Kind::Delete];

/// The cheapest last steps for a beginning of both texts, without memory of their own: there are many beginnings.
#[derive(Clone, Copy, Default)]
struct Steps {
    /// A bit for each of [`KINDS`].
    kinds: u8,
    /// Number of letters that change their order.
    moved: u32,
}

impl Steps {
    fn of(kind: Kind) -> Self {
        let mut steps = Self::default();
        steps.add((kind, 0, 0));
        steps
    }

    fn add(&mut self, (kind, size, _): Step) {
        self.kinds |= 1 << kind as u8;
        if kind == Kind::Move {
            self.moved = size as u32;
        }
    }

    fn len(self) -> usize {
        self.kinds.count_ones() as usize
    }

    fn iter(self) -> impl Iterator<Item = Step> {
        KINDS.into_iter().filter(move |kind| self.kinds & (1 << *kind as u8) != 0).map(move |kind| match kind
        {
            Kind::Keep | Kind::Replace => (kind, 1, 1),
            Kind::Move => (kind, self.moved as usize, self.moved as usize),
            Kind::Insert => (kind, 0, 1),
            Kind::Delete => (kind, 1, 0),
        })
    }
}

/// The cheapest last steps for all beginnings of both texts.
struct Table {
    steps: Vec<Steps>,
    width: usize,
}

/// Returns all cheapest alignments, in upstream's order. `None` if there are too many.
pub(super) fn alignments(letters: &Letters, source: &[char], target: &[char]) -> Option<Vec<Vec<Change>>> {
    let table = Table::new(letters, source, target);
    let every = source.len().abs_diff(target.len()) <= FAR_APART;
    if every && table.ways(source.len()) > WAYS {
        return None;
    }
    Some(table.walk((source.len(), target.len()), every))
}

impl Table {
    fn new(letters: &Letters, source: &[char], target: &[char]) -> Self {
        let width = target.len() + 1;
        let mut costs = vec![0.0_f64; (source.len() + 1) * width];
        let mut steps = vec![Steps::default(); costs.len()];
        let known: [Vec<Known<'_>>; 2] =
            [source, target].map(|text| text.iter().map(|letter| letters.known(*letter)).collect());
        let mut groups = Groups::new(source, target);
        for i in 1..=source.len() {
            costs[i * width] = i as f64;
            steps[i * width] = Steps::of(Kind::Delete);
        }
        for (j, (cost, step)) in costs.iter_mut().zip(&mut steps).enumerate().take(width).skip(1) {
            *cost = j as f64;
            *step = Steps::of(Kind::Insert);
        }
        for (i, left) in source.iter().enumerate() {
            groups.begin_row(&costs, i);
            for (j, right) in target.iter().enumerate() {
                let cell = (i + 1) * width + j + 1;
                let diagonal = cell - width - 1;
                if left == right {
                    costs[cell] = costs[diagonal];
                    steps[cell] = Steps::of(Kind::Keep);
                    groups.keep(j);
                    continue;
                }
                let (move_cost, size) = groups.moved(&costs, (i, j)).unwrap_or((f64::INFINITY, 0));
                let ways = [
                    (move_cost, (Kind::Move, size, size)),
                    (costs[diagonal] + known[0][i].replacement(&known[1][j]), (Kind::Replace, 1, 1)),
                    (costs[cell - 1] + 1.0, (Kind::Insert, 0, 1)),
                    (costs[cell - width] + 1.0, (Kind::Delete, 1, 0)),
                ];
                let least = ways.iter().map(|(cost, _)| *cost).fold(f64::INFINITY, f64::min);
                costs[cell] = least;
                let cheapest = ways.into_iter().filter(|(cost, _)| cost.total_cmp(&least).is_eq());
                cheapest.for_each(|(_, step)| steps[cell].add(step));
            }
        }
        Self { steps, width }
    }

    /// The number of alignments.
    fn ways(&self, length: usize) -> u64 {
        let mut ways = vec![0_u64; self.steps.len()];
        ways[0] = 1;
        for i in 0..=length {
            for j in 0..self.width {
                let cell = i * self.width + j;
                for (_, down, right) in self.steps[cell].iter() {
                    ways[cell] = ways[cell].saturating_add(ways[cell - down * self.width - right]);
                }
            }
        }
        ways.last().copied().unwrap_or(0)
    }

    /// Follows the steps from the end to the beginning, depth first.
    fn walk(&self, end: (usize, usize), every: bool) -> Vec<Vec<Change>> {
        let mut found = Vec::new();
        let mut path: Vec<Change> = Vec::new();
        // Cells on the way, each with the number of its steps that were tried.
        let mut stack = vec![(end, 0_usize)];
        while let Some(((i, j), tried)) = stack.last_mut() {
            let (i, j) = (*i, *j);
            let steps = self.steps[i * self.width + j];
            if i + j == 0 && *tried == 0 {
                found.push(path.iter().rev().copied().collect());
            }
            let last = if every { steps.len() } else { steps.len().min(1) };
            let next = steps.iter().take(last).nth(*tried);
            let Some((kind, down, right)) = next else {
                stack.pop();
                path.pop();
                continue;
            };
            *tried += 1;
            path.push(Change { kind, source: (i - down, i), target: (j - right, j) });
            stack.push(((i - down, j - right), 0));
        }
        found
    }
}

/// The search for groups of letters that change their order.
///
/// A group ends at a place of each text, holds the same letters in both, and is left by no step that costs nothing.
struct Groups {
    /// Both texts with their letters as numbers.
    source: Vec<usize>,
    target: Vec<usize>,
    /// How often the source has each letter more than the target, within the group.
    surplus: Vec<i32>,
    /// Number of letters whose surplus is not 0.
    open: usize,
    /// The last place of each letter in the rows so far.
    last_in_source: Vec<Option<usize>>,
    /// The last place in the target so far of the row's letter.
    last_in_target: Option<usize>,
    /// For each cell of the row above, the number of steps along the diagonal before one that costs nothing.
    reach: Vec<usize>,
}

impl Groups {
    fn new(source: &[char], target: &[char]) -> Self {
        let mut numbers: HashMap<char, usize> = HashMap::new();
        let mut number = |letter: &char| {
            let next = numbers.len();
            *numbers.entry(*letter).or_insert(next)
        };
        let source: Vec<usize> = source.iter().map(&mut number).collect();
        let target: Vec<usize> = target.iter().map(&mut number).collect();
        Self {
            surplus: vec![0; numbers.len()],
            open: 0,
            last_in_source: vec![None; numbers.len()],
            last_in_target: None,
            reach: vec![0; target.len() + 1],
            source,
            target,
        }
    }

    /// Starts with a letter of the source. The costs of the row above are known.
    fn begin_row(&mut self, costs: &[f64], i: usize) {
        self.last_in_source[self.source[i]] = Some(i);
        self.last_in_target = None;
        if i == 0 {
            return;
        }
        let width = self.reach.len();
        for j in (1..width).rev() {
            let cell = i * width + j;
            let is_free = costs[cell].total_cmp(&costs[cell - width - 1]).is_eq();
            self.reach[j] = if is_free { 0 } else { self.reach[j - 1] + 1 };
        }
    }

    /// Notes that the row's letter is at this place of the target.
    fn keep(&mut self, j: usize) {
        self.last_in_target = Some(j);
    }

    /// Looks for the shortest group that ends at two places. Returns the cost up to its end and its size.
    fn moved(&mut self, costs: &[f64], (i, j): (usize, usize)) -> Option<(f64, usize)> {
        // The last letter of each text must be in the other's part of the group.
        let least = (j - self.last_in_target?).max(i - self.last_in_source[self.target[j]]?);
        let reach = self.reach[j];
        if least > reach {
            return None;
        }
        let width = self.reach.len();
        let size = (0..=reach).find(|&k| {
            self.pair((i - k, j - k), 1);
            self.open == 0
        });
        for k in 0..=size.unwrap_or(reach) {
            self.pair((i - k, j - k), -1);
        }
        size.map(|k| (costs[(i - k) * width + j - k] + k as f64, k + 1))
    }

    /// Takes a letter of each text into account.
    fn pair(&mut self, (i, j): (usize, usize), number: i32) {
        self.add(self.source[i], number);
        self.add(self.target[j], -number);
    }

    fn add(&mut self, letter: usize, number: i32) {
        let before = self.surplus[letter];
        self.surplus[letter] += number;
        match (before, self.surplus[letter]) {
            (0, _) => self.open += 1,
            (_, 0) => self.open -= 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(source: &str, target: &str) -> Vec<Vec<Change>> {
        let (source, target): (Vec<char>, Vec<char>) = (source.chars().collect(), target.chars().collect());
        alignments(&Letters::default(), &source, &target).expect("few ways")
    }

    #[test]
    fn letters_are_kept_replaced_inserted_deleted_and_moved() {
        let kinds = |source, target| {
            let first = ways(source, target).into_iter().next().expect("a way");
            first.into_iter().map(|change| change.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds("甲乙丙", "甲丁丙"), [Kind::Keep, Kind::Replace, Kind::Keep]);
        assert_eq!(kinds("甲丙", "甲乙丙"), [Kind::Keep, Kind::Insert, Kind::Keep]);
        assert_eq!(kinds("甲乙丙", "甲丙"), [Kind::Keep, Kind::Delete, Kind::Keep]);
        assert_eq!(kinds("甲乙丙", "乙甲丙"), [Kind::Move, Kind::Keep]);
        assert!(kinds("", "").is_empty());
    }

    #[test]
    fn all_ways_of_equal_cost_are_found() {
        // Either of the two letters may be the inserted one.
        assert_eq!(ways("甲甲", "甲甲甲").len(), 1);
        assert_eq!(ways("甲", "乙丙").len(), 2);
        let changes = &ways("甲乙", "甲")[0];
        assert_eq!(changes[1], Change { kind: Kind::Delete, source: (1, 2), target: (1, 1) });
    }
}

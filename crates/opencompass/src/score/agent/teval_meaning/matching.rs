//! Matchings of two lists by weights, and the longest part of one that rises.

/// Finds the matching of rows and columns with the largest sum of weights (Kuhn 1955, the Hungarian method). A row whose
/// partner would add nothing stays alone.
pub(super) fn matched(weights: &[Vec<f64>]) -> Vec<Option<usize>> {
    let height = weights.len();
    let width = weights.first().map_or(0, Vec::len);
    let size = height.max(width);
    let weight =
        |row: usize, column: usize| if row < height && column < width { weights[row][column] } else { 0.0 };
    // Rows and columns count from 1; place 0 is a column without a row.
    let (mut of_row, mut of_column) = (vec![0.0; size + 1], vec![0.0; size + 1]);
    let mut row_of = vec![0_usize; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut column = 0;
        let mut slack = vec![f64::INFINITY; size + 1];
        let mut before = vec![0_usize; size + 1];
        let mut done = vec![false; size + 1];
        while row_of[column] != 0 {
            done[column] = true;
            let current = row_of[column];
            let (mut next, mut step) = (0, f64::INFINITY);
            for other in (1..=size).filter(|other| !done[*other]) {
                let cost = -weight(current - 1, other - 1) - of_row[current] - of_column[other];
                if cost < slack[other] {
                    slack[other] = cost;
                    before[other] = column;
                }
                if slack[other] < step {
                    step = slack[other];
                    next = other;
                }
            }
            for other in 0..=size {
                if done[other] {
                    of_row[row_of[other]] += step;
                    of_column[other] -= step;
                } else {
                    slack[other] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let mut partners = vec![None; height];
    for column in 1..=width {
        let row = row_of[column];
        if row >= 1 && row <= height && weights[row - 1][column - 1] > 0.0 {
            partners[row - 1] = Some(column - 1);
        }
    }
    partners
}

/// The length of the longest rising part of the partners. As upstream, a single row without a partner counts as one.
pub(super) fn longest_rising(partners: &[Option<usize>]) -> usize {
    let mut lengths = vec![1_usize; partners.len()];
    for end in 0..partners.len() {
        for start in 0..end {
            if let (Some(first), Some(last)) = (partners[start], partners[end])
                && last > first
            {
                lengths[end] = lengths[end].max(lengths[start] + 1);
            }
        }
    }
    lengths.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_weights_is_the_largest() {
        // The better pair of the first row would cost more than it brings.
        let weights = [vec![0.9, 0.8], vec![0.85, 0.0]];
        assert_eq!(matched(&weights), [Some(1), Some(0)]);
        let weights = [vec![0.0, 0.9, 0.0], vec![0.0, 0.8, 0.0]];
        assert_eq!(matched(&weights), [Some(1), None]);
        assert_eq!(matched(&[vec![0.9], vec![0.0], vec![0.95]]), [None, None, Some(0)]);
        assert!(matched(&[]).is_empty());
    }

    #[test]
    fn rising_parts_are_counted() {
        assert_eq!(longest_rising(&[Some(0), Some(2), Some(1), Some(3)]), 3);
        assert_eq!(longest_rising(&[Some(2), None, Some(0)]), 1);
        assert_eq!([longest_rising(&[None]), longest_rising(&[])], [1, 0]);
    }
}

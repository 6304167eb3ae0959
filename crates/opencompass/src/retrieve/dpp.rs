//! `dpp`: of the nearest rows, those that are near and differ from each other (`DPPRetriever`).
//!
//! Greedy inference of a determinantal point process, <https://arxiv.org/abs/1709.05135>, on the kernel
//! r_i s_ij r_j with similarity s and relevance r = exp((rel - max rel) / (2 x scale)).

use super::vectors::{nearest, product, unit};

/// Weight of relevance against diversity, upstream's default.
const SCALE: f64 = 0.1;

/// Chooses `count` of the `candidates` nearest train rows, the most relevant first.
pub(super) fn dpp(train: &[Vec<f32>], vector: &[f32], candidates: usize, count: usize) -> Vec<usize> {
    let near = nearest(train, vector, candidates);
    let units: Vec<Vec<f32>> = near.iter().map(|row| unit(&train[*row])).collect();
    let vector = unit(vector);
    let relevance: Vec<f64> = units.iter().map(|other| f64::midpoint(product(other, &vector), 1.0)).collect();
    let highest = relevance.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let relevance: Vec<f64> =
        relevance.iter().map(|value| ((value - highest) / (2.0 * SCALE)).exp()).collect();
    let kernel: Vec<Vec<f64>> = units
        .iter()
        .zip(&relevance)
        .map(|(a, weight)| {
            let likeness = units.iter().map(|b| f64::midpoint(product(a, b), 1.0));
            likeness.zip(&relevance).map(|(likeness, other)| weight * likeness * other).collect()
        })
        .collect();
    let mut chosen = greedy(&kernel, count);
    chosen.sort_by(|a, b| relevance[*b].total_cmp(&relevance[*a]));
    chosen.into_iter().map(|place| near[place]).collect()
}

/// The greedy choice that makes the determinant of the chosen rows' kernel largest (`fast_map_dpp`). Upstream may choose
/// a row twice when nothing new is left; here the choice ends.
fn greedy(kernel: &[Vec<f64>], count: usize) -> Vec<usize> {
    let mut gains: Vec<f64> = kernel.iter().enumerate().map(|(place, row)| row[place]).collect();
    let mut factors: Vec<Vec<f64>> = Vec::new();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < count.min(kernel.len()) {
        let free = (0..kernel.len()).filter(|place| !chosen.contains(place));
        // The first of equally good ones, as `argmax` takes it.
        let best = free.reduce(|best, place| if gains[place] > gains[best] { place } else { best });
        let Some(best) = best else { break };
        chosen.push(best);
        let root = gains[best].sqrt();
        if root.is_nan() || root <= 0.0 {
            break;
        }
        let next: Vec<f64> = (0..kernel.len())
            .map(|place| {
                let known: f64 = factors.iter().map(|factor| factor[best] * factor[place]).sum();
                (kernel[best][place] - known) / root
            })
            .collect();
        for (gain, value) in gains.iter_mut().zip(&next) {
            *gain -= value * value;
        }
        factors.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_choice_differs_from_the_first() {
        let train = [vec![1.0, 0.0, 0.0], vec![0.999, 0.01, 0.0], vec![0.8, 0.0, 0.6], vec![0.0, 1.0, 0.0]];
        assert_eq!(dpp(&train, &[1.0, 0.0, 0.0], 3, 2), [0, 2]);
        assert_eq!(dpp(&train, &[1.0, 0.0, 0.0], 1, 2), [0]);
        assert!(dpp(&[], &[1.0], 3, 2).is_empty());
    }
}

//! `topk`: the rows whose sentence vectors have the largest inner products (`TopkRetriever`, a flat index of faiss).

/// The inner product of two vectors.
pub(super) fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Returns a vector scaled to length 1; one of zeros stays.
pub(super) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = product(vector, vector).sqrt();
    if length == 0.0 {
        return vector.to_vec();
    }
    vector.iter().map(|value| (f64::from(*value) / length) as f32).collect()
}

/// Returns the `count` nearest of `train`, the nearest first; of equally near ones the first.
pub(super) fn nearest(train: &[Vec<f32>], vector: &[f32], count: usize) -> Vec<usize> {
    let products: Vec<f64> = train.iter().map(|other| product(other, vector)).collect();
    let mut order: Vec<usize> = (0..train.len()).collect();
    order.sort_by(|a, b| products[*b].total_cmp(&products[*a]));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_products_come_first() {
        let train = [vec![1.0, 0.0], vec![0.0, 2.0], vec![0.0, 2.0], vec![-1.0, 0.0]];
        assert_eq!(nearest(&train, &[0.5, 0.5], 3), [1, 2, 0]);
        assert_eq!(unit(&[3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(unit(&[0.0]), [0.0]);
    }
}

//! Images of another size: `resize` of scikit-image 0.26 with its defaults, then eight bits again.
//!
//! Linear interpolation between pixel centers, after a Gaussian filter along every side that shrinks (sigma is half of
//! the shrinking factor less one). Beyond its edges the image is mirrored, without repeating the edge.

use super::ssim::ImagePlanes;

/// Standard deviations after which the filter is cut, as SciPy does it.
const TRUNCATE: f64 = 4.0;
/// Largest value of eight bits.
const LARGEST: f64 = 255.0;

/// Returns an image with another width and height. Values become whole numbers by dropping their fractions, as
/// CIBench's scorer drops them, also when the size stays the same.
pub(super) fn resized(image: &ImagePlanes, width: usize, height: usize) -> ImagePlanes {
    let channels = image.channels.iter().map(|plane| {
        let unit: Vec<f64> = plane.iter().map(|value| value * (1.0 / LARGEST)).collect();
        let lowest = unit.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = unit.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shrinks = width < image.width || height < image.height;
        let across = Axis { from: image.width, to: width, shrinks };
        let down = Axis { from: image.height, to: height, shrinks };
        let filtered = by_columns(&unit, image.width, |column| smoothed(column, &down));
        let filtered = by_rows(&filtered, image.width, |row| smoothed(row, &across));
        let rows = by_columns(&filtered, image.width, |column| interpolated(column, &down));
        let scaled = by_rows(&rows, image.width, |row| interpolated(row, &across));
        scaled.iter().map(|value| (value.clamp(lowest, highest) * LARGEST).trunc()).collect()
    });
    ImagePlanes { width, height, channels: channels.collect() }
}

/// One side of the image.
struct Axis {
    from: usize,
    to: usize,
    /// Whether any side of the image shrinks, so that there is a filter at all.
    shrinks: bool,
}

/// Applies a function to every row.
fn by_rows(values: &[f64], width: usize, function: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    values.chunks_exact(width).flat_map(function).collect()
}

/// Applies a function to every column.
fn by_columns(values: &[f64], width: usize, function: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let column = |place: usize| values.iter().skip(place).step_by(width).copied().collect::<Vec<f64>>();
    let columns: Vec<Vec<f64>> = (0..width).map(|place| function(&column(place))).collect();
    let height = columns.first().map_or(0, Vec::len);
    (0..height).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
}

/// The index of a place beyond the edges in a mirror: `d c b | a b c d | c b a`.
fn mirrored(place: i64, length: usize) -> usize {
    if length < 2 {
        return 0;
    }
    let period = 2 * (length as i64 - 1);
    let place = place.rem_euclid(period);
    place.min(period - place) as usize
}

/// The Gaussian filter of one row or column.
fn smoothed(values: &[f64], axis: &Axis) -> Vec<f64> {
    let sigma = (axis.from as f64 / axis.to as f64 - 1.0) / 2.0;
    if !axis.shrinks || sigma <= 1e-15 {
        return values.to_vec();
    }
    let radius = (TRUNCATE * sigma + 0.5) as i64;
    let weights: Vec<f64> =
        (-radius..=radius).map(|x| (-0.5 * (x * x) as f64 / (sigma * sigma)).exp()).collect();
    let total: f64 = weights.iter().sum();
    (0..values.len() as i64)
        .map(|place| {
            let near = (-radius..=radius).map(|x| values[mirrored(place + x, values.len())]);
            near.zip(&weights).map(|(value, weight)| value * weight / total).sum()
        })
        .collect()
}

/// Linear interpolation between pixel centers.
fn interpolated(values: &[f64], axis: &Axis) -> Vec<f64> {
    let step = axis.from as f64 / axis.to as f64;
    (0..axis.to)
        .map(|place| {
            let at = (place as f64 + 0.5) * step - 0.5;
            let (whole, part) = (at.floor(), at - at.floor());
            let value = |place: i64| values[mirrored(place, values.len())];
            let left = value(whole as i64);
            if part == 0.0 { left } else { left * (1.0 - part) + value(whole as i64 + 1) * part }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width, height, sum of the values, and the last value.
    const EXPECTED: [(usize, usize, f64, f64); 4] =
        [(16, 12, 23398.0, 20.0), (8, 6, 5851.0, 147.0), (24, 18, 52688.0, 76.0), (10, 20, 24299.0, 104.0)];

    fn image(width: usize, height: usize) -> ImagePlanes {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let plane = pixels.map(|(x, y)| ((x * 37 + y * 91) % 256) as f64).collect();
        ImagePlanes { width, height, channels: vec![plane] }
    }

    #[test]
    fn sizes_change_as_in_scikit_image() {
        for (width, height, sum, corner) in EXPECTED {
            let found = resized(&image(16, 12), width, height);
            let plane = &found.channels[0];
            assert_eq!(plane.len(), width * height);
            let total: f64 = plane.iter().sum();
            assert!((total - sum).abs() <= 8.0, "{width} x {height}: {total} {sum}");
            assert!((plane[plane.len() - 1] - corner).abs() <= 1.0, "{width} x {height}: {plane:?}");
        }
    }
}

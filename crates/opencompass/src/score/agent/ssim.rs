//! Structural similarity of images: `structural_similarity` of scikit-image with a uniform window of 7 by 7.
//!
//! Wang et al. 2004, doi:10.1109/TIP.2003.819861:
//! SSIM = (2 mu_x mu_y + C1)(2 s_xy + C2) / ((mu_x^2 + mu_y^2 + C1)(s_x^2 + s_y^2 + C2)), with sample covariances,
//! the mean over all windows inside of the image, and the mean over the channels.

/// Side of the window.
const WINDOW: usize = 7;
/// Range of the values of eight bits.
const RANGE: f64 = 255.0;
const K1: f64 = 0.01;
const K2: f64 = 0.03;

/// An image as planes of values from 0 to 255, one per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePlanes {
    /// Number of columns in pixels.
    pub width: usize,
    /// Number of rows in pixels.
    pub height: usize,
    /// One value per pixel and channel, row by row.
    pub channels: Vec<Vec<f64>>,
}

/// Returns the structural similarity of two images of the same shape. `None` if the shapes differ or a side is shorter
/// than the window.
#[must_use]
pub fn structural_similarity(one: &ImagePlanes, other: &ImagePlanes) -> Option<f64> {
    let same = one.width == other.width && one.height == other.height;
    if !same || one.channels.len() != other.channels.len() || one.width.min(one.height) < WINDOW {
        return None;
    }
    let planes = one.channels.iter().zip(&other.channels);
    let sum: f64 = planes.map(|(x, y)| plane(x, y, one.width, one.height)).sum();
    Some(sum / one.channels.len() as f64)
}

/// The mean over all windows of one channel.
fn plane(x: &[f64], y: &[f64], width: usize, height: usize) -> f64 {
    let sums = |of: &dyn Fn(f64, f64) -> f64| {
        let values: Vec<f64> = x.iter().zip(y).map(|(x, y)| of(*x, *y)).collect();
        window_sums(&values, width, height)
    };
    let (sum_x, sum_y) = (sums(&|x, _| x), sums(&|_, y| y));
    let (sum_xx, sum_yy, sum_xy) = (sums(&|x, _| x * x), sums(&|_, y| y * y), sums(&|x, y| x * y));
    let pixels = (WINDOW * WINDOW) as f64;
    let sample = pixels / (pixels - 1.0);
    let (c1, c2) = ((K1 * RANGE).powi(2), (K2 * RANGE).powi(2));
    let count = sum_x.len() as f64;
    let total: f64 = (0..sum_x.len())
        .map(|place| {
            let (mean_x, mean_y) = (sum_x[place] / pixels, sum_y[place] / pixels);
            let variance_x = sample * (sum_xx[place] / pixels - mean_x * mean_x);
            let variance_y = sample * (sum_yy[place] / pixels - mean_y * mean_y);
            let covariance = sample * (sum_xy[place] / pixels - mean_x * mean_y);
            (2.0 * mean_x * mean_y + c1) * (2.0 * covariance + c2)
                / ((mean_x * mean_x + mean_y * mean_y + c1) * (variance_x + variance_y + c2))
        })
        .sum();
    total / count
}

/// The sum over every window inside of the image. Values are whole numbers, so sums are exact.
fn window_sums(values: &[f64], width: usize, height: usize) -> Vec<f64> {
    let columns = width - WINDOW + 1;
    let mut rows = vec![0.0; columns * height];
    for (row, sums) in values.chunks_exact(width).zip(rows.chunks_exact_mut(columns)) {
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum = row[place..place + WINDOW].iter().sum();
        }
    }
    let mut sums = vec![0.0; columns * (height - WINDOW + 1)];
    for (row, target) in sums.chunks_exact_mut(columns).enumerate() {
        for (place, sum) in target.iter_mut().enumerate() {
            *sum = (row..row + WINDOW).map(|row| rows[row * columns + place]).sum();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> ImagePlanes {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let plane = pixels.map(|(x, y)| f64::from(value(x, y))).collect();
        ImagePlanes { width, height, channels: vec![plane] }
    }

    #[test]
    fn an_image_equals_itself_and_shapes_must_agree() {
        let one = image(9, 8, |x, y| (x * 20 + y) as u8);
        assert!((structural_similarity(&one, &one).expect("one shape") - 1.0).abs() < 1e-12);
        assert_eq!(structural_similarity(&one, &image(8, 9, |_, _| 0)), None);
        assert_eq!(structural_similarity(&image(6, 9, |_, _| 0), &image(6, 9, |_, _| 0)), None);
    }

    /// The values are those of scikit-image 0.26 for the same formulas.
    #[test]
    fn values_are_those_of_scikit_image() {
        let one = image(16, 12, |x, y| ((x * 37 + y * 91) % 256) as u8);
        let two = image(16, 12, |x, y| ((x * 37 + y * 91 + (x * y) % 17) % 256) as u8);
        let three = image(16, 12, |x, y| ((x * 13 + y * 7) % 256) as u8);
        for (other, expected) in [(&two, 0.965_218_158_040_608_7), (&three, 0.003_753_175_282_350_458)] {
            let found = structural_similarity(&one, other).expect("one shape");
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}

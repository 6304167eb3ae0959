//! The edge detector of J. Canny, "A Computational Approach to Edge Detection" (1986), with exactly the integer
//! arithmetic of OpenCV's `cv::Canny` (`canny.cpp`: aperture 3, gradient |dx| + |dy|).

use image::{GrayImage, Luma, RgbImage};

/// tan(22.5 degrees) with 15 fractional bits.
const TANGENT: i64 = 13_573;
/// Fractional bits of the comparison of directions.
const SHIFT: u32 = 15;
/// The eight neighbors of a pixel.
const NEIGHBORS: [(i64, i64); 8] = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];

/// Strength and direction of the brightness change at one pixel.
#[derive(Clone, Copy, Debug, Default)]
struct Gradient {
    dx: i32,
    dy: i32,
}

impl Gradient {
    fn strength(self) -> i32 {
        self.dx.abs() + self.dy.abs()
    }
}

/// The gradients of an image; outside of it they are absent.
struct Gradients {
    width: i64,
    height: i64,
    values: Vec<Gradient>,
}

/// Finds the edges: 255 where there is one, 0 elsewhere.
///
/// Pixels whose gradient is above `high` and a maximum across the edge begin an edge; those above `low`
/// continue it.
pub(super) fn canny(image: &RgbImage, low: u32, high: u32) -> GrayImage {
    let (low, high) = (low.min(high), low.max(high));
    let gradients = Gradients::of(image);
    let mut edges = GrayImage::new(image.width(), image.height());
    let mut candidates = vec![false; gradients.values.len()];
    let mut pending = Vec::new();
    for (x, y) in gradients.positions() {
        let strength = gradients.strength(x, y);
        if i64::from(strength) > i64::from(low) && gradients.is_maximum(x, y) {
            candidates[gradients.index(x, y)] = true;
            if i64::from(strength) > i64::from(high) {
                pending.push((x, y));
            }
        }
    }
    while let Some((x, y)) = pending.pop() {
        if !std::mem::take(&mut candidates[gradients.index(x, y)]) {
            continue;
        }
        if let (Ok(column), Ok(row)) = (u32::try_from(x), u32::try_from(y)) {
            edges.put_pixel(column, row, Luma([255]));
        }
        let around = NEIGHBORS.iter().map(|(right, down)| (x + right, y + down));
        pending.extend(around.filter(|(x, y)| gradients.is_inside(*x, *y)));
    }
    edges
}

impl Gradients {
    /// Sobel's operator on each channel, with the border repeated; the channel that changes most counts.
    fn of(image: &RgbImage) -> Self {
        let (width, height) = (i64::from(image.width()), i64::from(image.height()));
        let mut gradients = Self { width, height, values: Vec::new() };
        gradients.values = gradients.positions().map(|(x, y)| sobel(image, x, y)).collect();
        gradients
    }

    /// All pixels, row by row.
    fn positions(&self) -> impl Iterator<Item = (i64, i64)> + use<> {
        let width = self.width;
        (0..self.height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    }

    fn is_inside(&self, x: i64, y: i64) -> bool {
        (0..self.width).contains(&x) && (0..self.height).contains(&y)
    }

    fn index(&self, x: i64, y: i64) -> usize {
        usize::try_from(y * self.width + x).unwrap_or_default()
    }

    fn strength(&self, x: i64, y: i64) -> i32 {
        if self.is_inside(x, y) { self.values[self.index(x, y)].strength() } else { 0 }
    }

    /// Whether a pixel is the strongest across its edge. The comparisons are not symmetric, so that of two equal
    /// neighbors one remains.
    fn is_maximum(&self, x: i64, y: i64) -> bool {
        let Gradient { dx, dy } = self.values[self.index(x, y)];
        let strength = self.strength(x, y);
        let (across, along) = (i64::from(dx.abs()), i64::from(dy.abs()) << SHIFT);
        let flat = across * TANGENT;
        if along < flat {
            strength > self.strength(x - 1, y) && strength >= self.strength(x + 1, y)
        } else if along > flat + (across << (SHIFT + 1)) {
            strength > self.strength(x, y - 1) && strength >= self.strength(x, y + 1)
        } else {
            let side = if (dx ^ dy) < 0 { -1 } else { 1 };
            strength > self.strength(x - side, y - 1) && strength > self.strength(x + side, y + 1)
        }
    }
}

fn sobel(image: &RgbImage, x: i64, y: i64) -> Gradient {
    let clamped =
        |value: i64, size: u32| u32::try_from(value.clamp(0, i64::from(size) - 1)).unwrap_or_default();
    let pixel = |right: i64, down: i64| {
        image.get_pixel(clamped(x + right, image.width()), clamped(y + down, image.height())).0
    };
    let around = NEIGHBORS.map(|(right, down)| pixel(right, down));
    let mut best = Gradient::default();
    for channel in [0, 1, 2] {
        let value = |neighbor: usize| i32::from(around[neighbor][channel]);
        let gradient = Gradient {
            dx: value(2) - value(0) + 2 * (value(4) - value(3)) + value(7) - value(5),
            dy: value(5) - value(0) + 2 * (value(6) - value(1)) + value(7) - value(2),
        };
        if channel == 0 || gradient.strength() > best.strength() {
            best = gradient;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_step_has_one_line_of_edge() {
        let image = RgbImage::from_fn(8, 6, |x, _| if x < 4 { Rgb([0, 0, 0]) } else { Rgb([200, 200, 200]) });
        let edges = canny(&image, 100, 200);
        for (x, _, pixel) in edges.enumerate_pixels() {
            assert_eq!(pixel.0[0] == 255, x == 3, "column {x}");
        }
        assert_eq!(canny(&image, 900, 1000).pixels().filter(|pixel| pixel.0[0] > 0).count(), 0);
        assert_eq!(canny(&RgbImage::new(0, 0), 1, 2).dimensions(), (0, 0));
    }
}

//! `ImageResize` and `ImageCompare`: pictures of another size, and the difference of two.

use image::imageops::FilterType;
use image::{DynamicImage, Rgb, RgbImage};

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::picture::{self, SIDE};
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

pub(super) const RESIZE: Definition = Definition {
    name: "ImageResize",
    group: "image",
    description: "Changes the size of a picture.",
    parameters: &[
        text("image", "Path of the picture."),
        optional("width", Kind::Integer, "New width in pixels. Default: as the height demands."),
        optional("height", Kind::Integer, "New height in pixels. Default: as the width demands."),
    ],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: resize,
};

pub(super) const COMPARE: Definition = Definition {
    name: "ImageCompare",
    group: "image",
    description: "Compares two pictures of the same size: how many pixels differ, by how much, and where.",
    parameters: &[text("image", "Path of the first picture."), text("other", "Path of the second picture.")],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: compare,
};

fn resize(call: &Call<'_>) -> Made {
    let picture = picture::read(call, "image")?.pixels;
    let (width, height) = (call.integer("width", 1..=SIDE)?, call.integer("height", 1..=SIDE)?);
    let (old_width, old_height) = (picture.width().max(1), picture.height().max(1));
    let scaled = |new: u32, old: u32, other: u32| {
        let scaled = (f64::from(other) * f64::from(new) / f64::from(old)).round();
        (scaled as u32).clamp(1, SIDE)
    };
    let (width, height) = match (width, height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => (width, scaled(width, old_width, old_height)),
        (None, Some(height)) => (scaled(height, old_height, old_width), height),
        (None, None) => return Err(Failure::arguments("width, height: missing, expected at least one")),
    };
    let resized = picture.resize_exact(width, height, FilterType::Lanczos3);
    Ok(vec![picture::save(call, "resized", &resized)?])
}

fn compare(call: &Call<'_>) -> Made {
    let [one, other] = [picture::read(call, "image")?, picture::read(call, "other")?]
        .map(|picture| picture.pixels.to_rgb8());
    if one.dimensions() != other.dimensions() {
        let ((width, height), (expected_width, expected_height)) = (other.dimensions(), one.dimensions());
        let expected = format!("{expected_width} x {expected_height} as `image` has");
        return Err(Failure::arguments(format!(
            "other: found {width} x {height} pixels, expected {expected}"
        )));
    }
    let (difference, summary) = difference(&one, &other);
    let shown = picture::save(call, "difference", &DynamicImage::ImageRgb8(difference))?;
    Ok(vec![ResultItem::text(summary), shown])
}

/// The absolute difference of every channel, and what it amounts to.
fn difference(one: &RgbImage, other: &RgbImage) -> (RgbImage, String) {
    let mut result = RgbImage::new(one.width(), one.height());
    let (mut differing, mut sum, mut squares) = (0_u64, 0_u64, 0_u64);
    let mut area: Option<[u32; 4]> = None;
    for (x, y, pixel) in result.enumerate_pixels_mut() {
        let (left, right) = (one.get_pixel(x, y).0, other.get_pixel(x, y).0);
        let channels: [u8; 3] = std::array::from_fn(|channel| left[channel].abs_diff(right[channel]));
        *pixel = Rgb(channels);
        if channels != [0; 3] {
            differing += 1;
            sum += channels.iter().map(|value| u64::from(*value)).sum::<u64>();
            squares += channels.iter().map(|value| u64::from(*value).pow(2)).sum::<u64>();
            let [left, top, right, bottom] = area.unwrap_or([x, y, x, y]);
            area = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
        }
    }
    let Some([left, top, right, bottom]) = area else {
        return (result, "The pictures are equal.".to_owned());
    };
    let pixels = u64::from(one.width()) * u64::from(one.height());
    let values = (pixels * 3) as f64;
    let ratio = 10.0 * (255.0_f64.powi(2) * values / squares as f64).log10();
    let summary = format!(
        "{differing} of {pixels} pixels differ, between ({left}, {top}) and ({right}, {bottom}). Mean absolute \
         difference: {:.4} of 255. Peak signal-to-noise ratio: {ratio:.2} dB.",
        sum as f64 / values
    );
    (result, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_counted_and_located() {
        let one = RgbImage::new(4, 2);
        let mut other = one.clone();
        assert_eq!(difference(&one, &other).1, "The pictures are equal.");
        other.put_pixel(1, 0, Rgb([24, 0, 0]));
        other.put_pixel(2, 1, Rgb([0, 24, 0]));
        let expected = "2 of 8 pixels differ, between (1, 0) and (2, 1). Mean absolute difference: 2.0000 of 255. \
                        Peak signal-to-noise ratio: 31.32 dB.";
        assert_eq!(difference(&one, &other).1, expected);
    }
}

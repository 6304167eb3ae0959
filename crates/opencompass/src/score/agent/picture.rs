//! Images of steps and of references: from PNG or JPEG bytes to planes, and the similarity of two images.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;

use super::resize::resized;
use super::ssim::{ImagePlanes, structural_similarity};

/// Reads an image of a notebook, which is base64, or of an agent's step, which is a `data:` address with base64.
/// `None` for anything else, such as a path: scoring reads no files.
fn planes(text: &str) -> Option<ImagePlanes> {
    let encoded = match text.strip_prefix("data:") {
        Some(address) => address.split_once(";base64,")?.1,
        None => text,
    };
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(encoded).ok()?;
    Some(split(&image::load_from_memory(&bytes).ok()?))
}

fn split(image: &DynamicImage) -> ImagePlanes {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (count, bytes) = match (image.color().has_color(), image.color().has_alpha()) {
        (true, true) => (4, image.to_rgba8().into_raw()),
        (true, false) => (3, image.to_rgb8().into_raw()),
        (false, true) => (2, image.to_luma_alpha8().into_raw()),
        (false, false) => (1, image.to_luma8().into_raw()),
    };
    let channel = |channel: usize| bytes.iter().skip(channel).step_by(count).map(|value| f64::from(*value));
    ImagePlanes { width, height, channels: (0..count).map(|place| channel(place).collect()).collect() }
}

/// Returns the similarity of a drawn image and the expected one, of whose size the drawn one is made. Images that
/// cannot be compared have none: 0, as upstream has it.
pub(super) fn similarity(drawn: &str, expected: &str) -> f64 {
    let (Some(drawn), Some(expected)) = (planes(drawn), planes(expected)) else { return 0.0 };
    structural_similarity(&resized(&drawn, expected.width, expected.height), &expected).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};

    use super::*;

    fn encoded(shade: u8) -> String {
        let picture = RgbImage::from_fn(20, 12, |x, y| image::Rgb([(x * 9) as u8, (y * 20) as u8, shade]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
        STANDARD.encode(bytes.into_inner())
    }

    #[test]
    fn images_are_read_from_both_places() {
        let (one, other) = (encoded(0), encoded(200));
        assert!(similarity(&one, &one) > 0.99);
        assert!(similarity(&format!("data:image/png;base64,{one}"), &one) > 0.99);
        let different = similarity(&one, &other);
        assert!(different > 0.5 && different < 0.9, "two of three channels agree: {different}");
        for text in ["", "figures/a.png", "data:image/png,x", "AAAA"] {
            assert_eq!(similarity(text, &one), 0.0, "{text}");
        }
    }
}

//! `describe_image`: what can be measured in a picture. It is not a captioner and says so.

use std::collections::BTreeMap;
use std::fmt::Write;

use image::RgbImage;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::{faces, ocr, picture};
use crate::action::ResultItem;
use crate::action::parameter::text;

/// Number of colors that are listed.
const COLORS: usize = 5;

pub(super) const DESCRIBE: Definition = Definition {
    name: "describe_image",
    group: "image",
    description: "Measures a picture: size, brightness, main colors, and the text and faces that programs find in it. It does not recognize things or scenes.",
    parameters: &[text("image", "Path of the picture.")],
    means: Means::Assisted,
    needs: "",
    consent: Consent::NotNeeded,
    run: describe,
};

fn describe(call: &Call<'_>) -> Made {
    let picture = picture::read(call, "image")?;
    let pixels = picture.pixels.to_rgb8();
    let mut text = format!(
        "Measured, not recognized: {} x {} pixels, {:?}, {:?}.\n{}",
        pixels.width(),
        pixels.height(),
        picture.format,
        picture.pixels.color(),
        palette(&pixels)
    );
    let parts = [
        ("Text", call.has(ocr::PROGRAMS).then(|| ocr::read_text(call))),
        ("Faces", call.has(faces::PROGRAMS).then(|| faces::find(call))),
    ];
    for (what, found) in parts {
        let found = match found {
            None => "not looked for, since the program is missing".to_owned(),
            Some(Ok(found)) if found.trim().is_empty() => "found nothing".to_owned(),
            Some(Ok(found)) => found.trim().to_owned(),
            Some(Err(Failure { message, .. })) => format!("not found out ({message})"),
        };
        // Writing to a text cannot fail.
        let _ = write!(text, "\n{what}: {found}");
    }
    Ok(vec![ResultItem::text(text)])
}

/// Brightness and the most frequent colors, sixteen steps per channel.
fn palette(pixels: &RgbImage) -> String {
    let mut counts: BTreeMap<[u8; 3], u64> = BTreeMap::new();
    let mut brightness = 0.0;
    for pixel in pixels.pixels() {
        let [red, green, blue] = pixel.0.map(f64::from);
        // Rec. 601.
        brightness += 0.299 * red + 0.587 * green + 0.114 * blue;
        *counts.entry(pixel.0.map(|value| value >> 4)).or_default() += 1;
    }
    let total = (u64::from(pixels.width()) * u64::from(pixels.height())).max(1) as f64;
    let mut counts: Vec<([u8; 3], u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(color, count)| (std::cmp::Reverse(*count), *color));
    let colors: Vec<String> = counts
        .iter()
        .take(COLORS)
        .map(|(color, count)| {
            let [red, green, blue] = color.map(|value| value * 17);
            format!("#{red:02x}{green:02x}{blue:02x} {:.1} %", 100.0 * *count as f64 / total)
        })
        .collect();
    format!("Mean brightness: {:.1} of 255. Main colors: {}.", brightness / total, colors.join(", "))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn colors_are_counted() {
        let pixels = RgbImage::from_fn(4, 1, |x, _| if x == 0 { Rgb([255, 0, 0]) } else { Rgb([255; 3]) });
        let expected = "Mean brightness: 210.3 of 255. Main colors: #ffffff 75.0 %, #ff0000 25.0 %.";
        assert_eq!(palette(&pixels), expected);
    }
}

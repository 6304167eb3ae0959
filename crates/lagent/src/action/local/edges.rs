//! `ImageToCanny` and `ImageToScribble`: the outlines of a picture.

use image::{DynamicImage, GrayImage, Luma};

use super::call::Call;
use super::canny::canny;
use super::local_tool::{Consent, Definition, Made, Means};
use super::picture;
use crate::action::parameter::{Kind, optional, text};

/// Maximum gradient that a pixel can have: four times 255 in each direction.
const GRADIENT: u32 = 2040;
/// Width of the blur in front of a scribble, pixels: only outlines of large things remain.
const BLUR: f32 = 2.0;
/// Half the width of a scribble's strokes, pixels.
const STROKE: i64 = 2;

pub(super) const CANNY: Definition = Definition {
    name: "ImageToCanny",
    group: "image",
    description: "Finds the edges of a picture and returns them as a picture, white on black.",
    parameters: &[
        text("image", "Path of the picture."),
        optional("low", Kind::Integer, "Strength at which an edge may continue, 0 to 2040. Default: 100."),
        optional("high", Kind::Integer, "Strength at which an edge begins, 0 to 2040. Default: 200."),
    ],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: edges,
};

pub(super) const SCRIBBLE: Definition = Definition {
    name: "ImageToScribble",
    group: "image",
    description: "Draws the outlines of a picture with thick strokes, white on black, like a scribble.",
    parameters: &[text("image", "Path of the picture.")],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: scribble,
};

fn edges(call: &Call<'_>) -> Made {
    let low = call.integer("low", 0..=GRADIENT)?.unwrap_or(100);
    let high = call.integer("high", 0..=GRADIENT)?.unwrap_or(200);
    let picture = picture::read(call, "image")?;
    let edges = canny(&picture.pixels.to_rgb8(), low, high);
    Ok(vec![picture::save(call, "canny", &DynamicImage::ImageLuma8(edges))?])
}

fn scribble(call: &Call<'_>) -> Made {
    let picture = picture::read(call, "image")?;
    let edges = canny(&picture.pixels.blur(BLUR).to_rgb8(), 50, 100);
    Ok(vec![picture::save(call, "scribble", &DynamicImage::ImageLuma8(thick(&edges)))?])
}

/// Every edge pixel becomes a round dot.
fn thick(edges: &GrayImage) -> GrayImage {
    let mut strokes = GrayImage::new(edges.width(), edges.height());
    for (x, y, _) in edges.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 0) {
        for down in -STROKE..=STROKE {
            for right in -STROKE..=STROKE {
                let place = (u32::try_from(i64::from(x) + right), u32::try_from(i64::from(y) + down));
                let is_round = right * right + down * down <= STROKE * STROKE;
                if let (true, (Ok(x), Ok(y))) = (is_round, place)
                    && let Some(pixel) = strokes.get_pixel_mut_checked(x, y)
                {
                    *pixel = Luma([255]);
                }
            }
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_becomes_a_disc_that_the_border_cuts() {
        let mut edges = GrayImage::new(6, 6);
        edges.put_pixel(0, 3, Luma([255]));
        let strokes = thick(&edges);
        assert_eq!(strokes.pixels().filter(|pixel| pixel.0[0] > 0).count(), 5 + 3 + 1);
    }
}

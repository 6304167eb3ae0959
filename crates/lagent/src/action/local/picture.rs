//! Pictures as pixels: reading them from a call's files and writing results.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::call::Call;
use super::failure::Failure;
use crate::action::ResultItem;

/// Maximum width and height of a picture that is read or made, pixels.
pub(super) const SIDE: u32 = 16_384;
/// Maximum memory of one decoded picture, bytes.
const MEMORY: u64 = 512 << 20;

/// A decoded picture and the format of its file.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) pixels: DynamicImage,
    pub(super) format: ImageFormat,
}

/// Reads the picture that a parameter names.
pub(super) fn read(call: &Call<'_>, parameter: &str) -> Result<Picture, Failure> {
    let bytes = call.files.read(parameter, call.text(parameter)?)?;
    let wrong = |found: String| {
        Failure::arguments(format!("{parameter}: found {found}, expected a PNG, JPEG, WebP or BMP picture"))
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| wrong(format!("an unreadable file ({error})")))?;
    let format = reader.format().ok_or_else(|| wrong("a file of another kind".to_owned()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|error| wrong(error.to_string()))?;
    Ok(Picture { pixels, format })
}

/// Writes a picture as PNG and returns the part of the result that names it.
pub(super) fn save(call: &Call<'_>, stem: &str, pixels: &DynamicImage) -> Result<ResultItem, Failure> {
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Failure::tool(format!("cannot write the picture: {error}")))?;
    Ok(ResultItem::file("image", call.save(stem, "png", bytes.get_ref())?))
}

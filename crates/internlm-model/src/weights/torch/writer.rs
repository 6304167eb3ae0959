//! Writing `.pt` files that `torch.load(path, weights_only=True)` reads: atomic, one tensor in memory at a time.
//!
//! The layout and its order are those of `torch.save`; the bytes depend on nothing but the input and the name of
//! the file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::file::{AtPath, AtomicFile};

use super::archive::Archive;
use super::pickler::Pickler;
use super::value::Value;
use crate::weights::TensorInfo;
use crate::{Error, Result};

/// Version of the format, as torch has written it since 1.6.
const FORMAT_VERSION: &[u8] = b"3\n";

/// Writes `tensors`, in this order, as an `OrderedDict` on the CPU; `read` is asked for the row-major bytes of each
/// in turn, in the encoding of its [`TensorInfo`].
///
/// # Errors
/// A name given twice, a block encoding, errors of `read`, bytes that do not fit the shape, and errors of writing;
/// the target is then untouched.
pub fn write_state_dict<'a>(
    path: impl AsRef<Path>,
    tensors: &[(String, TensorInfo)],
    read: &mut dyn FnMut(&str) -> Result<Cow<'a, [u8]>>,
) -> Result<()> {
    let path = path.as_ref();
    let mut names = BTreeSet::new();
    if let Some((twice, _)) = tensors.iter().find(|(name, _)| !names.insert(name)) {
        return Err(invalid(path, format!("tensor {twice}: given twice")));
    }
    let mut pickler = Pickler::new();
    pickler.state_dict(tensors).map_err(|message| invalid(path, message))?;

    let stem = stem(path);
    let mut archive = start(path, &stem, &pickler.finish())?;
    for (key, (name, info)) in tensors.iter().enumerate() {
        let bytes = read(name)?;
        let expected = info.encoding.byte_length(&info.shape);
        if expected != Some(bytes.len()) {
            let expected = expected.map_or_else(|| "fewer".to_owned(), |length| length.to_string());
            let found = bytes.len();
            return Err(invalid(path, format!("tensor {name}: found {found} bytes, expected {expected}")));
        }
        archive.entry(&format!("{stem}/data/{key}"), &bytes).at(path, "write")?;
    }
    finish(path, &stem, archive)
}

/// Writes one plain value, such as the dict of a `model_config.pt`.
///
/// # Errors
/// A tensor (see [`write_state_dict`]), a block encoding, whole numbers of more than 255 bytes, more than 100
/// levels, and errors of writing; the target is then untouched.
pub fn write_value(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    let path = path.as_ref();
    let mut pickler = Pickler::new();
    pickler.value(value, 0).map_err(|message| invalid(path, message))?;
    let stem = stem(path);
    let archive = start(path, &stem, &pickler.finish())?;
    finish(path, &stem, archive)
}

/// Begins a file: everything before the storages.
fn start(path: &Path, stem: &str, pickle: &[u8]) -> Result<Archive<AtomicFile>> {
    let mut archive = Archive::new(AtomicFile::create(path)?);
    archive.entry(&format!("{stem}/data.pkl"), pickle).at(path, "write")?;
    archive.entry(&format!("{stem}/byteorder"), b"little").at(path, "write")?;
    Ok(archive)
}

/// Ends a file: everything after the storages.
fn finish(path: &Path, stem: &str, mut archive: Archive<AtomicFile>) -> Result<()> {
    archive.entry(&format!("{stem}/version"), FORMAT_VERSION).at(path, "write")?;
    Ok(archive.finish().at(path, "write")?.commit()?)
}

/// The folder inside of the zip: the file's name without its extension, `archive` when that is not ASCII, as torch
/// does.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.filter(|stem| stem.is_ascii()).unwrap_or("archive").to_owned()
}

fn invalid(path: &Path, message: impl std::fmt::Display) -> Error {
    Error::Unwritable { path: path.to_path_buf(), problem: message.to_string() }
}

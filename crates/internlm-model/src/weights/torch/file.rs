//! [`TorchFile`]: the zip directory, the unpickled object and the tensors of one `.pt` file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

use internlm_kit::file::MappedFile;
use zip::{CompressionMethod, ZipArchive};

use super::machine;
use super::tensor::{Storages, TensorRef};
use super::tree;
use super::value::Value;
use crate::cursor::Fault;
use crate::weights::kind::refuse_other;
use crate::weights::source::{self, missing};
use crate::weights::{TensorInfo, TensorSource};
use crate::{Error, Result};

/// The first bytes of a zip file.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// Keys under which training scripts put the state dict.
const STATE_KEYS: [&str; 2] = ["state_dict", "model"];

/// One `.pt` file: pickle read and checked, tensors mapped.
#[derive(Debug)]
pub struct TorchFile {
    path: PathBuf,
    map: MappedFile,
    root: Value,
    tensors: BTreeMap<String, TensorRef>,
}

/// What of the zip directory we use, as byte ranges of the file.
#[derive(Debug)]
struct Directory {
    pickle: Range<usize>,
    byte_order: Option<Range<usize>>,
    storages: Storages,
}

impl TorchFile {
    /// Maps `path`, unpickles its object and checks that every tensor is inside the file.
    ///
    /// Checksums are not compared: torch can be told not to write them.
    ///
    /// # Errors
    /// Missing, truncated or compressed file, one of the old form without zip, a pickle that names anything but
    /// dense tensors and plain data, objects that contain themselves or nest deeper than 100 levels, big-endian
    /// tensors; all bad tensors at once.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let map = MappedFile::open(path)?;
        let directory = Directory::read(path, &map)?;
        if let Some(order) = directory.byte_order.clone().filter(|range| &map[range.clone()] != b"little") {
            let found = String::from_utf8_lossy(&map[order.start..order.end.min(order.start + 20)]);
            let message = format!("byteorder: found `{found}`, expected `little`");
            return Err(Error::format(path, order.start as u64, message));
        }
        let pickle = &map[directory.pickle.clone()];
        let fault = |mut fault: Fault| {
            fault.offset += directory.pickle.start as u64;
            fault.in_file(path)
        };
        let objects = machine::unpickle(pickle).map_err(fault)?;
        let built = tree::build(&objects, pickle.len(), &directory.storages, map.len()).map_err(fault)?;
        if !built.problems.is_empty() {
            return Err(Error::Weights { path: path.to_path_buf(), problems: built.problems });
        }
        let tensors = state_dict(&built.root);
        Ok(Self { path: path.to_path_buf(), map, root: built.root, tensors })
    }

    /// The path that was opened, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The object that was saved.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The stored bytes, row-major, of a tensor found anywhere in [`TorchFile::root`]; borrowed when the file has
    /// them in this order.
    ///
    /// # Errors
    /// A tensor of another, longer file.
    pub fn tensor_bytes(&self, tensor: &TensorRef) -> Result<Cow<'_, [u8]>> {
        tensor.read(&self.map).ok_or_else(|| {
            let problem = "the tensor is from another file".to_owned();
            Error::Weights { path: self.path.clone(), problems: vec![problem] }
        })
    }
}

impl TensorSource for TorchFile {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.get(name).map(|tensor| tensor.info().clone())
    }

    fn file(&self, _name: &str) -> PathBuf {
        self.path.clone()
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let tensor = self.tensors.get(name).ok_or_else(|| missing(self.path.clone(), name))?;
        self.tensor_bytes(tensor)
    }

    /// As the default, and gives the file's pages back to the system: they are rarely read twice.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        let values = source::widen(self, name)?;
        if let Some(tensor) = self.tensors.get(name) {
            self.map.release(tensor.span());
        }
        Ok(values)
    }
}

/// The tensors of a dict, or of the state dict one level down when it has none itself.
fn state_dict(root: &Value) -> BTreeMap<String, TensorRef> {
    let direct = named_tensors(root);
    if !direct.is_empty() {
        return direct;
    }
    let inner = STATE_KEYS.iter().filter_map(|key| root.get(key)).map(named_tensors);
    inner.into_iter().find(|tensors| !tensors.is_empty()).unwrap_or_default()
}

fn named_tensors(value: &Value) -> BTreeMap<String, TensorRef> {
    let pairs = value.as_pairs().unwrap_or_default().iter();
    pairs.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_tensor()?.clone()))).collect()
}

impl Directory {
    fn read(path: &Path, map: &[u8]) -> Result<Self> {
        check_magic(path, map)?;
        let broken = |error: zip::result::ZipError| {
            let message = match has_directory(map) {
                true => format!("not a complete zip file: {error}"),
                false => format!(
                    "not a complete zip file: the file has {} bytes and no zip directory at its end: the download \
                     is not complete",
                    map.len()
                ),
            };
            Error::format(path, 0, message)
        };
        let mut archive = ZipArchive::new(Cursor::new(map)).map_err(broken)?;
        if archive.has_duplicate_names() {
            return Err(Error::format(path, archive.central_directory_start(), "two entries have one name"));
        }
        let mut entries = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(broken)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let fail = |message: &str| {
                Err(Error::format(path, entry.header_start(), format!("entry {name}: {message}")))
            };
            if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
                return fail("found compressed or encrypted, expected stored as it is");
            }
            let range = entry.data_start().and_then(|start| Some(start..start.checked_add(entry.size())?));
            let Some(range) = range.filter(|range| range.end <= map.len() as u64) else {
                return fail("truncated: it reaches past the end of the file");
            };
            // No truncation: the end is inside of the map.
            entries.insert(name, range.start as usize..range.end as usize);
        }
        Self::pick(path, entries)
    }

    /// Finds `<stem>/data.pkl` and the other entries of that folder.
    fn pick(path: &Path, mut entries: BTreeMap<String, Range<usize>>) -> Result<Self> {
        let stems: Vec<String> = entries
            .keys()
            .filter_map(|name| name.strip_suffix("/data.pkl"))
            .filter(|stem| !stem.contains('/'))
            .map(str::to_owned)
            .collect();
        let [stem] = &stems[..] else {
            let found = stems.len();
            let message =
                format!("found {found} entries <name>/data.pkl, expected 1: not saved by torch.save");
            return Err(Error::format(path, 0, message));
        };
        let pickle = entries.remove(&format!("{stem}/data.pkl")).expect("the stem came from this name");
        let byte_order = entries.remove(&format!("{stem}/byteorder"));
        let prefix = format!("{stem}/data/");
        let storages = entries
            .into_iter()
            .filter_map(|(name, range)| Some((name.strip_prefix(&prefix)?.to_owned(), range)))
            .collect();
        Ok(Self { pickle, byte_order, storages })
    }
}

/// Whether the record that ends a zip file is there; only a comment of up to 64 KiB may follow it.
fn has_directory(map: &[u8]) -> bool {
    let end = &map[map.len().saturating_sub(22 + (1 << 16))..];
    end.windows(4).any(|bytes| bytes == b"PK\x05\x06")
}

fn check_magic(path: &Path, map: &[u8]) -> Result<()> {
    if map.starts_with(ZIP_MAGIC) {
        return Ok(());
    }
    // A pickle of protocol 2 and up, here of the magic number of the old form.
    if let [0x80, 2..=5, ..] = map {
        let message = "found a pickle without a zip around it, the form of torch before 1.6: load it with torch and \
                       save it again";
        return Err(Error::format(path, 0, message));
    }
    refuse_other(path, map, "a PyTorch checkpoint")?;
    Err(Error::format(path, 0, "not a torch checkpoint: expected a zip file"))
}

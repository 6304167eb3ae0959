//! One safetensors file, memory-mapped.
//!
//! ```text
//! u64 little-endian   length of the header
//! JSON                {"__metadata__": {..}, name: {"dtype", "shape", "data_offsets": [from, to]}, ..}
//! data                offsets count from the end of the header
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use internlm_kit::file::MappedFile;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::kind::refuse_other;
use super::source::missing;
use super::{Encoding, TensorInfo, TensorSource};
use crate::error::some_of;
use crate::{Error, Result};

/// Maximum length of the header, in bytes, that the format allows.
const MAX_HEADER: u64 = 100_000_000;

/// One safetensors file: header checked, data mapped.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    map: MappedFile,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Entry {
    info: TensorInfo,
    /// Absolute byte range in the file.
    bytes: Range<usize>,
}

/// One tensor as the header says it.
#[derive(Deserialize)]
struct Declared {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The pairs of the header in order. The format forbids equal names, of which a map would keep the last.
struct Pairs(Vec<(String, Value)>);

impl SafetensorsFile {
    /// Maps `path` and checks its header: sizes, encodings, and that the tensors cover the data without holes,
    /// overlaps or a rest, as the format demands.
    ///
    /// # Errors
    /// Missing or truncated file, malformed header; all bad tensors at once.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let map = MappedFile::open(path)?;
        let header = header(path, &map)?;
        let data_start = 8 + header.len();
        let Pairs(pairs) = serde_json::from_slice(header).map_err(|error| {
            Error::format(path, 8, format!("the header is not a JSON object of tensors: {error}"))
        })?;
        let mut metadata = BTreeMap::new();
        let mut declared = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, value) in pairs {
            if name == "__metadata__" {
                match serde_json::from_value(value) {
                    Ok(texts) => metadata = texts,
                    Err(_) => problems.push("__metadata__: expected an object of texts".to_owned()),
                }
                continue;
            }
            match Declared::deserialize(&value) {
                Ok(tensor) if !declared.contains_key(&name) => drop(declared.insert(name, tensor)),
                Ok(_) => problems.push(format!("tensor {name}: found twice in the header")),
                Err(error) => problems.push(format!("tensor {name}: {error}")),
            }
        }
        if problems.is_empty() {
            let data = Data { start: data_start, end: map.len() };
            problems = data.uncovered(path, &declared)?;
        }
        let mut entries = BTreeMap::new();
        let mut foreign = Foreign::default();
        for (name, tensor) in declared {
            match entry(tensor, data_start) {
                Ok(entry) => drop(entries.insert(name, entry)),
                Err(Bad::Type(dtype)) => foreign.add(dtype, name),
                Err(Bad::Length(message)) => problems.push(format!("tensor {name}: {message}")),
            }
        }
        problems.extend(foreign.problems());
        if problems.is_empty() {
            Ok(Self { path: path.to_path_buf(), map, entries, metadata })
        } else {
            Err(Error::Weights { path: path.to_path_buf(), problems })
        }
    }

    /// The free text pairs of the header.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl TensorSource for SafetensorsFile {
    fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.entries.get(name).map(|entry| entry.info.clone())
    }

    fn file(&self, _name: &str) -> PathBuf {
        self.path.clone()
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let entry = self.entries.get(name).ok_or_else(|| missing(self.path.clone(), name))?;
        Ok(Cow::Borrowed(&self.map[entry.bytes.clone()]))
    }

    fn release(&self, name: &str) {
        if let Some(entry) = self.entries.get(name) {
            self.map.release(entry.bytes.clone());
        }
    }
}

/// The JSON bytes after the length field.
fn header<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::format(
            path,
            0,
            format!("the file has {} bytes, expected at least 8 for the header length", bytes.len()),
        ));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER || !matches!(rest.first(), None | Some(b'{')) {
        refuse_other(path, bytes, "a safetensors file")?;
    }
    if length > MAX_HEADER {
        let message =
            format!("header length: found {length}, expected <= {MAX_HEADER}: not a safetensors file");
        return Err(Error::format(path, 0, message));
    }
    let header = usize::try_from(length).ok().and_then(|length| rest.get(..length));
    header.ok_or_else(|| match rest.first() {
        Some(b'{') => {
            let (found, expected) = (bytes.len() as u64, 8 + length);
            Error::Truncated { path: path.to_path_buf(), found, expected }
        }
        _ => {
            let left = rest.len();
            let message = format!("truncated: the header declares {length} bytes, the file holds {left}");
            Error::format(path, 8, message)
        }
    })
}

/// Where the data of a file is.
struct Data {
    start: usize,
    end: usize,
}

impl Data {
    /// Compares the places of the tensors with the data: each begins where the one before it ends, and the last ends
    /// with the file.
    fn uncovered(&self, path: &Path, declared: &BTreeMap<String, Declared>) -> Result<Vec<String>> {
        let mut tensors: Vec<_> = declared.iter().map(|(name, tensor)| (tensor.data_offsets, name)).collect();
        tensors.sort_unstable();
        let (mut covered, mut problems) = (0, Vec::new());
        for ([from, to], name) in tensors {
            if from != covered || to < from {
                let what = if from < covered { "overlaps the tensor before it" } else { "leaves a hole" };
                problems.push(format!(
                    "tensor {name}: found data offsets [{from}, {to}], expected them to begin at {covered}: {what}"
                ));
            }
            covered = covered.max(to);
        }
        let (found, expected) = (self.end, self.start.saturating_add(covered));
        if found < expected {
            let path = path.to_path_buf();
            return Err(Error::Truncated { path, found: found as u64, expected: expected as u64 });
        }
        if found > expected && problems.is_empty() {
            let surplus = found - expected;
            problems.push(format!(
                "found {surplus} bytes behind the last tensor: the file has {found} bytes, its header promises \
                 {expected}"
            ));
        }
        Ok(problems)
    }
}

/// Why a tensor cannot be used.
enum Bad {
    /// A number format that is not read.
    Type(String),
    /// Shape and data do not agree.
    Length(String),
}

/// Tensors of number formats that are not read, by format: one problem each, however many tensors there are.
#[derive(Default)]
struct Foreign(BTreeMap<String, Vec<String>>);

impl Foreign {
    fn add(&mut self, dtype: String, name: String) {
        self.0.entry(dtype).or_default().push(name);
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(dtype, names)| {
            let names = some_of(names);
            format!("dtype: found {dtype} in {names}, expected F32, F16, BF16 or an integer type")
        })
    }
}

/// Checks one tensor of the header; its offsets are inside of the file.
fn entry(declared: Declared, data_start: usize) -> Result<Entry, Bad> {
    let known = Encoding::SAFETENSORS.into_iter().find(|encoding| encoding.name() == declared.dtype);
    let Some(encoding) = known else { return Err(Bad::Type(declared.dtype)) };
    let [from, to] = declared.data_offsets;
    let expected = encoding.byte_length(&declared.shape);
    if to < from || expected != Some(to - from) {
        return Err(Bad::Length(format!(
            "data offsets span {} bytes, expected {} for {encoding} {:?}",
            to.saturating_sub(from),
            expected.map_or_else(|| "fewer".to_owned(), |bytes| bytes.to_string()),
            declared.shape
        )));
    }
    let info = TensorInfo { shape: declared.shape, encoding };
    // Saturating: a file with other problems is refused before the bytes are read.
    Ok(Entry { info, bytes: data_start.saturating_add(from)..data_start.saturating_add(to) })
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

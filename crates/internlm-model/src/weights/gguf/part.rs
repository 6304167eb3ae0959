//! [`Part`]: one file, its header read and its tensors placed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use internlm_kit::file::MappedFile;

use super::header::{Declared, Header};
use super::metadata::Metadata;
use super::tensor_type;
use crate::error::some_of;
use crate::weights::TensorInfo;
use crate::weights::kind::refuse_other;
use crate::{Error, Result};

/// One mapped file: the whole model, or one part of it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) map: Arc<MappedFile>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) tensors: BTreeMap<String, Entry>,
}

/// One tensor of a file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) info: TensorInfo,
    /// Absolute byte range in the file.
    pub(super) bytes: Range<usize>,
}

impl Part {
    /// Maps `path` and checks its tensor table against its length.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let map = Arc::new(MappedFile::open(path)?);
        if !map.starts_with(b"GGUF") {
            refuse_other(path, &map, "a GGUF file")?;
        }
        let header = Header::read(&map).map_err(|fault| fault.in_file(path))?;
        let Header { version, metadata, declared, alignment, data_start } = header;
        let mut layout = Layout::new(alignment, data_start);
        declared.into_iter().for_each(|tensor| layout.add(tensor));
        let tensors = layout.finish(path, map.len() as u64)?;
        Ok(Self { path: path.to_path_buf(), map, version, metadata, tensors })
    }
}

/// The places of the tensors: as in llama.cpp, each begins where the one before it ends, padded to the alignment.
struct Layout {
    alignment: u64,
    /// Where the data section begins in the file.
    data_start: u64,
    /// Where the next tensor begins in the data section; `None` after one whose size is not known.
    next: Option<u64>,
    /// Where the last tensor ends in the file.
    end: u64,
    tensors: BTreeMap<String, Entry>,
    /// Tensors of types that are not read, by the number of the type.
    foreign: BTreeMap<u32, Vec<String>>,
    problems: Vec<String>,
}

impl Layout {
    fn new(alignment: u64, data_start: u64) -> Self {
        Self {
            alignment,
            data_start,
            next: Some(0),
            end: data_start,
            tensors: BTreeMap::new(),
            foreign: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn add(&mut self, tensor: Declared) {
        let Declared { name, shape, kind, offset } = tensor;
        let expected = self.next.take();
        let Some(encoding) = tensor_type::encoding(kind) else {
            self.foreign.entry(kind).or_default().push(name);
            return;
        };
        let Some(length) = encoding.byte_length(&shape) else {
            self.problems
                .push(format!("tensor {name}: shape {shape:?} is not a whole number of {encoding} blocks"));
            return;
        };
        let from = self.data_start.checked_add(offset);
        let Some((from, to)) = from.and_then(|from| Some((from, from.checked_add(length as u64)?))) else {
            self.problems
                .push(format!("tensor {name}: found offset {offset}, expected one inside of the file"));
            return;
        };
        if let Some(expected) = expected.filter(|expected| *expected != offset) {
            self.problems.push(format!(
                "tensor {name}: found offset {offset}, expected {expected}, where the tensor before it ends"
            ));
        }
        self.next = (offset + length as u64).checked_next_multiple_of(self.alignment);
        self.end = self.end.max(to);
        let info = TensorInfo { shape, encoding };
        // On 64 bits both fit; a file that is shorter than `end` is refused before they are used.
        let entry = Entry { info, bytes: from as usize..to as usize };
        if self.tensors.contains_key(&name) {
            self.problems.push(format!("tensor {name}: found twice in the header"));
        }
        self.tensors.insert(name, entry);
    }

    /// The tensors, when the file at `path` has the `length` that they add up to.
    fn finish(self, path: &Path, length: u64) -> Result<BTreeMap<String, Entry>> {
        let Self { end, tensors, foreign, mut problems, .. } = self;
        problems.extend(foreign.iter().map(|(kind, names)| {
            let (found, names) = (tensor_type::name(*kind), some_of(names));
            format!("tensor type: found {found} in {names}, expected {}", tensor_type::KNOWN)
        }));
        if !problems.is_empty() {
            return Err(Error::Weights { path: path.to_path_buf(), problems });
        }
        if end > length && !tensors.is_empty() {
            return Err(Error::Truncated { path: path.to_path_buf(), found: length, expected: end });
        }
        // Files end with the last tensor, or with the padding after it.
        let surplus = length.saturating_sub(end);
        if surplus >= self.alignment && !tensors.is_empty() {
            tracing::warn!("{}: {surplus} bytes behind the last tensor are not used", path.display());
        }
        Ok(tensors)
    }
}

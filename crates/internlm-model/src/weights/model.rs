//! Any model folder or GGUF file as InternLM2 tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::file::MappedFile;

use super::gguf::GgufFile;
use super::int4::{self, CodedRows, Int4Matrix, Int4Source, Problem, QuantizationConfig, is_coded};
use super::internevo::{InternEvoFolder, Stretch, is_internevo};
use super::inventory::{name_problems, other_frequencies, untie};
use super::kind::{refuse_hub_name, refuse_other};
use super::names::{self, NameStyle, Parts};
use super::qkv::{self, RowOrder};
use super::quantization::{Quantization, without_settings};
use super::stored_model::StoredModel;
use super::{Encoding, TensorInfo, TensorSource, WeightFolder};
use crate::{Error, ModelConfig, Result};

/// What a path of a model may name, for messages.
const MODEL: &str = "a model folder or a GGUF file";

/// Opens a Hugging Face folder (single file or shards), an InternEvo checkpoint or a GGUF file and checks it against
/// its config.
///
/// The tensors appear under InternLM2 names: q, k and v of other families are joined into `wqkv`, permuted
/// rows of GGUF are put back, and 4-bit matrices of AWQ, GPTQ and compressed-tensors are f32 unless
/// [`TensorSource::read_int4`] asks for their codes. Other matrices are read when they are asked for; zero points and
/// groups of inputs are compared with the settings at once.
///
/// # Errors
/// Missing or malformed files; folders of other quantizers; missing, surplus or mis-shaped tensors, all at once.
pub fn open(path: impl AsRef<Path>) -> Result<(ModelConfig, Box<dyn TensorSource>)> {
    let path = path.as_ref();
    let stored = open_stored(path)?;
    if is_internevo(path) {
        return Ok((stored.config, stored.source));
    }
    let mut config = stored.config.clone();
    Quantization::remove(&mut config);
    Ok((config, Box::new(ModelWeights::new(path, stored)?)))
}

/// Opens what [`open`] opens, without joining or checking tensors: for readers that reorder the rows of each
/// matrix themselves.
///
/// # Errors
/// Missing or malformed files, and folders of quantizers that are not read.
pub fn open_stored(path: impl AsRef<Path>) -> Result<StoredModel> {
    let path = path.as_ref();
    refuse_hub_name(path)?;
    if is_gguf(path) {
        return open_gguf(path);
    }
    if is_internevo(path) {
        let folder = InternEvoFolder::open(path, Stretch::default())?;
        let config = folder.config().clone();
        let (style, order) = (NameStyle::InternLm2, RowOrder::HalfSplit);
        let (source, notes) = (Box::new(folder), Vec::new());
        return Ok(StoredModel { config, source, style, order, quantization: None, notes });
    }
    if path.is_file() {
        return Err(other_file(path)?);
    }
    open_hf(path)
}

fn open_gguf(path: &Path) -> Result<StoredModel> {
    let file = GgufFile::open(path)?;
    let config = ModelConfig::from_gguf(&file)?;
    // llama.cpp's converter permutes q and k of these architectures for its interleaved rotation.
    let order = match file.metadata().text("general.architecture") {
        Some("llama" | "internlm2") => RowOrder::Interleaved,
        _ => RowOrder::HalfSplit,
    };
    let notes = other_frequencies(&config, &file).into_iter().collect();
    let (source, style) = (Box::new(file), NameStyle::Gguf);
    Ok(StoredModel { config, source, style, order, quantization: None, notes })
}

fn open_hf(path: &Path) -> Result<StoredModel> {
    if let Some(found) = without_config(path) {
        return Err(Error::Kind { path: path.to_path_buf(), found, expected: MODEL });
    }
    let mut config = ModelConfig::from_hf(path)?;
    let quantization = Quantization::find(&config, path)?;
    if let Some(foreign) = quantization.as_ref().filter(|found| !found.is_read()) {
        return Err(foreign.refusal(path));
    }
    let source = WeightFolder::open(path)?;
    if quantization.is_none()
        && let Some(problem) = without_settings(&source.names())
    {
        return Err(Error::Weights { path: path.to_path_buf(), problems: vec![problem] });
    }
    let (style, order) = (NameStyle::of(config.family), RowOrder::HalfSplit);
    let head = untie(&mut config, &source, style)?;
    let notes = head.into_iter().chain(other_frequencies(&config, &source)).collect();
    Ok(StoredModel { config, source: Box::new(source), style, order, quantization, notes })
}

/// The error for a file that is not GGUF: what it is, and what was expected.
fn other_file(path: &Path) -> Result<Error> {
    let map = MappedFile::open(path)?;
    refuse_other(path, &map, MODEL)?;
    let found = if map.is_empty() { "an empty file" } else { "a file of another kind" };
    Ok(Error::Kind { path: path.to_path_buf(), found: found.to_owned(), expected: MODEL })
}

/// What a folder without `config.json` is, where it is something that people take for a model.
fn without_config(path: &Path) -> Option<String> {
    if path.join("config.json").exists() {
        return None;
    }
    if path.join("adapter_config.json").is_file() {
        return Some("a LoRA adapter, which has to be merged into its model".to_owned());
    }
    if path.join("snapshots").is_dir() {
        return Some("a cache folder of a hub, whose models are the folders in `snapshots`".to_owned());
    }
    let entries = std::fs::read_dir(path).ok()?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file() && is_gguf(path));
    Some(format!("a folder of GGUF files, such as {}", files.min()?.display()))
}

/// Whether `path` is to be read as GGUF: by its name, or by its first bytes.
pub(crate) fn is_gguf(path: &Path) -> bool {
    use std::io::Read;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
        return true;
    }
    let mut magic = [0; 4];
    path.is_file()
        && std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && &magic == b"GGUF"
}

/// A checked model: every tensor its config demands is there with the right shape.
struct ModelWeights {
    path: PathBuf,
    source: Box<dyn TensorSource>,
    quantization: Option<QuantizationConfig>,
    tensors: BTreeMap<String, Recipe>,
    heads: qkv::Heads,
}

/// One InternLM2 tensor: its shape and where its rows come from.
struct Recipe {
    info: TensorInfo,
    parts: Parts,
    form: Form,
}

/// In which form the bytes of a tensor are given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// As they are stored.
    Stored,
    /// In f32: q, k and v are stored in different encodings, or a quantizer has packed them.
    Widened,
}

impl ModelWeights {
    fn new(path: &Path, stored: StoredModel) -> Result<Self> {
        let mut problems = name_problems(&stored)?;
        let quantization = QuantizationConfig::read(&stored)?;
        let StoredModel { config, source, style, order, .. } = stored;
        let (path, heads) = (path.to_path_buf(), qkv::Heads::of(&config, order));
        let mut weights = Self { path, source, quantization, tensors: BTreeMap::new(), heads };
        if config.layers > weights.source.names().len() {
            return Err(Error::Weights { path: weights.path, problems });
        }
        for (name, shape) in names::expected(&config) {
            let Some(parts) = names::parts(&name, style) else {
                problems.push(format!("tensor {name}: has no counterpart in {style:?} files"));
                continue;
            };
            match weights.check(&parts, &shape) {
                Ok((info, form)) => {
                    weights.tensors.insert(name, Recipe { info, parts, form });
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        if problems.is_empty() { Ok(weights) } else { Err(Error::Weights { path: weights.path, problems }) }
    }

    /// Names a tensor in a message about the model; its file is named too where the model has several.
    fn place(&self, name: &str) -> String {
        let file = self.file_of(name);
        match file.file_name() {
            Some(file_name) if file != self.path => format!("{}: tensor {name}", file_name.display()),
            _ => format!("tensor {name}"),
        }
    }

    /// Compares the parts of one tensor with the shape the config demands. Tensors that are missing have been reported
    /// with all others.
    fn check(&self, parts: &Parts, shape: &[usize]) -> Result<(TensorInfo, Form), Vec<String>> {
        match parts {
            Parts::One(name) => self.check_part(name, shape).map_err(|problem| problem.into_iter().collect()),
            Parts::Qkv(names) => {
                let (mut problems, mut found) = (Vec::new(), Vec::new());
                for (name, rows) in names.iter().zip(self.heads.rows()) {
                    let mut part = shape.to_vec();
                    part[0] = rows;
                    match self.check_part(name, &part) {
                        Ok((info, form)) => found.push((info.encoding, form)),
                        Err(problem) => problems.extend(problem),
                    }
                }
                if found.len() < names.len() {
                    return Err(problems);
                }
                let same = found.iter().all(|part| *part == (found[0].0, Form::Stored));
                let (encoding, form) = if same { found[0] } else { (Encoding::F32, Form::Widened) };
                Ok((TensorInfo { shape: shape.to_vec(), encoding }, form))
            }
        }
    }

    /// Compares one stored tensor with the shape it should have; the error is a problem unless it is missing.
    fn check_part(&self, name: &str, shape: &[usize]) -> Result<(TensorInfo, Form), Option<String>> {
        let packed = self.packed(name).map_err(|problem| Some(problem.text(&self.path)))?;
        let found = match packed {
            Some(matrix) => {
                let shape = vec![matrix.outputs(), matrix.inputs()];
                (TensorInfo { shape, encoding: Encoding::F32 }, Form::Widened)
            }
            None => (self.source.info(name).ok_or(None)?, Form::Stored),
        };
        if found.0.shape == shape {
            return Ok(found);
        }
        Err(Some(format!("{}: found shape {:?}, expected {shape:?}", self.place(name), found.0.shape)))
    }

    /// A stored matrix that a quantizer has packed.
    fn packed(&self, name: &str) -> Result<Option<Int4Source<'_>>, Problem> {
        match (&self.quantization, name.strip_suffix(".weight")) {
            (Some(config), Some(prefix)) => int4::find(self.source.as_ref(), prefix, config),
            _ => Ok(None),
        }
    }

    /// A stored matrix of 4-bit codes, packed or in blocks; `None` too where a scale is more than a half holds.
    fn coded(&self, name: &str) -> Result<Option<CodedRows<'_>>> {
        if let Some(matrix) = self.packed(name)? {
            return Ok(matrix.has_half_scales().then(|| CodedRows::packed(matrix)));
        }
        match self.source.info(name) {
            Some(TensorInfo { shape, encoding }) if shape.len() == 2 && is_coded(encoding) => {
                let bytes = self.source.read_bytes(name)?;
                Ok(Some(CodedRows::Blocks { encoding, bytes, inputs: shape[1] }))
            }
            _ => Ok(None),
        }
    }

    /// The numbers of one stored tensor.
    fn part_f32(&self, name: &str) -> Result<Vec<f32>> {
        match self.packed(name)? {
            Some(matrix) => matrix
                .dequantize()
                .map_err(|(row, problem)| self.problem(name, &format!("row {row}, {problem}"))),
            None => self.source.read_f32(name),
        }
    }

    /// The names of the tensors that hold a stored matrix or vector.
    fn stored(&self, name: &str) -> Vec<String> {
        match (&self.quantization, name.strip_suffix(".weight")) {
            (Some(config), Some(prefix)) if self.source.info(name).is_none() => config.tensors(prefix).into(),
            _ => vec![name.to_owned()],
        }
    }

    /// The file of a stored tensor, or of its packed weights.
    fn file_of(&self, name: &str) -> PathBuf {
        self.source.file(&self.stored(name)[0])
    }

    /// An error of one stored tensor.
    fn problem(&self, name: &str, problem: &str) -> Error {
        let name = &self.stored(name)[0];
        Error::Weights { path: self.source.file(name), problems: vec![format!("tensor {name}: {problem}")] }
    }
}

impl TensorSource for ModelWeights {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.get(name).map(|recipe| recipe.info.clone())
    }

    fn file(&self, name: &str) -> PathBuf {
        let part = self.tensors.get(name).map_or(name, |recipe| recipe.parts.first());
        self.file_of(part)
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let Some(recipe) = self.tensors.get(name) else { return self.source.read_bytes(name) };
        if recipe.form == Form::Widened {
            let values = self.read_f32(name)?;
            return Ok(Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()));
        }
        let Parts::Qkv([q, k, v]) = &recipe.parts else {
            return self.source.read_bytes(recipe.parts.first());
        };
        let parts = [self.source.read_bytes(q)?, self.source.read_bytes(k)?, self.source.read_bytes(v)?];
        Ok(Cow::Owned(qkv::join(&parts.each_ref().map(|part| &**part), self.heads)))
    }

    fn release(&self, name: &str) {
        let parts = match self.tensors.get(name).map(|recipe| &recipe.parts) {
            Some(Parts::One(part)) => std::slice::from_ref(part),
            Some(Parts::Qkv(parts)) => parts,
            None => return self.source.release(name),
        };
        parts.iter().flat_map(|part| self.stored(part)).for_each(|tensor| self.source.release(&tensor));
    }

    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        match self.tensors.get(name).map(|recipe| &recipe.parts) {
            Some(Parts::One(part)) => self.part_f32(part),
            Some(Parts::Qkv([q, k, v])) => {
                let parts = [self.part_f32(q)?, self.part_f32(k)?, self.part_f32(v)?];
                Ok(qkv::join(&parts.each_ref().map(Vec::as_slice), self.heads))
            }
            None => self.source.read_f32(name),
        }
    }

    fn read_int4(&self, name: &str) -> Result<Option<Int4Matrix>> {
        let names: &[String] = match self.tensors.get(name).map(|recipe| &recipe.parts) {
            Some(Parts::One(part)) => std::slice::from_ref(part),
            Some(Parts::Qkv(parts)) => parts,
            None => return Ok(None),
        };
        let parts = names.iter().map(|part| self.coded(part)).collect::<Result<Option<Vec<_>>>>()?;
        // Parts that are stored differently are one matrix only as floats.
        let Some(parts) = parts.filter(|parts| parts.iter().all(|part| part.layout() == parts[0].layout()))
        else {
            return Ok(None);
        };
        let rows: Vec<_> = match parts.len() {
            1 => (0..parts[0].outputs()).map(|row| (0, row)).collect(),
            _ => self.heads.packing().collect(),
        };
        let matrix = Int4Matrix::stack(&parts, &rows);
        let matrix = matrix.map_err(|(part, problem)| self.problem(&names[part], &problem))?;
        drop(parts);
        self.release(name);
        Ok(Some(matrix))
    }
}

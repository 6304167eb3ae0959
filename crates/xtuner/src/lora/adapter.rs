//! [`Adapter`]: PEFT's two files, `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Tensors are called `base_model.model.` + module + `.lora_A.weight` `[r, in]`, `.lora_B.weight` `[out, r]`;
//! a module that was trained whole is stored as `base_model.model.` + module + `.weight`. Module names are those
//! of the InternLM2 checkpoint: `model.layers.0.attention.wqkv`, `model.tok_embeddings`, `output`.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::file;
use internlm_model::config::DType;
use internlm_model::decoder::Decoder;
use internlm_model::linear::LoraConfig;
use internlm_model::parameter::Training;
use internlm_model::weights::{Named, SafetensorsFile, TensorSource, write_file};
use internlm_model::{Tokenizer, device};

use super::config::has_suffix;
use super::inject::replace;
use super::peft::{AdapterConfig, ModuleRules};
use crate::export::export_model;
use crate::{Error, Result};

/// What PEFT puts before the names of the model's own tensors.
const PREFIX: &str = "base_model.model.";
const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// What older versions of PEFT wrote instead.
const OLD_WEIGHTS: &str = "adapter_model.bin";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

/// Shape and values of one tensor of an adapter file.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// An adapter in memory: config and tensors by the model's own names.
///
/// ```
/// use internlm_model::{Decoder, ModelConfig, ModelSize, device};
/// use xtuner::lora::{Adapter, AdapterConfig, LoraTuningConfig, inject};
///
/// let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 });
/// let lora = LoraTuningConfig::new(4, 16.0);
/// let decoder = Decoder::init(&model, 1, &device::parse("cpu")?.autodiff());
/// let tuned = inject(decoder.clone(), &lora, 7)?;
///
/// let adapter = Adapter::of(&tuned, AdapterConfig::new(&lora, "base"));
/// let folder = tempfile::tempdir()?;
/// adapter.write(folder.path())?;
/// let read = Adapter::read(folder.path())?;
/// assert_eq!(read, adapter);
/// let again = read.apply(decoder, folder.path())?; // the same model as `tuned`
/// # let _ = again;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    /// The content of `adapter_config.json`.
    pub config: AdapterConfig,
    tensors: BTreeMap<String, Stored>,
}

impl Adapter {
    /// Takes everything of `decoder` that was trained.
    #[must_use]
    pub fn of(decoder: &Decoder, config: AdapterConfig) -> Self {
        let trained = decoder
            .parameters()
            .into_iter()
            .filter(|(_, parameter)| parameter.training() == Training::Trained);
        let store = |(name, parameter): (String, internlm_model::parameter::Parameter)| {
            (name, Stored { shape: parameter.shape(), values: parameter.to_vec() })
        };
        Self { config, tensors: trained.map(store).collect() }
    }

    /// Reads an adapter folder.
    ///
    /// # Errors
    /// Missing or malformed files, keys that change a merge in a way this crate does not know, and tensors whose names
    /// PEFT does not use.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(CONFIG);
        let text = file::read_to_string(&path)?;
        let config: AdapterConfig = serde_json::from_str(&text).map_err(|error| {
            Error::mismatch(path.display().to_string(), error.to_string(), "PEFT's adapter config")
        })?;
        let mut problems = config.problems();
        if !folder.join(WEIGHTS).exists() && folder.join(OLD_WEIGHTS).exists() {
            let expected = format!("{WEIGHTS}; a newer PEFT writes it with `save_pretrained`");
            return Err(Error::mismatch(folder.display().to_string(), OLD_WEIGHTS, expected));
        }
        let file = SafetensorsFile::open(folder.join(WEIGHTS))?;
        let mut tensors = BTreeMap::new();
        for name in file.names() {
            let Some(own) = name.strip_prefix(PREFIX) else {
                problems.push(format!("tensor {name}: expected a name that begins with {PREFIX}"));
                continue;
            };
            let shape = file.info(&name).map(|info| info.shape).unwrap_or_default();
            tensors.insert(own.to_owned(), Stored { shape, values: file.read_f32(&name)? });
        }
        if problems.is_empty() {
            Ok(Self { config, tensors })
        } else {
            Err(Error::Adapter { path: folder.to_path_buf(), problems })
        }
    }

    /// Writes both files into `folder`, in f32.
    ///
    /// # Errors
    /// Any error of writing.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let named: Vec<Named> = self
            .tensors
            .iter()
            .map(|(name, stored)| (format!("{PREFIX}{name}"), stored.shape.clone()))
            .collect();
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        write_file(folder.join(WEIGHTS), &named, DType::F32, &metadata, &mut |name| {
            let own = name.strip_prefix(PREFIX).unwrap_or(name);
            Ok(self.tensors[own].values.clone())
        })?;
        let path = folder.join(CONFIG);
        let text = serde_json::to_value(&self.config).expect("strings, numbers and maps are valid JSON");
        Ok(file::write(&path, format!("{text:#}\n"))?)
    }

    /// Number of values in all tensors.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|stored| stored.values.len()).sum()
    }

    /// Puts the adapter on `decoder`; `origin` is named in messages.
    ///
    /// # Errors
    /// [`Error::Adapter`] with every tensor that does not fit the model or the config, and every key of the config that
    /// cannot be applied.
    pub fn apply(&self, mut decoder: Decoder, origin: impl AsRef<Path>) -> Result<Decoder> {
        let rules = self.config.rules();
        let mut problems = self.config.problems();
        problems.extend(self.misfits(&rules, &mut decoder));
        problems.extend(self.gaps(&rules, &mut decoder));
        if !problems.is_empty() {
            return Err(Error::Adapter { path: origin.as_ref().to_path_buf(), problems });
        }
        let noise = decoder.noise().clone();
        for (module, linear) in decoder.linears_mut() {
            if self.tensors.contains_key(&format!("{module}{A}")) {
                let rank = rules.rank(&module);
                let alpha = rules.scale(&module) * rank as f64;
                let lora = LoraConfig::new(rank, alpha);
                replace(linear, |linear| linear.inject_lora(&lora, &module, &noise));
            }
        }
        for (name, mut parameter) in decoder.parameters_mut() {
            if let Some(stored) = self.tensors.get(&name) {
                parameter.set(stored.values.clone());
            }
        }
        Ok(decoder)
    }

    /// Every tensor without its place in the model, or of another shape than model and config ask for.
    fn misfits(&self, rules: &ModuleRules<'_>, decoder: &mut Decoder) -> Vec<String> {
        let layers: BTreeMap<String, [usize; 2]> =
            decoder.linears_mut().into_iter().map(|(module, linear)| (module, linear.shape())).collect();
        let plain: BTreeMap<String, Vec<usize>> =
            decoder.parameters().into_iter().map(|(name, parameter)| (name, parameter.shape())).collect();
        self.tensors
            .iter()
            .filter_map(|(name, stored)| {
                let expected = match name.strip_suffix(A).or_else(|| name.strip_suffix(B)) {
                    Some(module) => self.factor_shape(rules, name, module, layers.get(module)),
                    None => plain.get(name).cloned().ok_or_else(|| "no such tensor in the model".to_owned()),
                };
                match expected {
                    Ok(expected) if expected == stored.shape => {
                        let finite = stored.values.iter().all(|value| value.is_finite());
                        (!finite).then(|| {
                            format!("tensor {name}: found values that are not finite, expected finite ones")
                        })
                    }
                    Ok(expected) => {
                        Some(format!("tensor {name}: found shape {:?}, expected {expected:?}", stored.shape))
                    }
                    Err(problem) => Some(format!("tensor {name}: found shape {:?}, {problem}", stored.shape)),
                }
            })
            .collect()
    }

    /// What the config names and the file lacks. Single layers without an adapter are PEFT's usual way of leaving them as
    /// they are, and worth a warning; a module that was trained whole is lost without its tensor.
    fn gaps(&self, rules: &ModuleRules<'_>, decoder: &mut Decoder) -> Vec<String> {
        if self.tensors.is_empty() {
            return vec![format!("{WEIGHTS}: found no tensor, expected those of an adapter")];
        }
        let layers = decoder.linears_mut().into_iter().map(|(module, _)| module);
        let named: Vec<String> = layers.filter(|module| rules.names(module)).collect();
        let without: Vec<&String> =
            named.iter().filter(|module| !self.tensors.contains_key(&format!("{module}{A}"))).collect();
        if let Some(first) = without.first() {
            let (count, all) = (without.len(), named.len());
            tracing::warn!(
                "{WEIGHTS} has no tensors for {count} of {all} layers that `target_modules` names, {first} among them: \
                 they stay as they are"
            );
        }
        let parameters: Vec<String> = decoder.parameters().into_iter().map(|(name, _)| name).collect();
        let saved = self.config.modules_to_save();
        let lost = saved.into_iter().filter_map(|module| {
            let suffix = format!("{module}.weight");
            let mut own = parameters.iter().filter(|name| has_suffix(name, &suffix)).peekable();
            own.peek()?;
            own.all(|name| !self.tensors.contains_key(name)).then_some(module)
        });
        let problem = |module: &str| {
            format!("modules_to_save: found `{module}`, expected its tensor in {WEIGHTS}, which has none")
        };
        lost.map(problem).collect()
    }

    /// The shape that A or B of `module` must have, given its layer's `[out, in]`; the config says the rank.
    fn factor_shape(
        &self,
        rules: &ModuleRules<'_>,
        name: &str,
        module: &str,
        layer: Option<&[usize; 2]>,
    ) -> Result<Vec<usize>, String> {
        let [outputs, inputs] = layer.ok_or("no such linear layer in the model")?;
        if !rules.is_target(module) {
            return Err(format!("expected no adapter: `target_modules` of {CONFIG} does not name the layer"));
        }
        let (other, rank) = (if name.ends_with(A) { B } else { A }, rules.rank(module));
        if !self.tensors.contains_key(&format!("{module}{other}")) {
            return Err(format!("expected {module}{other} next to it"));
        }
        Ok(if name.ends_with(A) { vec![rank, *inputs] } else { vec![*outputs, rank] })
    }
}

/// Merges the adapter in the folder `adapter` into the model at `model` and writes the folder `out`: W + s B A in f32,
/// stored in the dtype of the base. Tokenizer files are those of the base.
///
/// # Errors
/// Files that cannot be read, and an adapter that does not fit.
pub fn merge(model: impl AsRef<Path>, adapter: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<()> {
    let (model, adapter) = (model.as_ref(), adapter.as_ref());
    let decoder = Decoder::load(model, &device::parse("cpu")?)?;
    let tokenizer = Tokenizer::load(model)?;
    let merged = Adapter::read(adapter)?.apply(decoder, adapter)?.merged();
    export_model(&merged, &tokenizer, model, out)
}

//! [`Adapter`]: PEFT's two files, `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Tensors are called `base_model.model.` + module + `.lora_A.weight` `[r, in]`, `.lora_B.weight` `[out, r]`, with DoRA
//! `.lora_magnitude_vector` `[out]`; a module that was trained whole is stored as `base_model.model.` + module +
//! `.weight`. Module names are those of the `InternLM2` checkpoint (`model.layers.0.attention.wqkv`, `output`) or LLaMA's
//! (`model.layers.0.self_attn.q_proj`, `lm_head`); both fit every model of this workspace.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::file;
use internlm_model::decoder::Decoder;
use internlm_model::linear::LoraConfig;
use internlm_model::parameter::{Parameter, Training, numbers};
use internlm_model::weights::names::NameStyle;
use internlm_model::weights::{Encoding, SafetensorsFile, TensorInfo, TensorSource, write_stored_file};
use serde_json::{Map, Value};

use super::fit::{self, A, B, MAGNITUDE, WEIGHTS};
use super::inject::replace;
use super::layout::{Layout, own, wrapped_bias};
use super::modules::{Factors, Modules};
use super::peft::AdapterConfig;
use super::stored::Stored;
use crate::{Error, Result};

/// What PEFT puts before the names of the model's own tensors.
const PREFIX: &str = "base_model.model.";
const CONFIG: &str = "adapter_config.json";
/// What older versions of PEFT wrote instead.
const OLD_WEIGHTS: &str = "adapter_model.bin";

/// An adapter in memory: config and tensors as its files have them.
///
/// ```
/// use internlm_model::{Decoder, ModelConfig, ModelSize, device};
/// use xtuner::lora::{Adapter, AdapterConfig, LoraTuningConfig, inject};
///
/// let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 });
/// let lora = LoraTuningConfig::new(4, 16.0).with_dora();
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
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The content of `adapter_config.json`.
    pub config: AdapterConfig,
    /// Tensors by their names in the file, without [`PREFIX`].
    pub(super) tensors: BTreeMap<String, Stored>,
    /// What the adapter was read from; `None` for one that was made here.
    source: Option<Source>,
}

/// The parts of the files that config and tensors do not keep: an adapter that is not changed is written with the same
/// bytes.
#[derive(Clone, Debug)]
struct Source {
    config: String,
    metadata: BTreeMap<String, String>,
}

impl PartialEq for Adapter {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.tensors == other.tensors
    }
}

impl Adapter {
    /// Takes everything of `decoder` that was trained.
    #[must_use]
    pub fn of(decoder: &Decoder, config: AdapterConfig) -> Self {
        let all = decoder.parameters();
        let trained = all.iter().filter(|(_, parameter)| parameter.training() == Training::Trained);
        let store = |(name, parameter): &(String, Parameter)| {
            let wrapped = name.strip_suffix(".bias").filter(|module| {
                let a = format!("{module}{A}");
                all.iter().any(|(name, _)| *name == a)
            });
            let name = wrapped.map_or_else(|| name.clone(), wrapped_bias);
            (name, Stored::new(parameter.shape(), parameter.to_vec()))
        };
        Self::new(config, trained.map(store).collect())
    }

    /// An adapter of these tensors, by their names in the file.
    pub(super) fn new(config: AdapterConfig, tensors: BTreeMap<String, Stored>) -> Self {
        Self { config, tensors, source: None }
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
            let Some(info) = file.info(&name) else { continue };
            let stored = Stored::read(info, file.read_f32(&name)?, &file.read_bytes(&name)?);
            tensors.insert(own.to_owned(), stored);
        }
        if problems.is_empty() {
            let source = Some(Source { config: text, metadata: file.metadata().clone() });
            Ok(Self { config, tensors, source })
        } else {
            Err(Error::Adapter { path: folder.to_path_buf(), problems })
        }
    }

    /// Writes both files into `folder`. Tensors keep the type that they were read in, new ones are f32; an adapter that
    /// was read and not changed has the same bytes again.
    ///
    /// # Errors
    /// Any error of writing.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let info = |(name, stored): (&String, &Stored)| (format!("{PREFIX}{name}"), stored.info());
        let mut named: Vec<(String, TensorInfo)> = self.tensors.iter().map(info).collect();
        // The order of the reference writer: the widest type first, then names.
        named.sort_by_key(|(_, info)| match info.encoding {
            Encoding::F32 => 0,
            Encoding::Bf16 => 1,
            _ => 2,
        });
        let plain = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let metadata = self.source.as_ref().map_or(&plain, |source| &source.metadata);
        write_stored_file(folder.join(WEIGHTS), &named, metadata, &mut |name| {
            let own = name.strip_prefix(PREFIX).unwrap_or(name);
            Ok(self.tensors[own].bytes().into_owned())
        })?;
        Ok(file::write(folder.join(CONFIG), self.config_text())?)
    }

    /// `adapter_config.json`: the text that was read when it still says the same, else keys in PEFT's order.
    fn config_text(&self) -> String {
        let read = self.source.as_ref().map(|source| &source.config);
        let same =
            |text: &&String| serde_json::from_str(text).is_ok_and(|old: AdapterConfig| old == self.config);
        if let Some(text) = read.filter(same) {
            return text.clone();
        }
        let value = serde_json::to_value(&self.config).expect("strings, numbers and maps are valid JSON");
        let sorted: BTreeMap<&String, &Value> = value.as_object().into_iter().flatten().collect();
        let sorted: Map<String, Value> =
            sorted.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        format!("{:#}\n", Value::Object(sorted))
    }

    /// Number of values in all tensors.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|stored| stored.values.len()).sum()
    }

    /// Puts the adapter on `decoder`; `origin` is named in messages. Separate adapters of q, k and v become one of the
    /// fused projection with the same effect.
    ///
    /// # Errors
    /// [`Error::Adapter`] with every tensor that does not fit the model or the config, and every key of the config that
    /// cannot be applied.
    pub fn apply(&self, mut decoder: Decoder, origin: impl AsRef<Path>) -> Result<Decoder> {
        let refused = |problems| Error::Adapter { path: origin.as_ref().to_path_buf(), problems };
        let layout = Layout::find(decoder.config(), self.tensors.keys().map(String::as_str));
        let mut problems = self.config.problems();
        problems.extend(fit::problems(&self.config, &self.tensors, &layout));
        if !problems.is_empty() {
            return Err(refused(problems));
        }
        let model = decoder.config().clone();
        let modules = match layout.style {
            NameStyle::InternLm2 => self.modules(),
            _ => {
                let base = |name: &str| stored_value(&decoder, name);
                self.modules().fused(&model, &base).map_err(refused)?
            }
        };
        let problems = packed(&modules, &decoder);
        if !problems.is_empty() {
            return Err(refused(problems));
        }
        let noise = decoder.noise().clone();
        for (module, linear) in decoder.linears_mut() {
            if let Some(factors) = modules.factors.get(&module) {
                let alpha = factors.scale * factors.rank as f64;
                let lora = LoraConfig::new(factors.rank, alpha).with_magnitude(self.config.magnitude());
                replace(linear, |linear| linear.inject_lora(&lora, &module, &noise));
            }
        }
        for (name, mut parameter) in decoder.parameters_mut() {
            if let Some(values) = value(&modules, &name) {
                parameter.set(values.clone());
            }
        }
        Ok(decoder)
    }

    /// The matrices by the names of the file's layers; tensors that do not fit are left out.
    pub(super) fn modules(&self) -> Modules {
        let rules = self.config.rules();
        let mut modules = Modules::default();
        let values = |name: String| self.tensors.get(&name).map(|stored| stored.values.clone());
        for (name, stored) in &self.tensors {
            if let Some(module) = name.strip_suffix(A) {
                let Some(b) = values(format!("{module}{B}")) else { continue };
                let lora = rules.adapter(module);
                let (a, magnitude) = (stored.values.clone(), values(format!("{module}{MAGNITUDE}")));
                let factors = Factors { rank: lora.rank, scale: lora.scale(), a, b, magnitude };
                modules.factors.insert(module.to_owned(), factors);
            } else if !name.ends_with(B) && !name.ends_with(MAGNITUDE) {
                modules.whole.insert(own(name).into_owned(), stored.values.clone());
            }
        }
        modules
    }
}

/// The values of a tensor of `decoder`, packed weights included.
fn stored_value(decoder: &Decoder, name: &str) -> Option<Vec<f32>> {
    let mut decoder = decoder.clone();
    let (module, kind) = name.rsplit_once('.')?;
    let (_, linear) = decoder.linears_mut().into_iter().find(|(other, _)| other == module)?;
    match kind {
        "weight" => Some(numbers(linear.weight())),
        "bias" => linear.bias().map(numbers),
        _ => None,
    }
}

/// Tensors that were trained whole and whose place is packed.
fn packed(modules: &Modules, decoder: &Decoder) -> Vec<String> {
    let parameters: Vec<String> = decoder.parameters().into_iter().map(|(name, _)| name).collect();
    let lost = modules.whole.keys().filter(|name| !parameters.contains(name));
    lost.map(|name| format!("tensor {name}: found a packed layer in the model, expected one in floats"))
        .collect()
}

/// The values of the parameter `name` of a decoder that has the adapters.
fn value<'m>(modules: &'m Modules, name: &str) -> Option<&'m Vec<f32>> {
    let factors = |suffix: &str| name.strip_suffix(suffix).and_then(|module| modules.factors.get(module));
    if let Some(factors) = factors(A) {
        return Some(&factors.a);
    }
    if let Some(factors) = factors(B) {
        return Some(&factors.b);
    }
    match factors(MAGNITUDE) {
        Some(factors) => factors.magnitude.as_ref(),
        None => modules.whole.get(name),
    }
}

//! [`Plan`]: which rows of which tensors make up each matrix.

use std::path::Path;

use internlm_model::config::Family;
use internlm_model::weights::names::{NameStyle, Parts, parts};
use internlm_model::weights::qkv::{Heads, RowOrder};
use internlm_model::weights::{Encoding, StoredModel};

use crate::Result;
use crate::format::int4::Int4Source;
use crate::format::quantized::{self, QuantizationConfig};
use crate::tile::{Matrix, TileFormat};

/// One matrix to be.
pub(super) struct Plan<'a> {
    /// The tensor its rows come from.
    pub(super) tensor: String,
    pub(super) stored: Form<'a>,
    pub(super) format: TileFormat,
    /// The tensor's row of each output.
    pub(super) rows: Vec<u32>,
    pub(super) inputs: usize,
}

/// How a matrix is stored.
pub(super) enum Form<'a> {
    /// One tensor, row by row.
    Rows(Encoding),
    /// 4 bits in several tensors.
    Int4(Int4Source<'a>),
}

impl Plan<'_> {
    /// Which input stands at each place of the tiles, when they do not stand in order.
    pub(super) fn columns(&self) -> Option<Vec<u32>> {
        match &self.stored {
            Form::Rows(_) => None,
            Form::Int4(source) => source.columns().map(<[u32]>::to_vec),
        }
    }

    /// Bytes of its tiles.
    pub(super) fn bytes(&self) -> usize {
        Matrix::bytes(self.format, self.rows.len(), self.inputs)
    }
}

/// The places of one layer's matrices in the plan.
pub(super) const LAYER: [&str; 5] =
    ["attention.wqkv", "attention.wo", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2"];

/// Plans matrices and collects what is wrong with the files.
pub(super) struct Planner<'a> {
    model: &'a StoredModel,
    quantization: Option<QuantizationConfig>,
    pub(super) plans: Vec<Plan<'a>>,
    pub(super) problems: Vec<String>,
}

impl<'a> Planner<'a> {
    /// Plans embedding, then for each layer q, k, v, wo, w1, w3, w2, then the output matrix unless it is the embedding.
    ///
    /// # Errors
    /// A quantization that has no tiles.
    pub(super) fn new(model: &'a StoredModel, path: &Path) -> Result<Self> {
        let config = &model.config;
        let quantization = QuantizationConfig::read(config, path)?;
        let mut planner = Self { model, quantization, plans: Vec::new(), problems: Vec::new() };
        if config.family == Family::InternLm2Reward {
            planner.problems.push("family: found a reward model, expected a language model".to_owned());
            return Ok(planner);
        }
        let stored = model.source.names().len();
        if config.layers > stored {
            let found = config.layers;
            planner
                .problems
                .push(format!("layers: found {found} in the config, the files hold {stored} tensors"));
            return Ok(planner);
        }
        planner.one("model.tok_embeddings.weight", [config.vocab, config.hidden]);
        for layer in 0..config.layers {
            planner.layer(layer);
        }
        if !config.tied {
            planner.one("output.weight", [config.vocab, config.hidden]);
        }
        Ok(planner)
    }

    fn layer(&mut self, layer: usize) {
        let config = &self.model.config;
        let (hidden, inter, q) = (config.hidden, config.inter, config.heads * config.head_dim);
        for (name, shape) in LAYER.iter().zip([
            [config.qkv_rows(), hidden],
            [hidden, q],
            [inter, hidden],
            [inter, hidden],
            [hidden, inter],
        ]) {
            let name = format!("model.layers.{layer}.{name}.weight");
            if name.contains("wqkv") {
                for (part, (tensor, rows)) in qkv_rows(self.model, &name).into_iter().enumerate() {
                    let whole = Heads::of(config, self.model.order).rows();
                    let stored = if self.packed() { shape[0] } else { whole[part] };
                    self.matrix(tensor, rows, [stored, hidden]);
                }
            } else {
                self.one(&name, shape);
            }
        }
        self.order_inner();
    }

    /// The outputs of w1 and w3 in the order in which w2 takes its inputs.
    fn order_inner(&mut self) {
        if let [.., w1, w3, w2] = &mut self.plans[..]
            && let Some(columns) = w2.columns()
            && columns.len() == w1.rows.len()
            && columns.len() == w3.rows.len()
        {
            for plan in [w1, w3] {
                plan.rows = columns.iter().map(|column| plan.rows[*column as usize]).collect();
            }
        }
    }

    /// Whether q, k and v are one tensor.
    fn packed(&self) -> bool {
        self.model.style == NameStyle::InternLm2
    }

    fn one(&mut self, name: &str, shape: [usize; 2]) {
        let stored = parts(name, self.model.style).map(|parts| parts.first().to_owned());
        self.matrix(stored.unwrap_or_else(|| name.to_owned()), (0..shape[0] as u32).collect(), shape);
    }

    fn matrix(&mut self, tensor: String, rows: Vec<u32>, shape: [usize; 2]) {
        match self.form(&tensor, shape) {
            Ok((stored, format)) => {
                self.plans.push(Plan { tensor, stored, format, rows, inputs: shape[1] });
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// How a matrix is stored and what it becomes.
    fn form(&self, tensor: &str, shape: [usize; 2]) -> Result<(Form<'a>, TileFormat), String> {
        let source = self.model.source.as_ref();
        let place = || format!("{}: tensor {tensor}", source.file(tensor).display());
        if let (Some(config), Some(prefix)) = (&self.quantization, tensor.strip_suffix(".weight"))
            && let Some(int4) = quantized::find(source, prefix, config).map_err(|error| error.to_string())?
        {
            let found = [int4.outputs(), int4.inputs()];
            if found != shape {
                return Err(format!("{}: found shape {found:?}, expected {shape:?}", place()));
            }
            let format = int4.format();
            return Ok((Form::Int4(int4), format));
        }
        match source.info(tensor) {
            None => Err(format!("{}: missing, expected {shape:?}", place())),
            Some(info) if info.shape != shape => {
                Err(format!("{}: found shape {:?}, expected {shape:?}", place(), info.shape))
            }
            Some(info) => {
                TileFormat::of(info.encoding).map(|format| (Form::Rows(info.encoding), format)).ok_or_else(
                    || format!("{}: found type {}, expected a float or block type", place(), info.encoding),
                )
            }
        }
    }
}

/// For q, k and v: the tensor and its row of each output, heads in order, rotary pairs half a head apart.
pub(super) fn qkv_rows(model: &StoredModel, name: &str) -> [(String, Vec<u32>); 3] {
    let heads = Heads::of(&model.config, model.order);
    match parts(name, model.style) {
        Some(Parts::Qkv(names)) => {
            let mut found = names.map(|name| (name, Vec::new()));
            // The packing goes through the heads of each part in order.
            for (part, row) in heads.packing() {
                found[part].1.push(row as u32);
            }
            found
        }
        other => {
            let packed = other.map_or_else(|| name.to_owned(), |parts| parts.first().to_owned());
            let mut found = [0, 1, 2].map(|_| (packed.clone(), Vec::new()));
            let heads = Heads { order: RowOrder::HalfSplit, ..heads };
            for (place, (part, _)) in heads.packing().enumerate() {
                found[part].1.push(place as u32);
            }
            found
        }
    }
}

/// A bias or norm of the model under its InternLM2 name.
pub(super) fn vector(model: &StoredModel, name: &str, length: usize, problems: &mut Vec<String>) -> Vec<f32> {
    let stored = match parts(name, model.style) {
        Some(Parts::One(stored)) => stored,
        _ => name.to_owned(),
    };
    let values = read_vector(model, &stored, problems);
    if !values.is_empty() && values.len() != length {
        problems.push(format!("tensor {stored}: found {} values, expected {length}", values.len()));
    }
    values
}

/// The biases of q, k and v in the order of the rows.
pub(super) fn qkv_bias(model: &StoredModel, name: &str, problems: &mut Vec<String>) -> [Vec<f32>; 3] {
    qkv_rows(model, name).map(|(tensor, rows)| {
        let all = read_vector(model, &tensor, problems);
        rows.iter().map(|row| all.get(*row as usize).copied().unwrap_or_default()).collect()
    })
}

fn read_vector(model: &StoredModel, stored: &str, problems: &mut Vec<String>) -> Vec<f32> {
    match model.source.read_f32(stored) {
        Ok(values) => {
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                problems.push(format!(
                    "tensor {stored}: value {index}: found {}, expected a finite number",
                    values[index]
                ));
            }
            values
        }
        Err(error) => {
            problems.push(error.to_string());
            Vec::new()
        }
    }
}

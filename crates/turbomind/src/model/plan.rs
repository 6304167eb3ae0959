//! [`Plan`]: which rows of which tensors make up each matrix.

use internlm_model::config::Family;
use internlm_model::weights::int4::{self, Int4Source, QuantizationConfig};
use internlm_model::weights::names::{NameStyle, parts};
use internlm_model::weights::qkv::Heads;
use internlm_model::weights::{Encoding, name_problems};

use super::files::{Files, QkvRows};
use crate::Result;
use crate::format::int4::tile_format;
use crate::tile::TileFormat;

/// What one matrix of the model will consist of.
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
    /// The input at each place of the tiles, when the inputs are not in their usual order.
    pub(super) fn columns(&self) -> Option<Vec<u32>> {
        match &self.stored {
            Form::Rows(_) => None,
            Form::Int4(source) => source.columns().map(<[u32]>::to_vec),
        }
    }

    /// Bytes that its tiles will take.
    pub(super) fn bytes(&self) -> usize {
        self.format.matrix_bytes(self.rows.len(), self.inputs)
    }
}

/// The matrices of one layer, in the order of the plan; `wqkv` counts as three.
pub(super) const LAYER: [&str; 5] =
    ["attention.wqkv", "attention.wo", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2"];

/// Plans matrices and collects what is wrong with the files.
pub(super) struct Planner<'a> {
    files: Files<'a>,
    quantization: Option<QuantizationConfig>,
    pub(super) plans: Vec<Plan<'a>>,
    pub(super) problems: Vec<String>,
    /// Matrices that are not stored: reported here when their names do not show it.
    missing: Vec<String>,
}

impl<'a> Planner<'a> {
    /// Plans embedding, then for each layer q, k, v, wo, w1, w3, w2, then the output matrix unless it is the embedding.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) for a quantization that has no tiles.
    pub(super) fn new(files: Files<'a>) -> Result<Self> {
        let model = files.model;
        let config = &model.config;
        let quantization = QuantizationConfig::read(model)?;
        let problems = name_problems(model)?;
        let mut planner = Self { files, quantization, plans: Vec::new(), problems, missing: Vec::new() };
        if config.family == Family::InternLm2Reward {
            planner.problems = vec!["family: found a reward model, expected a language model".to_owned()];
            return Ok(planner);
        }
        // A config that promises absurdly many layers has been reported, and must not fill the memory with plans.
        if config.layers > model.source.names().len() {
            return Ok(planner);
        }
        planner.one("model.tok_embeddings.weight", [config.vocab, config.hidden]);
        for layer in 0..config.layers {
            planner.layer(layer);
        }
        if !config.tied {
            planner.one("output.weight", [config.vocab, config.hidden]);
        }
        if planner.problems.is_empty() {
            planner.problems.append(&mut planner.missing);
        }
        Ok(planner)
    }

    fn layer(&mut self, layer: usize) {
        let config = &self.files.model.config;
        let (hidden, inter, q) = (config.hidden, config.inter, config.heads * config.head_dim);
        for (name, shape) in LAYER.iter().zip([
            [config.qkv_rows(), hidden],
            [hidden, q],
            [inter, hidden],
            [inter, hidden],
            [hidden, inter],
        ]) {
            let name = format!("model.layers.{layer}.{name}.weight");
            // q, k and v become three matrices, whether the files hold one tensor or three.
            if name.contains("wqkv") {
                for (part, QkvRows { tensor, rows }) in self.files.qkv_rows(&name).into_iter().enumerate() {
                    let whole = Heads::of(config, self.files.model.order).rows();
                    let stored = if self.packed() { shape[0] } else { whole[part] };
                    self.matrix(tensor, rows, [stored, hidden]);
                }
            } else {
                self.one(&name, shape);
            }
        }
        self.order_inner();
    }

    /// Puts the outputs of w1 and w3 into the order in which w2 takes its inputs.
    fn order_inner(&mut self) {
        // Then the activations between them need no reordering while the model runs.
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

    /// Whether the files hold q, k and v as one tensor.
    fn packed(&self) -> bool {
        self.files.model.style == NameStyle::InternLm2
    }

    fn one(&mut self, name: &str, shape: [usize; 2]) {
        let stored = parts(name, self.files.model.style).map(|parts| parts.first().to_owned());
        self.matrix(stored.unwrap_or_else(|| name.to_owned()), (0..shape[0] as u32).collect(), shape);
    }

    fn matrix(&mut self, tensor: String, rows: Vec<u32>, shape: [usize; 2]) {
        match self.form(&tensor, shape) {
            Ok(Some((stored, format))) => {
                self.plans.push(Plan { tensor, stored, format, rows, inputs: shape[1] });
            }
            Ok(None) => self.missing.push(format!("tensor {tensor}: missing, expected {shape:?}")),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Finds out how a matrix is stored and which tiles it becomes; `None` when it is not stored.
    fn form(&self, tensor: &str, shape: [usize; 2]) -> Result<Option<(Form<'a>, TileFormat)>, String> {
        let source = self.files.model.source.as_ref();
        let place = || self.files.place(tensor);
        if let (Some(config), Some(prefix)) = (&self.quantization, tensor.strip_suffix(".weight"))
            && let Some(int4) =
                int4::find(source, prefix, config).map_err(|problem| problem.text(self.files.path))?
        {
            let found = [int4.outputs(), int4.inputs()];
            if found != shape {
                return Err(format!("{}: found shape {found:?}, expected {shape:?}", place()));
            }
            let format = tile_format(&int4);
            return Ok(Some((Form::Int4(int4), format)));
        }
        let Some(info) = source.info(tensor) else { return Ok(None) };
        if info.shape != shape {
            return Err(format!("{}: found shape {:?}, expected {shape:?}", place(), info.shape));
        }
        match TileFormat::of(info.encoding) {
            Some(format) => Ok(Some((Form::Rows(info.encoding), format))),
            None => Err(format!("{}: found type {}, expected a float or block type", place(), info.encoding)),
        }
    }
}

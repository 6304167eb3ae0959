//! [`Trainer`]: one optimizer step over packed rows, for whole models and for models with frozen parts.

use std::ops::Range;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use internlm_model::ModelConfig;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::numbers;
use serde_json::{Value, json};

use crate::checkpoint::{Coverage, Loaded, Snapshot, State};
use crate::collective::{Collective, Single, share};
use crate::emulated_rank::OwnedParameters;
use crate::gradients::{Exchange, Gradients, all_reduce, read_back};
use crate::loss::{Loss, LossSum};
use crate::objective::Objective;
use crate::optim::{Optimizer, Update, Updated, step_on_host};
use crate::parameters::{self, ParameterInfo};
use crate::passes::{Computed, Share, evaluate};
use crate::report::{Evaluation, LossGradients, StepOutcome, StepReport};
use crate::{Error, Flops, Result, Row, Schedule, TrainerConfig};

/// Number of steps over which the reported loss is averaged.
const LOSS_WINDOW: u64 = 50;

/// Trains the parameters of a decoder that require gradients; frozen ones are left alone and take no state.
///
/// ```
/// use burn::tensor::Device;
/// use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId};
/// use internlm_train::{Row, Trainer, TrainerConfig};
///
/// let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 });
/// let decoder = Decoder::init(&model, 1, &Device::flex());
/// let mut trainer = Trainer::new(model, decoder, TrainerConfig::new(20, 1e-2))?;
/// let row = Row::sample(&[1, 5, 9, 5, 9, 5, 2].map(TokenId));
/// let first = trainer.step(std::slice::from_ref(&row))?.loss;
/// for _ in 1..20 {
///     trainer.step(std::slice::from_ref(&row))?;
/// }
/// assert!(trainer.evaluate(&[row])?.loss() < 0.5 * first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer {
    model: ModelConfig,
    decoder: Decoder,
    device: Device,
    config: TrainerConfig,
    schedule: Schedule,
    flops: Flops,
    parameters: Vec<ParameterInfo>,
    owned: OwnedParameters,
    coverage: Coverage,
    optimizer: Optimizer,
    state: State,
    collective: Box<dyn Collective>,
}

impl Trainer {
    /// Puts `decoder` into training mode and allocates the moments of what it trains.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when every parameter is frozen, or when one that is trained is not f32.
    pub fn new(model: ModelConfig, decoder: Decoder, config: TrainerConfig) -> Result<Self> {
        Self::emulating_rank(model, decoder, config, 1)
    }

    /// As [`Trainer::new`], for the work of the first of `ranks` ranks of ZeRO-1 without the others: all gradients, but
    /// moments and updates of its share only. The model does not learn; its speed can be measured.
    pub(crate) fn emulating_rank(
        model: ModelConfig,
        decoder: Decoder,
        config: TrainerConfig,
        ranks: usize,
    ) -> Result<Self> {
        let decoder = decoder.train();
        let device = decoder.tok_embeddings.weight.device().inner();
        let parameters = parameters::trainable(&decoder);
        if parameters.is_empty() {
            return Err(Error::mismatch("model", "no trainable parameter", "at least one"));
        }
        if let Some((name, format)) = parameters::rounded(&decoder) {
            let found = format!("weights of {format:?} in `{name}`");
            return Err(Error::mismatch("model", found, "F32, which `Decoder::load` gives"));
        }
        if let Some(name) = parameters::untrained(&decoder) {
            let found = format!("4-bit codes in `{name}`");
            return Err(Error::mismatch("model", found, "floats, which `Decoder::load` gives"));
        }
        let whole = parameters.len() == decoder.parameters().len();
        let owned = OwnedParameters::of_first_rank(&parameters, ranks);
        let state = State { config: settings(&decoder, &model, &config), ..State::default() };
        Ok(Self {
            schedule: Schedule::new(&config.schedule, config.optim.lr),
            flops: Flops::new(&model),
            optimizer: Optimizer::zeros(&owned.with_moments(&parameters), &device),
            coverage: if whole { Coverage::Whole } else { Coverage::Part },
            collective: Box::new(Single),
            parameters,
            owned,
            model,
            decoder,
            device,
            config,
            state,
        })
    }

    /// Makes this trainer one rank of a run of several.
    ///
    /// Every rank is given the same model, settings and rows; it computes its share of the rows and all ranks make
    /// the same update. With one pass per rank the result has the bits of a single process whose passes are those.
    ///
    /// Ranks exchange host buffers: on a GPU the gradients of several ranks are read back in every step, and the update
    /// runs on the host.
    #[must_use]
    pub fn with_collective(self, collective: impl Collective + 'static) -> Self {
        let optimizer = if collective.size() > 1 { self.optimizer.into_host() } else { self.optimizer };
        Self { collective: Box::new(collective), optimizer, ..self }
    }

    /// The ranks of the run, for the loop: only rank 0 writes files.
    pub(crate) fn collective(&mut self) -> &mut dyn Collective {
        self.collective.as_mut()
    }

    /// The model, in training mode.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// A view of the model without autodiff, for measuring.
    #[must_use]
    pub fn validation_decoder(&self) -> Decoder {
        self.decoder.valid()
    }

    /// The model, without autodiff.
    #[must_use]
    pub fn into_decoder(self) -> Decoder {
        self.decoder.valid()
    }

    /// The shape that the model was made with.
    #[must_use]
    pub fn model(&self) -> &ModelConfig {
        &self.model
    }

    /// The settings that this trainer was made with.
    #[must_use]
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Counters of the run so far: what a checkpoint holds besides tensors.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The counters, for the loop that owns clock and data.
    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The trained parameters, in the order of the optimizer's buffers.
    #[must_use]
    pub fn parameters(&self) -> &[ParameterInfo] {
        &self.parameters
    }

    /// Whether all parameters are trained or some are frozen: decides the form of checkpoints.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Number of elements that a step updates: those of all trained parameters, but for an emulated rank.
    pub(crate) fn updated(&self) -> u64 {
        self.owned.elements(&self.parameters)
    }

    /// Where the model computes, without autodiff.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// One optimizer step over `rows`: the loss is the weighted mean over all their labels.
    ///
    /// With several ranks every rank is given all rows of the step.
    ///
    /// # Errors
    /// Rows that do not fit the model, and [`Error::NotFinite`] after too many skipped steps in a row.
    pub fn step(&mut self, rows: &[Row]) -> Result<StepReport> {
        let weight = total_weight(rows);
        self.step_on(rows, &mut Loss::CrossEntropy { weight })
    }

    /// One optimizer step over `rows` on the loss of `objective`.
    ///
    /// # Errors
    /// As [`Trainer::step`], and what the objective refuses.
    pub fn step_with(&mut self, rows: &[Row], objective: &mut dyn Objective) -> Result<StepReport> {
        objective.prepare(self.state.step, rows)?;
        let mut report = self.step_on(rows, &mut Loss::Objective(&mut *objective))?;
        report.measured = objective.measured();
        Ok(report)
    }

    fn step_on(&mut self, rows: &[Row], loss: &mut Loss<'_>) -> Result<StepReport> {
        let step = self.state.step;
        for row in rows {
            row.check(self.model.vocab, &format!("batch of step {}", step + 1))?;
        }
        // Rows without a label have no gradient, and what is not there is not added up.
        let labeled = matches!(loss, Loss::Objective(_)) || rows.iter().any(|row| row.targets() > 0);
        let exchange = if labeled { Exchange::Sum } else { Exchange::Nothing };
        let range = share(rows.len(), self.collective.rank(), self.collective.size());
        let computed = self.share(rows, range).compute(&self.decoder, loss)?;
        let Computed { loss, mut gradients, mut times } = computed;
        self.owned.keep_own(&mut gradients);
        let start = Instant::now();
        let lr = self.schedule.rate(step);
        let Updated { loss, grad_norm, outcome } = self.update(gradients, loss, lr, exchange)?;
        times.optimizer = start.elapsed().as_secs_f64();
        let tokens = rows.iter().map(|row| row.tokens() as u64).sum();
        let flops = self.flops.of_rows(rows);
        self.state.tokens += tokens;
        self.state.flops += flops;
        self.count(&outcome, loss)?;
        let measured = Vec::new();
        Ok(StepReport { step: step + 1, loss, lr, grad_norm, tokens, flops, outcome, times, measured })
    }

    /// Sum over the ranks, clip and AdamW.
    fn update(
        &mut self,
        gradients: Gradients,
        loss: LossSum,
        lr: f64,
        exchange: Exchange,
    ) -> Result<Updated> {
        let (parameters, number) = (&self.parameters, self.state.updates + 1);
        let update = Update { parameters, config: &self.config.optim, lr, number };
        match &mut self.optimizer {
            Optimizer::Device(moments) => Ok(moments.step(&mut self.decoder, gradients, &loss, &update)),
            Optimizer::Host(moments) => {
                let (mut gradients, mut loss) = (read_back(gradients), loss.read());
                if exchange == Exchange::Sum {
                    loss = all_reduce(self.collective.as_mut(), parameters, &mut gradients, loss)?;
                }
                Ok(step_on_host(moments, &mut self.decoder, &gradients, loss, &update))
            }
        }
    }

    fn count(&mut self, outcome: &StepOutcome, loss: f64) -> Result<()> {
        let state = &mut self.state;
        state.step += 1;
        match outcome {
            StepOutcome::Updated => {
                state.updates += 1;
                state.skipped_in_a_row = 0;
                let weight = 1.0 / state.updates.min(LOSS_WINDOW) as f64;
                state.loss += weight * (loss - state.loss);
            }
            StepOutcome::Skipped { tensor } => {
                state.skipped += 1;
                state.skipped_in_a_row += 1;
                if state.skipped_in_a_row >= self.config.monitor.max_skipped {
                    let (step, skipped) = (state.step, state.skipped_in_a_row);
                    return Err(Error::NotFinite { step, skipped, tensor: tensor.clone() });
                }
            }
        }
        Ok(())
    }

    /// The mean loss over the labels of `rows` and its gradient by parameter name, without an update.
    ///
    /// # Errors
    /// Rows that do not fit the model.
    pub fn gradients(&self, rows: &[Row]) -> Result<LossGradients> {
        self.gradients_on(rows, &mut Loss::CrossEntropy { weight: total_weight(rows) })
    }

    /// The loss of `objective` over `rows` and its gradient by parameter name, without an update.
    ///
    /// # Errors
    /// As [`Trainer::step_with`].
    pub fn gradients_with(&self, rows: &[Row], objective: &mut dyn Objective) -> Result<LossGradients> {
        objective.prepare(self.state.step, rows)?;
        self.gradients_on(rows, &mut Loss::Objective(objective))
    }

    fn gradients_on(&self, rows: &[Row], loss: &mut Loss<'_>) -> Result<LossGradients> {
        let Computed { loss, gradients, .. } =
            self.share(rows, 0..rows.len()).compute(&self.decoder, loss)?;
        let named =
            self.parameters.iter().zip(gradients).filter_map(|(info, gradient)| {
                gradient.map(|gradient| (info.name.clone(), numbers(gradient)))
            });
        Ok(LossGradients { gradients: named.collect(), loss: loss.read() })
    }

    fn share<'a>(&self, rows: &'a [Row], range: Range<usize>) -> Share<'a> {
        let TrainerConfig { pass_tokens, recompute, .. } = self.config;
        Share { step: self.state.step, range, rows, pass_tokens, recompute }
    }

    /// The loss over `rows`, without autodiff.
    ///
    /// # Errors
    /// Rows that do not fit the model.
    pub fn evaluate(&self, rows: &[Row]) -> Result<Evaluation> {
        evaluate(&self.validation_decoder(), rows, self.config.pass_tokens)
    }

    /// A copy of everything a checkpoint holds.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            model: self.model.clone(),
            state: self.state.clone(),
            parameters: self.parameters.clone(),
            values: parameters::values(&self.decoder),
            moments: self.optimizer.moments(),
            coverage: self.coverage,
        }
    }

    /// Takes over values, moments and counters of a checkpoint; the settings stay those of this trainer.
    pub fn restore(&mut self, loaded: Loaded) {
        parameters::restore(&mut self.decoder, loaded.values);
        self.optimizer.restore(loaded.moments);
        let (config, data) = (self.state.config.take(), std::mem::take(&mut self.state.data));
        self.state = State { config, data, ..loaded.state };
    }
}

/// Sum of the weights of all labels in `rows`.
fn total_weight(rows: &[Row]) -> f64 {
    rows.iter().map(Row::weight).sum()
}

/// What must be equal for a run to resume from a checkpoint by itself.
fn settings(decoder: &Decoder, model: &ModelConfig, config: &TrainerConfig) -> Value {
    let mut settings = json!({
        "model": model,
        "optim": config.optim,
        "schedule": config.schedule,
        "pass-tokens": config.pass_tokens,
        "run": config.settings,
    });
    if !decoder.precision().is_f32_exact() {
        settings["precision"] = json!(decoder.precision());
    }
    if let Some(base) = &config.base {
        // The key is what a refusal says: "differs in the weights of model.path (NEW here, OLD there)".
        settings[format!("the weights of {}", base.setting)] = json!(base.hash);
    }
    settings
}

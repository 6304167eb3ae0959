//! [`Pipeline::load`]: the settings of a file -> a model and its engine.

use std::time::{Duration, Instant};

use internlm_kit::config::Validate;
use internlm_model::ModelConfig;

use super::Pipeline;
use crate::config::{Backend, DeployConfig, ServedModelConfig};
use crate::engine::{Capacity, Executor, SchedulerConfig};
use crate::respond::{ServedModel, TemplateChoice};
use crate::{Error, Result};

/// The `generation-config` that reads the model's own file.
const OWN_GENERATION_CONFIG: &str = "auto";

impl Pipeline {
    /// Loads the model that `config` names.
    ///
    /// # Errors
    /// When settings contradict each other, the model cannot be read, or the cache does not fit into memory.
    pub fn load(config: &DeployConfig) -> Result<Self> {
        Self::load_with(config, executor)
    }

    /// Loads everything of the model that `config` names but its weights, which are random: to measure sizes whose
    /// weights are not at hand.
    ///
    /// # Errors
    /// As [`Pipeline::load`], and for another backend than `burn`.
    #[cfg(feature = "burn")]
    pub fn random(config: &DeployConfig) -> Result<Self> {
        Self::load_with(config, |DeployConfig { model, engine, .. }| {
            let backend = model.chosen_backend();
            if backend != Backend::Burn {
                return Err(Error::setting(
                    "model.backend",
                    backend.name(),
                    "burn, which takes random weights",
                ));
            }
            let executor = crate::engine::BurnExecutor::random(&model.path, &model.device, engine)?;
            Ok((executor.model_config().clone(), Box::new(executor) as Box<dyn Executor>))
        })
    }

    fn load_with(
        config: &DeployConfig,
        executor: impl FnOnce(&DeployConfig) -> Result<(ModelConfig, Box<dyn Executor>)>,
    ) -> Result<Self> {
        let started = Instant::now();
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(Error::Settings { problems });
        }
        let template = config.model.chat_template.as_deref().map(TemplateChoice::read).transpose()?;
        let (shape, executor) = executor(config)?;
        let mut model = served(&config.model, &shape, template.as_ref())?;
        if let Some(sampling) = &config.sampling {
            model.sampling = sampling.clone();
        }
        let capacity = executor.capacity();
        let scheduler = scheduler_config(&capacity, config);
        tracing::info!(
            parameters = shape.parameters(),
            cache_mib = capacity.cache_bytes >> 20,
            cache_tokens = capacity.blocks * capacity.block_tokens,
            context = scheduler.max_length,
            seconds = rounded(started.elapsed()),
            backend = config.model.chosen_backend().name(),
            "model loaded"
        );
        if scheduler.max_length < capacity.max_position {
            tracing::warn!(
                context = scheduler.max_length,
                model = capacity.max_position,
                "the context is shorter than the model's: the cache does not hold more"
            );
        }
        Ok(Self::new(executor, model, scheduler, config.queue.seed))
    }
}

/// Everything about the model but its weights, with what the settings replace.
fn served(
    config: &ServedModelConfig,
    shape: &ModelConfig,
    template: Option<&TemplateChoice>,
) -> Result<ServedModel> {
    let mut model = ServedModel::load(&config.path, config.served_name(), shape)?;
    model.aliases.clone_from(&config.aliases);
    if let Some(template) = template {
        model = model.with_template(template)?;
    }
    if let Err(reason) = &model.template {
        tracing::warn!(%reason, "the chat template cannot be used: the model serves completions only");
    }
    if let Some(name) = config.generation_config.as_deref().filter(|name| *name != OWN_GENERATION_CONFIG) {
        model = model.with_generation_config(name)?;
    }
    if let Some(name) = &config.tool_call_parser {
        model = model.with_tool_parser(name)?;
    }
    if let Some(name) = &config.reasoning_parser {
        model = model.with_reasoning_parser(name)?;
    }
    Ok(model)
}

/// The executor of the chosen backend with its model.
fn executor(config: &DeployConfig) -> Result<(ModelConfig, Box<dyn Executor>)> {
    let (model, limits) = (&config.model, &config.engine);
    match model.chosen_backend() {
        #[cfg(feature = "turbomind")]
        Backend::Turbomind => {
            let executor = crate::engine::TurbomindExecutor::load(&model.path, limits)?;
            Ok((executor.model_config().clone(), Box::new(executor)))
        }
        #[cfg(feature = "burn")]
        Backend::Burn => {
            let executor = crate::engine::BurnExecutor::load(&model.path, &model.device, limits)?;
            Ok((executor.model_config().clone(), Box::new(executor)))
        }
        #[allow(unreachable_patterns, reason = "a build may have all backends")]
        other => {
            let built = [
                cfg!(feature = "turbomind").then_some(Backend::Turbomind.name()),
                cfg!(feature = "burn").then_some(Backend::Burn.name()),
            ];
            let built = built.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let expected = format!("one of {built}, which this build has");
            Err(Error::setting("model.backend", other.name(), expected))
        }
    }
}

/// Seconds to the millisecond, which is more than anybody reads.
fn rounded(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e3).round() / 1e3
}

/// Limits that fit the executor, with the queue of the config.
fn scheduler_config(capacity: &Capacity, config: &DeployConfig) -> SchedulerConfig {
    let queue = &config.queue;
    let limits = SchedulerConfig::new(capacity)
        .with_aging(Duration::from_secs_f64(queue.aging))
        .with_slow_reader_timeout(Duration::from_secs_f64(queue.slow_client_timeout));
    let limits = if config.engine.enable_prefix_caching { limits } else { limits.without_prefix_caching() };
    let max_queue = queue.max_queue.unwrap_or(limits.max_queue);
    limits.with_max_queue(max_queue)
}

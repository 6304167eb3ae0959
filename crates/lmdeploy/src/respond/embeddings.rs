//! [`Embeddings`]: a request for vectors -> the engine's requests, and their outputs -> the answer.

mod answer;
mod input;

use self::input::Input;
use super::Responder;
use super::bounds::expected;
use super::fields::Fields;
use crate::engine::{GenerateRequest, Pooling};
use crate::protocol::{CompletionRequest, EmbeddingFormat, EmbeddingRequest, PoolingMethod, PoolingTask};
use crate::{Error, Result};

/// Whether vectors are scaled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VectorScale {
    /// To length 1, so that products are cosines.
    Unit,
    /// Not at all: they are the hidden states themselves.
    Plain,
}

/// The texts of a request, checked, and what becomes of their vectors.
#[derive(Debug)]
pub struct Embeddings {
    requests: Vec<GenerateRequest>,
    scale: VectorScale,
    /// How many of the first numbers of each vector are kept; none: all.
    dimensions: Option<usize>,
    format: EmbeddingFormat,
    model: String,
}

impl Responder {
    /// Checks a request for the vectors of texts; `scale` is that of requests that do not say.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong, or the executor gives no hidden states. When one text is refused,
    /// nothing is computed for the others.
    pub fn embeddings(&self, request: &EmbeddingRequest, scale: VectorScale) -> Result<Embeddings> {
        self.check_model(&request.model)?;
        let dimensions = self.dimensions(request)?;
        let scale = asked_scale(request)?.unwrap_or(scale);
        let pooling = match request.pooling.unwrap_or_default() {
            PoolingMethod::Last => Pooling::Last,
            PoolingMethod::Mean => Pooling::Mean,
        };
        let shared = CompletionRequest {
            priority: request.priority,
            cache_salt: request.cache_salt.clone(),
            timeout: request.timeout,
            ..CompletionRequest::default()
        };
        // Nothing is drawn, whatever the seed is.
        let shared = Fields::from(&shared).check(&self.model, 0)?.with_pooling(pooling);
        let mut requests = Vec::new();
        for Input { place, ids } in self.embedded(request)? {
            self.check_ids(&place, &ids)?;
            let request = GenerateRequest { prompt: ids, ..shared.clone() };
            self.check_length(&request, None).map_err(|error| too_long(error, place))?;
            requests.push(request);
        }
        let format = request.encoding_format.unwrap_or_default();
        Ok(Embeddings { requests, scale, dimensions, format, model: self.model.name.clone() })
    }

    /// How many of the numbers of each vector are kept.
    fn dimensions(&self, request: &EmbeddingRequest) -> Result<Option<usize>> {
        let hidden = self.engine.hidden_size().ok_or_else(|| {
            Error::field(
                "model",
                "the backend of this server gives no hidden states, so texts have no vectors",
            )
        })?;
        match request.dimensions.map(|dimensions| dimensions as usize) {
            Some(dimensions) if !(1..=hidden).contains(&dimensions) => Err(expected(
                "dimensions",
                Some(dimensions),
                &format!("a whole number from 1 to {hidden}, the size of the model's vectors"),
            )),
            dimensions => Ok(dimensions),
        }
    }
}

/// Whether the vectors are scaled, when the request says so under one of two names, or what they are for.
fn asked_scale(request: &EmbeddingRequest) -> Result<Option<VectorScale>> {
    let asked = match (request.normalize, request.use_activation) {
        (Some(normalize), Some(other)) if normalize != other => {
            let message = format!("found {other} together with `normalize: {normalize}`, expected the same");
            return Err(Error::field("use_activation", message));
        }
        (normalize, other) => normalize.or(other),
    };
    let asked = asked.or(request.task.map(|PoolingTask::Embed| true));
    Ok(asked.map(|asked| if asked { VectorScale::Unit } else { VectorScale::Plain }))
}

/// The refusal of the text at `place` for its length.
fn too_long(error: Error, place: String) -> Error {
    match error {
        Error::TooLong { message, prompt, limit, .. } => {
            let message = format!("{place}: the text is too large. {message}");
            Error::TooLong { message, param: Some(place), prompt, limit }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(normalize: Option<bool>, use_activation: Option<bool>) -> Result<Option<VectorScale>> {
        asked_scale(&EmbeddingRequest { normalize, use_activation, ..EmbeddingRequest::default() })
    }

    #[test]
    fn both_names_of_scaling_mean_the_same() {
        assert_eq!(asked(None, None).expect("nothing"), None);
        for (value, scale) in [(true, VectorScale::Unit), (false, VectorScale::Plain)] {
            for (normalize, other) in [(Some(value), None), (None, Some(value)), (Some(value), Some(value))] {
                assert_eq!(asked(normalize, other).expect("one wish"), Some(scale));
            }
            let error = asked(Some(!value), Some(value)).expect_err("two wishes").to_string();
            assert!(error.starts_with(&format!("use_activation: found {value} together")), "{error}");
        }
        let task = Some(PoolingTask::Embed);
        for (normalize, scale) in [(None, VectorScale::Unit), (Some(false), VectorScale::Plain)] {
            let request = EmbeddingRequest { normalize, task, ..EmbeddingRequest::default() };
            assert_eq!(asked_scale(&request).expect("one wish"), Some(scale));
        }
    }
}

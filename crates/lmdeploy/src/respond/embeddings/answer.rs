//! The engine's outputs -> vectors of the length and form that were asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Embeddings, VectorScale};
use crate::engine::{End, Finished, GenerateRequest, Output};
use crate::protocol::{
    EmbeddingData, EmbeddingFormat, EmbeddingResponse, EmbeddingUsage, PoolingData, PoolingResponse,
    PromptTokensDetails, Vector,
};
use crate::respond::refusal::check_end;
use crate::respond::responder::now;
use crate::{Error, Result};

/// What nginx and upstream answer to a client that has closed its request.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Numbers of the answers; used once in the process.
static ANSWERS: AtomicU64 = AtomicU64::new(0);

impl Embeddings {
    /// The engine's requests, one per text in order. The answer needs all outputs of each.
    pub fn take_requests(&mut self) -> Vec<GenerateRequest> {
        std::mem::take(&mut self.requests)
    }

    /// The vector of each text, from the outputs of all texts in their order.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a text that failed.
    pub fn vectors(&self, outputs: Vec<Output>) -> Result<Vec<Vec<f32>>> {
        ends(outputs).map(|finished| self.vector(finished)).collect()
    }

    /// The answer of `/v1/embeddings`, from the outputs of all texts in their order.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a text that failed.
    pub fn embeddings(&self, outputs: Vec<Output>) -> Result<EmbeddingResponse> {
        let (vectors, usage) = self.written(outputs)?;
        let entry = |(index, embedding)| EmbeddingData { object: "embedding".to_owned(), embedding, index };
        let (id, created) = name("embd");
        Ok(EmbeddingResponse {
            id,
            created,
            object: "list".to_owned(),
            data: vectors.into_iter().enumerate().map(entry).collect(),
            model: self.model.clone(),
            usage,
        })
    }

    /// The answer of `/pooling`, from the outputs of all texts in their order.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a text that failed.
    pub fn pooled(&self, outputs: Vec<Output>) -> Result<PoolingResponse> {
        let (vectors, usage) = self.written(outputs)?;
        let entry = |(index, data)| PoolingData { index, object: "pooling".to_owned(), data };
        let (id, created) = name("pool");
        Ok(PoolingResponse {
            id,
            created,
            object: "list".to_owned(),
            model: self.model.clone(),
            data: vectors.into_iter().enumerate().map(entry).collect(),
            usage,
        })
    }

    /// The vectors as they were asked for, and how many tokens they took.
    fn written(&self, outputs: Vec<Output>) -> Result<(Vec<Vector>, EmbeddingUsage)> {
        let (mut vectors, mut prompt, mut cached) = (Vec::new(), 0, 0);
        for finished in ends(outputs) {
            prompt += finished.prompt_tokens as u64;
            cached += finished.cached_tokens as u64;
            let vector = self.vector(finished)?;
            vectors.push(match self.format {
                EmbeddingFormat::Float => Vector::Floats(vector),
                EmbeddingFormat::Base64 => Vector::base64(&vector),
            });
        }
        let usage = EmbeddingUsage {
            prompt_tokens: prompt,
            completion_tokens: 0,
            total_tokens: prompt,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: cached }),
        };
        Ok((vectors, usage))
    }

    /// The vector of one text: cut first and scaled then, as the shorter vectors of nested embeddings are.
    fn vector(&self, finished: Finished) -> Result<Vec<f32>> {
        check_end(&finished.end)?;
        let (status, message) = match finished.end {
            End::Abort(_) => (CLIENT_CLOSED_REQUEST, "the request was cancelled"),
            _ => (500, "the model gave no hidden states"),
        };
        let missing = || Error::Refused { status, message: message.to_owned(), param: None };
        let mut vector = finished.embedding.ok_or_else(missing)?;
        vector.truncate(self.dimensions.unwrap_or(usize::MAX));
        if self.scale == VectorScale::Unit {
            normalize(&mut vector);
        }
        Ok(vector)
    }
}

/// The name of an answer that is made now, and the time in Unix seconds.
fn name(kind: &str) -> (String, u64) {
    let (created, number) = (now(), ANSWERS.fetch_add(1, Ordering::Relaxed));
    (format!("{kind}-{created:x}{number:04x}"), created)
}

/// What each text ended with.
fn ends(outputs: Vec<Output>) -> impl Iterator<Item = Finished> {
    outputs.into_iter().filter_map(|output| match output {
        Output::Finished(finished) => Some(finished),
        Output::Prompt(_) | Output::Pieces(_) => None,
    })
}

/// Scales a vector to length 1; one of zeros has no direction and stays as it is.
fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CancelCause, EngineFault, Times};

    fn finished(end: End, embedding: Option<&[f32]>) -> Output {
        Output::Finished(Finished {
            end,
            rest: String::new(),
            prompt_tokens: 3,
            generated_tokens: 0,
            cached_tokens: 2,
            stop_string: None,
            times: Times::default(),
            embedding: embedding.map(<[f32]>::to_vec),
        })
    }

    fn embeddings(scale: VectorScale, dimensions: Option<usize>, format: EmbeddingFormat) -> Embeddings {
        Embeddings { requests: Vec::new(), scale, dimensions, format, model: "m".to_owned() }
    }

    fn outputs() -> Vec<Output> {
        [&[3.0, 4.0, 12.0], &[0.0, 0.0, 5.0]].map(|vector| finished(End::Length, Some(vector))).into()
    }

    #[test]
    fn vectors_are_cut_and_then_scaled() {
        let unit = embeddings(VectorScale::Unit, Some(2), EmbeddingFormat::Float);
        let vectors = unit.vectors(outputs()).expect("two vectors");
        assert_eq!(vectors, [[0.6, 0.8], [0.0, 0.0]], "zeros have no direction");
        let plain = embeddings(VectorScale::Plain, None, EmbeddingFormat::Float);
        assert_eq!(plain.vectors(outputs()).expect("two vectors")[0], [3.0, 4.0, 12.0]);
    }

    #[test]
    fn answers_have_order_form_and_counts() {
        let floats = embeddings(VectorScale::Plain, None, EmbeddingFormat::Float);
        let answer = floats.embeddings(outputs()).expect("an answer");
        let counts = EmbeddingUsage {
            prompt_tokens: 6,
            completion_tokens: 0,
            total_tokens: 6,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: 4 }),
        };
        assert_eq!((answer.usage, answer.model.as_str()), (counts, "m"));
        assert_eq!(answer.data[1].embedding, Vector::Floats(vec![0.0, 0.0, 5.0]));
        assert_eq!((answer.data[1].index, answer.data[1].object.as_str()), (1, "embedding"));
        let base64 = embeddings(VectorScale::Plain, None, EmbeddingFormat::Base64);
        let (first, second) = (base64.pooled(outputs()), base64.pooled(outputs()));
        let (first, second) = (first.expect("an answer"), second.expect("an answer"));
        assert_ne!(first.id, second.id);
        for (pooled, data) in first.data.iter().zip(&answer.data) {
            assert!(matches!(pooled.data, Vector::Base64(_)));
            assert_eq!((pooled.index, pooled.data.values()), (data.index, data.embedding.values()));
        }
    }

    #[test]
    fn a_text_without_a_vector_is_an_error() {
        let unit = embeddings(VectorScale::Unit, None, EmbeddingFormat::Float);
        for (end, expected) in [
            (End::Abort(CancelCause::Api), 499),
            (End::Abort(CancelCause::Shutdown), 503),
            (End::Error(EngineFault::Timeout), 504),
            (End::Length, 500),
        ] {
            let failed = unit.vectors(vec![finished(end, None)]).expect_err("no vector");
            assert!(matches!(failed, Error::Refused { status, .. } if status == expected), "{failed}");
        }
    }
}

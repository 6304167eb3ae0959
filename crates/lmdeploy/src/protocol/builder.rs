//! The `with_*` methods that both kinds of requests have.
//!
//! The fields themselves are written out in both structs: OpenAI's bodies are flat, and a struct that serde flattens
//! into them would lose the path and the place of a wrong field in the error message.

/// Implements the setters of the fields that chat and completion requests share.
macro_rules! shared_builders {
    ($request:ty) => {
        impl $request {
            /// Sets the name of the model.
            #[must_use]
            pub fn with_model(self, model: impl Into<String>) -> Self {
                Self { model: model.into(), ..self }
            }

            /// Sets the sampling temperature, in [0, 2]; 0 decodes greedily.
            #[must_use]
            pub fn with_temperature(self, temperature: f32) -> Self {
                Self { temperature: Some(temperature), ..self }
            }

            /// Samples among the most likely ids whose probabilities add up to `top_p`, in (0, 1].
            #[must_use]
            pub fn with_top_p(self, top_p: f32) -> Self {
                Self { top_p: Some(top_p), ..self }
            }

            /// Keeps the `top_k` most likely ids; 0 keeps all.
            #[must_use]
            pub fn with_top_k(self, top_k: u32) -> Self {
                Self { top_k: Some(top_k), ..self }
            }

            /// Sets the seed: the same seed and prompt give the same text.
            #[must_use]
            pub fn with_seed(self, seed: i64) -> Self {
                Self { seed: Some(seed), ..self }
            }

            /// Sets the maximum number of ids to generate.
            #[must_use]
            pub fn with_max_tokens(self, max_tokens: u32) -> Self {
                Self { max_tokens: Some(max_tokens), ..self }
            }

            /// Sets the number of choices, 1 to 128.
            #[must_use]
            pub fn with_n(self, n: u32) -> Self {
                Self { n: Some(n), ..self }
            }

            /// Sets what the text must look like.
            #[must_use]
            pub fn with_response_format(self, format: ResponseFormat) -> Self {
                Self { response_format: Some(format), ..self }
            }

            /// Sets the strings that end the text and are not part of it.
            #[must_use]
            pub fn with_stop(self, stop: impl IntoIterator<Item = impl Into<String>>) -> Self {
                let stop = stop.into_iter().map(Into::into).collect();
                Self { stop: Some(OneOrMany::Many(stop)), ..self }
            }
        }
    };
}

pub(super) use shared_builders;

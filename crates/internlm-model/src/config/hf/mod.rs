//! `config.json` of the Hugging Face forms <-> [`ModelConfig`](super::ModelConfig).

mod families;
mod read;
mod rope;
#[cfg(test)]
mod tests;
mod write;

//! `config.json` of the Hugging Face forms <-> [`ModelConfig`](super::ModelConfig).

mod families;
mod read;
mod rope;
mod scaling;
mod table;
#[cfg(test)]
mod tests;
mod window;
mod write;

//! The weights of one model as tiles: what is in the files ([`Model::load`] plans and repacks), and how it is multiplied.

mod files;
mod layers;
mod load;
mod plan;
mod weights;

pub(crate) use layers::{Layer, Model};
pub use weights::Compute;
pub(crate) use weights::{Arithmetic, Weights};

//! Datasets: one TOML file each, found by name, their rows read from the user's files.

mod catalog;
mod check;
mod choices;
mod config;
mod load;
mod nearest;
mod range;
mod table;

pub use catalog::{Catalog, CatalogEntry, Origin};
pub use choices::ContinuationChoices;
pub use config::{
    AnswerKey, DatasetConfig, Evaluator, FewShot, Format, Infer, Meta, Mode, PostConfig, PostStep, Reader,
    Retriever, ScoreConfig, Source, Split, SubsetTable,
};
pub use load::{Dataset, Row, load};
pub use range::RowRange;

pub(crate) use nearest::{nearest, with_nearest};

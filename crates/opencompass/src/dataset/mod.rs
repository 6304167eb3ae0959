//! Datasets: each is one TOML file, found by name; its rows are read from the user's files.

mod catalog;
mod check;
mod choices;
mod columns;
mod config;
mod load;
mod nearest;
mod range;
mod table;
mod version;

pub use catalog::{Catalog, CatalogEntry, Origin};
pub use choices::ContinuationChoices;
pub use config::{
    AnswerKey, DatasetConfig, Evaluator, FewShotConfig, Format, InferConfig, MetaConfig, Mode, PostConfig,
    PostStep, ReaderConfig, Retriever, ScoreConfig, SourceConfig, SplitConfig, SubsetTable,
};
pub use load::{Dataset, Row};
pub use range::RowRange;
pub use version::{list_version, version};

pub(crate) use nearest::{nearest, with_nearest};

//! Datasets: each is one TOML file, found by name; its rows are read from the user's files.

mod catalog;
mod check;
mod choices;
mod columns;
mod config;
mod infer_config;
mod load;
mod named;
mod nearest;
mod range;
mod table;
mod version;

pub use catalog::{Catalog, CatalogEntry, Origin};
pub use choices::ContinuationChoices;
pub use config::{
    AnswerKey, DatasetConfig, FewShotConfig, Format, MetaConfig, ReaderConfig, Retriever, ScoreConfig,
    SourceConfig, SplitConfig, SubsetTable,
};
pub use infer_config::{ChatTurns, InferConfig, LikelihoodStyle, Mode, TotConfig};
pub use load::{Dataset, Row};
pub use named::Named;
pub use range::RowRange;
pub use version::{list_version, version};

pub(crate) use nearest::{nearest, with_nearest};

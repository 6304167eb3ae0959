//! Datasets: each is one TOML file, found by name; its rows are read from the user's files.

mod answer_key;
mod archive;
mod catalog;
mod check;
mod choices;
mod columns;
mod config;
mod custom;
mod embedded;
mod infer_config;
mod load;
mod loaders;
mod manifest;
mod manifest_check;
mod named;
mod nearest;
mod python_json;
mod range;
mod table;
mod turned;
mod unused;
mod version;

pub use catalog::{Catalog, CatalogEntry, Origin};
pub use choices::ContinuationChoices;
pub use config::{
    AnswerKey, DatasetConfig, FewShotConfig, Format, MetaConfig, ReaderConfig, Retriever, ScoreConfig,
    SourceConfig, SplitConfig, SubsetTable,
};
pub use custom::{CustomKind, CustomMethod};
pub use infer_config::{
    AttackConfig, AttackKind, ChatTurns, InferConfig, LikelihoodStyle, Mode, TextMeasure, TotConfig,
    WindowConfig,
};
pub use load::{Dataset, Row};
pub use loaders::{LoaderEntry, loaders};
pub use manifest::{DataFile, data_files};
pub use manifest_check::{AddedFile, DataCheck, DataState, add_data, sets_by_file, verify_data};
pub use named::Named;
pub use range::RowRange;
pub use version::{infer_cfg_hash, list_version, version};

pub(crate) use nearest::{nearest, with_nearest};
pub(crate) use version::inference_config;

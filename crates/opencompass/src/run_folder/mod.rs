//! The folder of a run, in upstream's layout.
//!
//! ```text
//! RUN/configs/run.toml                          the resolved run file, which repeats the run
//! RUN/configs/hashes.toml                       the hashes of data, prompts and models
//! RUN/configs/profiles.json                     what connecting found out about the models
//! RUN/store.jsonl                               every answer, one line each
//! RUN/predictions/MODEL/DATASET.json            prompts and answers
//! RUN/predictions/MODEL/tmp_DATASET.jsonl       the answers so far, while the run is under way
//! RUN/results/MODEL/DATASET.json                metrics, and a verdict per item
//! RUN/evidence/MODEL/DATASET.json               what judges and the sandbox did for the verdicts, where they did
//! RUN/readings/MODEL/DATASET.json               the other reading, where it differs
//! RUN/summary/summary_LABEL.{txt,csv,md,json}   the table
//! RUN/summary/intervals_LABEL.csv               the scores with their intervals
//! RUN/summary.json                              the numbers that `[flat-summary]` names
//! RUN/logs/{infer,eval}/MODEL/DATASET.out       what failed
//! RUN/plots/MODEL-DATASET.{csv,svg,png}       heat maps of needle sets
//! RUN/report/index.html                         tables, plots and items
//! ```

mod evidence;
mod explain;
mod folder;
mod intervals;
mod json;
mod logs;
mod offline;
mod plots;
mod profiles;
mod questions;
mod read;
mod readings;
mod recorder;
mod resolved;
mod results;
mod table;

pub use folder::RunFolder;
pub use offline::OfflineModel;
pub use profiles::{MetModel, Role, assumed_profile};
pub use recorder::{Recorder, RecorderSwitch};
pub use resolved::Reuse;

#[cfg(feature = "cli")]
pub(crate) use profiles::NOT_CONNECTED;
#[cfg(feature = "cli")]
pub(crate) use readings::differing;

//! `lagent index`: builds and searches the index of the browser tool's local engine.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_kit::stop::Stop;
use serde_json::json;

use crate::action::{ActionState, Service, ToolSettings, Toolbox, build_index};

/// The toolkit that searches an index.
const BROWSER: &str = "WebBrowser";
const BUILD_EXAMPLES: &str = "Examples:
  lagent index build docs --out runs/docs-index
  lagent index build site --out runs/site-index --base-url https://example.org/

Agents search it with `[services.WebBrowser.extra]`, `backend = \"local\"` and `index = \"runs/docs-index\"`.
An interrupted build resumes, and a later build takes only what changed.";
const SEARCH_EXAMPLES: &str = "Examples:
  lagent index search runs/docs-index 'how are caches evicted'";

/// The verbs below `lagent index`.
#[derive(Debug, Subcommand)]
pub(super) enum Index {
    /// Build or update a search index over HTML, Markdown and text files.
    #[command(after_help = BUILD_EXAMPLES)]
    Build {
        /// Folder of the files; folders below it are included.
        folder: PathBuf,
        /// Folder of the index; empty, absent, or an index that is updated.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Text in front of each file's path below the folder, which makes it the address of the page.
        #[arg(long, value_name = "URL", default_value = "")]
        base_url: String,
    },
    /// Search an index as the browser tool does, and print the results as JSON.
    #[command(after_help = SEARCH_EXAMPLES)]
    Search {
        /// Folder of the index.
        index: PathBuf,
        /// Words to look for, in any language.
        query: String,
        /// Maximum number of results.
        #[arg(long, value_name = "COUNT", default_value_t = 10)]
        top_k: usize,
    },
}

impl Index {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Build { folder, out, base_url } => build(&folder, &out, &base_url),
            Self::Search { index, query, top_k } => search(&index, &query, top_k),
        }
    }
}

fn build(folder: &Path, out: &Path, base_url: &str) -> anyhow::Result<()> {
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .with_stop(Stop::on_signals()?);
    let summary = build_index(folder, out, base_url, &context)?;
    outln!("{}", serde_json::to_string_pretty(&summary)?)?;
    Ok(())
}

fn search(index: &Path, query: &str, top_k: usize) -> anyhow::Result<()> {
    let extra = [("backend", json!("local")), ("index", json!(index)), ("topk", json!(top_k))];
    let extra = extra.map(|(name, value)| (name.to_owned(), value)).into();
    let service = Service { extra, ..Service::default() };
    let settings = ToolSettings::default().with_service(BROWSER, service);
    let tools = Toolbox::with_tools(&[BROWSER.to_owned()], &settings)?;
    let found = tools.call("WebBrowser.search", &json!({ "query": query }));
    if found.state != ActionState::Success {
        anyhow::bail!("{}", found.for_model());
    }
    outln!("{}", found.for_model())?;
    Ok(())
}

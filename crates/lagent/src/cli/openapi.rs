//! `lagent openapi`: shows the tools that the operations of a service become.

use std::io::Write;

use clap::Subcommand;
use internlm_kit::outln;
use internlm_kit::terminal::visible_on;

use crate::Error;
use crate::openapi::{Import, OpenApi as Reader, OpenApiConfig};

const IMPORT_EXAMPLES: &str = "Examples:
  lagent openapi import petstore.yaml
  lagent openapi import petstore.yaml --name pets --json
  lagent openapi import http://127.0.0.1:8000/openapi.json --allow-private 127.0.0.1

An agent file uses the tools with this table, where `tools = [..]` does not name them:
  [openapi.pets]
  source = \"petstore.yaml\"
  include = [\"listPets\", \"GET /pets/*\"]
  auth.api_key = { key-variable = \"PETSTORE_KEY\" }";

/// The verbs below `lagent openapi`.
#[derive(Debug, Subcommand)]
pub(super) enum OpenApi {
    /// Import the description of a service, list its tools, and say which operations cannot be called.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// File or address of the description: OpenAPI 3.0 or 3.1 in JSON or YAML, or a RapidAPI listing.
        source: String,
        /// Name of the service, which begins the names of its tools.
        #[arg(long, default_value = "api")]
        name: String,
        /// Print the definitions as JSON lines, in the form that models read.
        #[arg(long)]
        json: bool,
        /// Host that may have a private address; may be given several times.
        #[arg(long, value_name = "HOST")]
        allow_private: Vec<String>,
    },
}

impl OpenApi {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Import { source, name, json, allow_private } => {
                let config =
                    allow_private.into_iter().fold(OpenApiConfig::new(source), OpenApiConfig::with_private);
                let import = Reader::read_configured(&config).map_err(Error::from)?;
                list(&import, &name, json)?;
                report(&import)
            }
        }
    }
}

fn list(import: &Import, name: &str, json: bool) -> anyhow::Result<()> {
    for spec in import.specs(name) {
        if json {
            outln!("{}", serde_json::to_string(&spec)?)?;
        } else {
            let summary = spec.description.lines().next().unwrap_or_default();
            let line = format!("{:48} {summary}", spec.name);
            outln!("{}", visible_on(line.trim_end(), &std::io::stdout()))?;
        }
    }
    Ok(())
}

/// Says on stderr what did not become a tool.
fn report(import: &Import) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr();
    let (tools, skipped) = (import.specs("").len(), import.skipped());
    for operation in skipped {
        let line = format!("skipped {} {}: {}", operation.method, operation.path, operation.reason);
        writeln!(stderr, "{}", visible_on(&line, &stderr))?;
    }
    writeln!(stderr, "{tools} of {} operations become tools", tools + skipped.len())?;
    Ok(())
}

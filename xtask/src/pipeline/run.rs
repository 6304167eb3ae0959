//! Running a recipe: build, decide what to skip, run stage after stage, summarize.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::outln;
use serde::Deserialize;

use super::server::Server;
use super::stage::{STAGES, Serving, Stage, StageName};
use super::state::{self, Attempt, StageState, fingerprint, hash_artefacts};
use super::summary::{Summary, state_path};
use crate::workspace;

/// Options of `cargo xtask pipeline`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  cargo xtask pipeline                      the tiny recipe, end to end
  cargo xtask pipeline --quick              the same chain on a small share of the data
  cargo xtask pipeline tiny --from finetune fine-tune again and everything after it
  cargo xtask pipeline tiny --only agent    one stage, on what the others left
  cargo xtask pipeline --record             end to end, then README's table of results")]
pub(crate) struct PipelineArguments {
    /// Run the recipe in this folder below recipes/.
    #[arg(default_value = "tiny")]
    recipe: String,
    /// Apply the recipe's quick.toml: a smaller run into its own folder.
    #[arg(long)]
    quick: bool,
    /// Run this stage and all later ones, even when unchanged.
    #[arg(long, value_name = "STAGE")]
    from: Option<StageName>,
    /// Run this stage alone, even when unchanged.
    #[arg(long, value_name = "STAGE", conflicts_with = "from")]
    only: Option<StageName>,
    /// Run every stage, even when unchanged.
    #[arg(long)]
    force: bool,
    /// Store the results as docs/results/RECIPE.json at the end, from which README's table is written.
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    record: bool,
}

impl PipelineArguments {
    /// `cargo xtask pipeline --quick`.
    pub(crate) fn quick() -> Self {
        Self { recipe: "tiny".to_owned(), quick: true, from: None, only: None, force: false, record: false }
    }
}

/// `recipes/<recipe>/quick.toml`: overrides per stage, and the folder below `runs/` they write to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Quick {
    /// Folder below runs/; the overrides must send every output there.
    run: String,
    /// `key.path=value` overrides by stage name.
    set: BTreeMap<String, Vec<String>>,
}

/// Builds every binary of the workspace in one cargo call, with the features that the tests use too.
pub(crate) fn build() -> Result<()> {
    workspace::run(workspace::cargo().args(["build", "--release", "--workspace", "--bins"]))
}

/// Runs the recipe.
pub(crate) fn run(arguments: &PipelineArguments) -> Result<()> {
    let started = Instant::now();
    let mut pipeline = Pipeline::open(arguments)?;
    build()?;
    pipeline.stages()?;
    drop(pipeline.server.take());
    let run = &pipeline.run;
    let summary = Summary::collect(run)?;
    summary.save(run)?;
    crate::report::write(run, &arguments.recipe, &summary.stages, &summary.rows())?;
    if arguments.record {
        crate::docs::record(&workspace::root(), &arguments.recipe)?;
    }
    outln!("{}", summary.table())?;
    outln!("{:.0} s; report: {}", started.elapsed().as_secs_f64(), relative(&run.join("report.html")))?;
    Ok(())
}

/// A path as seen from the workspace root.
fn relative(path: &std::path::Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

/// One run of one recipe.
#[derive(Debug)]
struct Pipeline<'a> {
    arguments: &'a PipelineArguments,
    recipe: PathBuf,
    run: PathBuf,
    overrides: BTreeMap<String, Vec<String>>,
    binaries: PathBuf,
    artefacts: BTreeMap<StageName, String>,
    server: Option<Server>,
}

impl<'a> Pipeline<'a> {
    fn open(arguments: &'a PipelineArguments) -> Result<Self> {
        let root = workspace::root();
        let recipe = root.join("recipes").join(&arguments.recipe);
        if !recipe.is_dir() {
            let mut found: Vec<String> = std::fs::read_dir(root.join("recipes"))?
                .filter_map(Result::ok)
                .filter(|entry| entry.path().is_dir())
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
            found.sort();
            bail!(UsageError(format!(
                "no recipe `{}`, expected one of: {}",
                arguments.recipe,
                found.join(", ")
            )));
        }
        let quick = if arguments.quick {
            let path = recipe.join("quick.toml");
            let text = std::fs::read_to_string(&path).map_err(|error| {
                UsageError(format!("{}: --quick needs this file: {error}", relative(&path)))
            })?;
            internlm_kit::config::parse_unchecked(&text, &path, &[""; 0])?
        } else {
            Quick { run: arguments.recipe.clone(), set: BTreeMap::new() }
        };
        Ok(Self {
            arguments,
            recipe,
            run: root.join("runs").join(quick.run),
            overrides: quick.set,
            binaries: workspace::release_folder()?,
            artefacts: BTreeMap::new(),
            server: None,
        })
    }

    /// The stages in order, up to the one that `--only` names.
    fn stages(&mut self) -> Result<()> {
        for stage in &STAGES {
            if !is_part(&self.recipe, stage) {
                continue;
            }
            self.stage(stage)?;
            if self.arguments.only == Some(stage.name) {
                break;
            }
        }
        Ok(())
    }

    /// Skips or runs one stage and records its artefacts.
    fn stage(&mut self, stage: &Stage) -> Result<()> {
        let output = self.run.join(stage.name.as_str());
        let fingerprint = self.fingerprint(stage)?;
        let state_path = state_path(&self.run, stage.name);
        let title = format!("{} ({})", stage.name.as_str(), stage.program);
        let known = StageState::load(&state_path).filter(|state| {
            hash_artefacts(&output, stage.artefacts).is_ok_and(|hashes| hashes == state.artefacts)
        });
        let unchanged = known.as_ref().is_some_and(|state| state.fingerprint == fingerprint);
        if !self.must_run(stage.name, unchanged) {
            let Some(state) = known else {
                bail!(UsageError(format!(
                    "stage {title} has not been run: leave out --only, or run it first"
                )));
            };
            tracing::info!("{title}: unchanged, skipped (took {} s)", state.seconds);
            self.artefacts.insert(stage.name, artefact_hash(&state));
            return Ok(());
        }
        let started = Instant::now();
        tracing::info!("{title}: running");
        let attempt = if unchanged { Attempt::Fresh } else { state::attempt(&state_path, &fingerprint)? };
        for words in stage.commands {
            let mut command = self.command(stage, words.before)?;
            if attempt == Attempt::Fresh {
                command.args(words.fresh);
            }
            workspace::run(&mut command).with_context(|| format!("stage {title} failed"))?;
        }
        let state = StageState {
            fingerprint,
            artefacts: hash_artefacts(&output, stage.artefacts)?,
            seconds: started.elapsed().as_secs(),
        };
        state.save(&state_path)?;
        tracing::info!("{title}: done in {} s", state.seconds);
        self.artefacts.insert(stage.name, artefact_hash(&state));
        Ok(())
    }

    fn must_run(&self, name: StageName, unchanged: bool) -> bool {
        match (self.arguments.only, self.arguments.from) {
            (Some(only), _) => name == only,
            (None, Some(from)) if name >= from => true,
            _ => self.arguments.force || !unchanged,
        }
    }

    /// Everything the stage's result depends on.
    fn fingerprint(&self, stage: &Stage) -> Result<String> {
        let config = self.recipe.join(stage.config);
        let text = internlm_kit::file::read_to_string(&config)?;
        let binary = self.binaries.join(stage.program);
        let mut parts = vec![
            ("config".to_owned(), text),
            ("overrides".to_owned(), format!("{:?}", self.overrides(stage))),
            ("binary".to_owned(), internlm_kit::hash::sha256_file(&binary)?),
        ];
        if stage.inputs.is_empty() {
            // The corpus of the default recipe comes with the toolchain.
            let rustc = Command::new("rustc").arg("-vV").output().context("cannot run rustc -vV")?;
            parts.push(("toolchain".to_owned(), String::from_utf8_lossy(&rustc.stdout).into_owned()));
        }
        if stage.serving != Serving::None {
            let config = self.recipe.join("4-deploy.toml");
            parts.push(("server".to_owned(), std::fs::read_to_string(config)?));
            let binary = self.binaries.join("lmdeploy");
            parts.push(("server binary".to_owned(), internlm_kit::hash::sha256_file(&binary)?));
        }
        for input in stage.inputs {
            let hash = self.artefacts.get(input).cloned().unwrap_or_default();
            parts.push((input.as_str().to_owned(), hash));
        }
        Ok(fingerprint(&parts))
    }

    fn overrides(&self, stage: &Stage) -> &[String] {
        self.overrides.get(stage.name.as_str()).map_or(&[], Vec::as_slice)
    }

    /// The stage's command line; starts the server first when the stage talks to it.
    fn command(&mut self, stage: &Stage, words: &[&str]) -> Result<Command> {
        let url = match stage.serving {
            Serving::None => String::new(),
            Serving::Url(_) => self.server()?.url().to_owned(),
        };
        let mut command = self.program(stage.program);
        command.args(words).arg(self.config(stage.config));
        for text in self.overrides(stage) {
            command.args(["--set", text]);
        }
        if let Serving::Url(rest) = stage.serving {
            let output = relative(&self.run.join(stage.name.as_str()));
            command.args(rest.iter().map(|word| word.replace("{url}", &url).replace("{output}", &output)));
        }
        Ok(command)
    }

    /// The running server, started now if it is not.
    fn server(&mut self) -> Result<&Server> {
        if self.server.is_none() {
            let deploy = &STAGES[StageName::Deploy as usize];
            let ready = self.run.join("deploy/ready.json");
            let mut command = self.program(deploy.program);
            command.args(["serve", "api_server", "--config"]).arg(self.config(deploy.config));
            for text in self.overrides(deploy) {
                command.args(["--set", text]);
            }
            command.args(["--until-stdin-closes", "--server-port", "0", "--ready-file"]).arg(&ready);
            self.server = Some(Server::start(&mut command, &ready)?);
        }
        Ok(self.server.as_ref().expect("the server was started just above"))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(workspace::root());
        command
    }

    /// The config's path as seen from the workspace root, which is where stages run.
    fn config(&self, name: &str) -> String {
        relative(&self.recipe.join(name))
    }
}

/// Whether the recipe in the folder `recipe` has the stage. Only one stage may be left out: a missing file of another
/// one is an error.
fn is_part(recipe: &std::path::Path, stage: &Stage) -> bool {
    stage.name != StageName::Align || recipe.join(stage.config).is_file()
}

/// What later stages see of this one. Timings differ between runs that made the same model, so the
/// summary and the metrics are left out.
fn artefact_hash(state: &StageState) -> String {
    let parts: Vec<(String, String)> = state
        .artefacts
        .iter()
        .filter(|(path, _)| *path != "summary.json" && *path != "metrics.jsonl")
        .map(|(path, hash)| (path.clone(), hash.clone()))
        .collect();
    fingerprint(&parts)
}

#[cfg(test)]
mod tests;

//! The stages: which program runs with which arguments on which config, and what it leaves behind.

use clap::ValueEnum;

/// Name of a stage on the command line and of its folder under `runs/<recipe>/`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, ValueEnum)]
pub(crate) enum StageName {
    /// Pages to token shards.
    Data,
    /// Token shards to a checkpoint.
    Pretrain,
    /// Checkpoint and conversations to a merged model.
    Finetune,
    /// The tuned model and rewards to a better one; a recipe may leave it out.
    Align,
    /// The model behind the OpenAI API, measured.
    Deploy,
    /// Scores of the served model.
    Evaluate,
    /// The served model with a calculator.
    Agent,
}

impl StageName {
    /// The folder and command-line name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Pretrain => "pretrain",
            Self::Finetune => "finetune",
            Self::Align => "align",
            Self::Deploy => "deploy",
            Self::Evaluate => "evaluate",
            Self::Agent => "agent",
        }
    }
}

/// Whether a stage talks to the served model.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    /// Works on files alone.
    None,
    /// Needs the server's URL: the arguments come after the config, `{url}` is replaced.
    Url(&'static [&'static str]),
}

/// The words of one command.
#[derive(Debug)]
pub(crate) struct Words {
    /// Those before the config.
    pub(crate) before: &'static [&'static str],
    /// Added when what an earlier attempt left behind has to be ignored.
    pub(crate) fresh: &'static [&'static str],
}

impl Words {
    /// A command that finds nothing of an earlier attempt.
    const fn new(before: &'static [&'static str]) -> Self {
        Self { before, fresh: &[] }
    }
}

/// A training command, which resumes what an earlier attempt began.
const TRAIN: Words = Words { before: &["train"], fresh: &["--resume", "none"] };

/// One stage of the chain.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Its name.
    pub(crate) name: StageName,
    /// Config file inside the recipe's folder; a recipe without that of [`StageName::Align`] goes without the stage.
    pub(crate) config: &'static str,
    /// Package and binary, which share their name.
    pub(crate) program: &'static str,
    /// What runs, in order.
    pub(crate) commands: &'static [Words],
    /// Whether and how it is told the server's URL.
    pub(crate) serving: Serving,
    /// Stages whose artefacts it reads.
    pub(crate) inputs: &'static [StageName],
    /// Files and folders below its output folder that later stages and the report read.
    pub(crate) artefacts: &'static [&'static str],
}

/// The chain in order.
pub(crate) const STAGES: [Stage; 7] = [
    Stage {
        name: StageName::Data,
        config: "1-data.toml",
        program: "wanjuan-data",
        commands: &[Words::new(&["run"])],
        serving: Serving::None,
        inputs: &[],
        artefacts: &["tokenizer", "shards", "heldout.jsonl", "funnel.json", "summary.json"],
    },
    Stage {
        name: StageName::Pretrain,
        config: "2-pretrain.toml",
        program: "internlm-train",
        commands: &[TRAIN],
        serving: Serving::None,
        inputs: &[StageName::Data],
        artefacts: &["hf", "metrics.jsonl", "summary.json"],
    },
    Stage {
        name: StageName::Finetune,
        config: "3-finetune.toml",
        program: "xtuner",
        commands: &[Words::new(&["generate"]), TRAIN],
        serving: Serving::None,
        inputs: &[StageName::Data, StageName::Pretrain],
        artefacts: &["hf", "questions.jsonl", "conversations.jsonl", "metrics.jsonl", "summary.json"],
    },
    Stage {
        name: StageName::Align,
        config: "3b-align.toml",
        program: "xtuner",
        commands: &[Words::new(&["generate"]), TRAIN, Words::new(&["test", "--compare"])],
        serving: Serving::None,
        inputs: &[StageName::Finetune],
        artefacts: &["hf", "questions.jsonl", "prompts.jsonl", "metrics.jsonl", "summary.json"],
    },
    Stage {
        name: StageName::Deploy,
        config: "4-deploy.toml",
        program: "lmdeploy",
        commands: &[Words::new(&["bench", "serving", "--config"])],
        serving: Serving::Url(&["--url", "{url}", "--out", "{output}/summary.json"]),
        inputs: &[StageName::Finetune, StageName::Align],
        artefacts: &["summary.json"],
    },
    Stage {
        name: StageName::Evaluate,
        config: "5-evaluate.toml",
        program: "opencompass",
        commands: &[Words::new(&[])],
        serving: Serving::Url(&["--set", "model.base-url={url}"]),
        inputs: &[StageName::Data, StageName::Finetune, StageName::Align],
        artefacts: &["summary.json"],
    },
    Stage {
        name: StageName::Agent,
        config: "6-agent.toml",
        program: "lagent",
        commands: &[Words { before: &["run"], fresh: &["--fresh"] }],
        serving: Serving::Url(&["--set", "model.base-url={url}"]),
        inputs: &[StageName::Finetune, StageName::Align],
        artefacts: &["transcripts.jsonl", "summary.json"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_come_earlier_in_the_chain() {
        for stage in &STAGES {
            assert!(stage.inputs.iter().all(|input| *input < stage.name), "{:?}", stage.name);
        }
    }
}

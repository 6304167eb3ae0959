//! The ready configurations: each has the values of XTuner's of the same name, and copies of them load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use internlm_kit::config::parse_unchecked;
use internlm_kit::testing::shared_data;
use xtuner::catalog::{commented, ready_configs};
use xtuner::dataset::PackingConfig;
use xtuner::preference::PreferenceLoss;
use xtuner::reward::{Penalty, RankingLoss};
use xtuner::{FinetuneConfig, Method, ObjectiveConfig};

use crate::fixture::xtuner;

/// Cells of XTuner's table that a configuration here does not follow: name, column, the value here, and why.
const EXCEPTIONS: [(&str, &str, &str, &str); 5] = [
    (
        "internlm_7b_qlora_oasst1_e3_hf",
        "method",
        "qlora",
        "the file has LoRA over 4 bits for another trainer",
    ),
    ("internlm_7b_qlora_oasst1_mmlu_e3", "format", "oasst1", "the second format is that of an evaluation"),
    ("internlm2_7b_w_internevo_dataset", "format", "internevo", "named by the function that reads it"),
    ("internlm2_7b_w_tokenized_dataset", "format", "internevo", "named by the function that reads it"),
    (
        "internlm_7b_full_intern_repo_dataset_template",
        "format",
        "internevo",
        "named by the function that reads it",
    ),
];

/// A row of XTuner's table: column -> cell.
type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a head").split('\t').collect();
    let row = |line: &str| -> Row {
        let cells = line.split('\t').map(str::to_owned);
        head.iter().map(|column| (*column).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

/// What `config` has in the column `column`, as XTuner's table writes it; `None` where the table has a word for what
/// a config does not tell apart.
fn cell(config: &FinetuneConfig, family: &str, column: &str, row: &Row) -> Option<String> {
    let (data, optim, schedule) = (&config.dataset, &config.optim, &config.schedule);
    let compares = !matches!(config.objective, ObjectiveConfig::Sft);
    let number = |text: &str| text.parse::<f64>().ok();
    let same = |found: f64| (number(&row[column]) == Some(found)).then(|| row[column].clone());
    let numeric = |found: f64| Some(same(found).unwrap_or_else(|| found.to_string()));
    match column {
        "family" => Some(family.to_owned()),
        // The table has an absolute path where a user names a folder.
        "model" if row["model"].starts_with('/') => Some(format!("/{}", config.model.path.display())),
        "model" => Some(config.model.path.display().to_string()),
        "method" => Some(if config.model.method == Method::Full { "full" } else { "qlora" }.to_owned()),
        "objective" => Some(objective(config)),
        "format" if compares => None,
        "format" => {
            let formats = data.sources().into_iter().map(|source| match source.format {
                Some(format) if format.name() == "crime_kg_assitan" => "crime_kg_assitant".to_owned(),
                Some(format) => format.name().to_owned(),
                None => "-".to_owned(),
            });
            Some(formats.collect::<Vec<_>>().join(","))
        }
        "template" => Some(data.template.clone().unwrap_or_else(|| "-".to_owned())),
        "max_length" => Some(data.max_length.to_string()),
        "pack" if row["pack"] == "-" => None,
        "pack" => Some(if data.packing == PackingConfig::Soft { "True" } else { "False" }.to_owned()),
        // Attention is always over single samples; comparisons share rows only with it.
        "varlen" if compares => {
            Some(if data.packing == PackingConfig::Soft { "True" } else { "False" }.to_owned())
        }
        "varlen" => None,
        // What counts is the product.
        "batch" => None,
        "accumulate" => {
            let of_row = number(&row["batch"])? * number(&row["accumulate"])?;
            let found = data.rows_per_step as f64;
            Some(if of_row == found { row["accumulate"].clone() } else { found.to_string() })
        }
        "epochs" => numeric(schedule.epochs),
        "lr" => numeric(optim.lr),
        "betas" => Some(format!("({},{})", optim.beta1, optim.beta2)),
        "weight_decay" => numeric(optim.weight_decay),
        "clip" => numeric(optim.clip),
        "warmup" => numeric(schedule.warmup_ratio),
        "lora_r" => numeric(config.lora.rank as f64),
        "lora_alpha" => numeric(config.lora.alpha),
        "lora_dropout" => numeric(config.lora.dropout),
        other => panic!("a new column: {other}"),
    }
}

fn objective(config: &FinetuneConfig) -> String {
    let of_text = || {
        config
            .dataset
            .sources()
            .iter()
            .all(|source| source.format.is_some_and(|format| format.name() == "pretrain"))
    };
    match &config.objective {
        ObjectiveConfig::Sft if of_text() => "pretrain".to_owned(),
        ObjectiveConfig::Sft => "sft".to_owned(),
        ObjectiveConfig::Preference(preference) if preference.loss == PreferenceLoss::Orpo => {
            "orpo".to_owned()
        }
        ObjectiveConfig::Preference(preference) if preference.loss == PreferenceLoss::Sigmoid => {
            "dpo:sigmoid".to_owned()
        }
        ObjectiveConfig::Reward(reward)
            if (reward.loss, reward.penalty) == (RankingLoss::Focal, Penalty::LogBarrier) =>
        {
            "reward:focal+log_barrier".to_owned()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn every_name_has_the_values_of_its_row() {
    let Some(path) = shared_data("xtuner_configs/internlm.tsv") else { return };
    let rows = rows(&fs::read_to_string(path).expect("the table"));
    let ready = ready_configs().expect("well-formed tables");
    let ours: BTreeSet<&str> = ready.iter().map(|ready| ready.name.as_str()).collect();
    let theirs: BTreeSet<&str> = rows.iter().map(|row| row["name"].as_str()).collect();
    assert_eq!(ours, theirs);
    let mut exceptions = 0;
    for row in &rows {
        let name = row["name"].as_str();
        let config = FinetuneConfig::load(name).expect("resolves");
        let family = &ready.iter().find(|ready| ready.name == name).expect("has the name").family;
        for (column, expected) in row.iter().filter(|(column, _)| *column != "name") {
            let Some(found) = cell(&config, family, column, row) else { continue };
            let exception = EXCEPTIONS.iter().find(|(of, at, ..)| *of == name && at == column);
            match exception {
                Some((_, _, value, _)) => {
                    assert_eq!(found, *value, "{name}: {column}");
                    exceptions += 1;
                }
                // A cell without a value says nothing of what a config has to have there.
                None if expected == "-" && column != "template" && column != "format" => {}
                None => assert_eq!(found, *expected, "{name}: {column}"),
            }
        }
    }
    assert_eq!(exceptions, EXCEPTIONS.len());
}

#[test]
fn every_configuration_is_valid_and_its_commented_copy_is_the_same() {
    let ready = ready_configs().expect("well-formed tables");
    assert_eq!(ready.len(), 129);
    for ready in ready {
        let config = FinetuneConfig::load(&ready.name).expect("resolves");
        assert_eq!(config.run.out.display().to_string(), format!("runs/{}", ready.name));
        let text = commented(&config, "A copy.").expect("a config");
        let again: FinetuneConfig = internlm_kit::config::parse(&text, "copy.toml").expect("loads");
        assert_eq!(again, config, "{}", ready.name);
        // Every key has its meaning in the line before it.
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
            assert!(pair[0].starts_with("# ") && !is_key(pair[0]), "{}: {pair:?}", ready.name);
        }
    }
}

/// Whether a line is a key or the head of a table in a comment.
fn is_key(line: &str) -> bool {
    let Some(line) = line.strip_prefix("# ") else { return false };
    let name = line.split(" = ").next().unwrap_or_default();
    let bare = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_table = line.starts_with('[') && line.ends_with(']');
    is_table || line.contains(" = ") && !name.is_empty() && name.chars().all(bare)
}

#[test]
fn keys_in_comments_exist_and_have_values_that_parse() {
    for name in ["internlm2_chat_7b_qlora_oasst1_e3", "internlm2_chat_1_8b_dpo_full"] {
        let config = FinetuneConfig::load(name).expect("resolves");
        let text = commented(&config, "A copy.").expect("a config");
        let all: Vec<&str> = text.lines().map(|line| if is_key(line) { &line[2..] } else { line }).collect();
        let all: FinetuneConfig =
            parse_unchecked(&all.join("\n"), "copy.toml", &[""; 0]).expect("every key exists");
        assert!(all.test.is_some() && all.dataset.neftune_alpha.is_some());
    }
}

#[test]
fn verbs_list_copy_and_take_names() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path());
    let all = program.run(["list-cfg"]);
    assert_eq!((all.code, all.stdout.matches("\n  ").count()), (Some(0), 129), "{all:?}");
    let some = program.run(["list-cfg", "-p", "CHAT_1_8B_DPO"]);
    assert!(some.stdout.starts_with("dpo\n  internlm2_chat_1_8b_dpo_full\n"), "{some:?}");
    assert_eq!(some.stdout.lines().count(), 4, "{some:?}");

    let name = "internlm2_chat_7b_qlora_custom_sft_e1";
    let copied = program.run(["copy-cfg", name, "configs", "--set", "model.path=models/mine"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let path = folder.path().join(format!("configs/{name}_copy.toml"));
    let config = FinetuneConfig::load(&path).expect("the copy loads");
    assert_eq!((config.model.path.display().to_string().as_str(), config.lora.rank), ("models/mine", 64));
    let again = program.run(["copy-cfg", name, "configs"]);
    assert!(again.code == Some(2) && again.stderr.contains("--force"), "{again:?}");
    assert_eq!(program.run(["copy-cfg", name, "configs", "--force"]).code, Some(0));

    let unknown = program.run(["train", "internlm3_qlora"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("list-cfg"), "{unknown:?}");
    let known = program.run(["train", name]);
    assert!(known.code == Some(2) && known.stderr.contains("internlm/internlm2-chat-7b"), "{known:?}");
    let launched = program.clone().with_environment("NPROC_PER_NODE", "8").run(["train", name]);
    assert!(launched.code == Some(2) && launched.stderr.contains("NPROC_PER_NODE"), "{launched:?}");
}

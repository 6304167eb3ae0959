//! Reward models: value head, reward token, domains, every method of tuning, and what a conditional model can learn
//! that no other can.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::context::RunContext;
use internlm_model::chat::Message;
use internlm_model::config::Family;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{ModelConfig, ModelSize, TokenId, Tokenizer, device, reward};
use internlm_train::{RowSource, Trainer, TrainerConfig};
use serde_json::{Value, json};
use xtuner::preference::{Example, PackedExamples, PreferenceRows};
use xtuner::reward::{
    Comparison, EncodedPairs, EvaluateConfig, PairLoss, RewardConfig, RewardEncoder, RewardObjective,
    RewardPair, conversation_ids, evaluate, measure, read_comparisons,
};
use xtuner::template::Template;
use xtuner::{FinetuneConfig, Resume, SamplesConfig, finetune, hf_folder};

use crate::fixture::xtuner;

/// What people want in each of two domains: in one of them short answers, in the other one long ones.
const DOMAINS: [(&str, &str); 2] =
    [("brief", "Short answers win here."), ("warm", "Kindness and warmth count most of all.")];
const SHORT: &str = "Yes.";
const LONG: &str = "Yes, dear friend, with great pleasure!";

const LEARNED: [&str; 8] = ["rain", "tea", "snow", "bread", "music", "paper", "milk", "stone"];
const HELD_OUT: [&str; 5] = ["sand", "light", "wood", "honey", "wind"];
const QUALITIES: [&str; 6] = ["good", "cold", "old", "new", "soft", "near"];

/// Questions about `things`, each in both domains, where the opposite answers are chosen.
fn rows(things: &[&str]) -> Vec<Value> {
    let questions = things
        .iter()
        .flat_map(|thing| QUALITIES.iter().map(move |quality| format!("Is the {thing} {quality}?")));
    let rows = questions.flat_map(|question| {
        DOMAINS.map(|(domain, _)| {
            let [chosen, rejected] = if domain == "brief" { [SHORT, LONG] } else { [LONG, SHORT] };
            json!({"domain": domain, "prompt": question, "chosen": chosen, "rejected": rejected})
        })
    });
    rows.collect()
}

fn write_rows(path: &Path, rows: &[Value]) {
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    fs::write(path, lines.join("\n")).expect("writes");
}

/// A folder with a random model, `pairs.jsonl` to learn from and `held_out.jsonl` of other questions.
fn prepare(folder: &Path) -> PathBuf {
    let base = folder.join("base");
    let (pairs, held_out) = (rows(&LEARNED), rows(&HELD_OUT));
    let mut texts: Vec<String> = pairs.iter().map(ToString::to_string).collect();
    texts.extend(DOMAINS.iter().flat_map(|(_, prompt)| vec![(*prompt).to_owned(); 20]));
    train_bpe(texts.into_iter(), &BpeTrainConfig::new(384)).expect("a tokenizer").save(&base).expect("saves");
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 48, vocab: 384 };
    let model = ModelConfig::new(size).with_max_position(512);
    Decoder::init(&model, 3, &device::parse("cpu").expect("the CPU")).save(&base).expect("saves");
    write_rows(&folder.join("pairs.jsonl"), &pairs);
    write_rows(&folder.join("held_out.jsonl"), &held_out);
    base
}

/// Writes and loads the config of a run called `name`; `objective` are further lines of that table.
fn config(folder: &Path, name: &str, settings: (&str, usize), objective: &str) -> FinetuneConfig {
    let (method, steps) = settings;
    let (out, base, pairs) = (folder.join(name), folder.join("base"), folder.join("pairs.jsonl"));
    let text = format!(
        "[run]\nout = {out:?}\nseed = 5\n[model]\npath = {base:?}\nmethod = \"{method}\"\n\
         [lora]\nrank = 4\nalpha = 8.0\n\
         [dataset]\npaths = [{pairs:?}]\nmax-length = 160\nrow-tokens = 640\nrows-per-step = 4\n\
         valid-conversations = 8\n[optim]\nlr = 3e-3\nweight-decay = 0.0\n[schedule]\nsteps = {steps}\n\
         [objective]\nkind = \"reward\"\n{objective}"
    );
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text).expect("writes");
    FinetuneConfig::load(&path).expect("keys that exist")
}

fn conditional() -> String {
    let prompts: Vec<String> =
        DOMAINS.iter().map(|(domain, prompt)| format!("{domain} = \"{prompt}\"")).collect();
    format!("penalty-weight = 0.02\n[objective.domains]\n{}\n", prompts.join("\n"))
}

fn train(config: &FinetuneConfig) -> Vec<Value> {
    let report = finetune(config, Resume::Auto, &RunContext::default()).expect("trains");
    assert!(report.summary.is_some());
    let text = fs::read_to_string(config.run.out.join("metrics.jsonl")).expect("metrics");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Goal G16: opposite preferences in two domains. Every question occurs in both, so that one score for each answer is
/// right in exactly half of the cases, however it was learned.
#[test]
fn a_conditional_model_learns_opposite_preferences() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let held_out = [folder.join("held_out.jsonl")];
    let accuracy = |config: &FinetuneConfig| {
        train(config);
        let model = hf_folder(&config.run.out);
        evaluate(model, &held_out, &EvaluateConfig::default()).expect("scores").0
    };
    let conditional = accuracy(&config(folder, "conditional", ("full", 150), &conditional()));
    assert!(conditional.all.accuracy() >= 0.95, "{:?}", conditional.domains);
    assert_eq!((conditional.all.pairs(), conditional.domains.len()), (60, 2));
    for (domain, stats) in &conditional.domains {
        assert!(stats.accuracy() >= 0.95, "{domain}: {stats:?}");
    }
    let inside = |score: &f64| score.abs() < 5.0;
    assert!(conditional.scores.iter().flatten().all(inside), "{:?}", conditional.scores);
    let unconditional = accuracy(&config(folder, "unconditional", ("full", 60), ""));
    let share = unconditional.all.accuracy();
    assert!((0.4..=0.6).contains(&share), "{:?}", unconditional.domains);
}

#[test]
fn every_method_trains_the_head_and_writes_a_reward_model() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let device = device::parse("cpu").expect("the CPU");
    for method in ["full", "lora", "qlora", "dora"] {
        let config = config(folder, method, (method, 3), &conditional());
        let metrics = train(&config);
        for key in ["reward_chosen", "reward_rejected", "accuracy", "margin", "near_bound"] {
            assert!(metrics[0][key].is_number(), "{method} {key}: {}", metrics[0]);
        }
        assert_eq!(metrics[0]["reward_chosen"], 0.0, "{method}: the head begins at zero");
        let last = metrics.last().expect("a validation");
        for key in ["valid_loss", "valid_accuracy", "valid_accuracy_brief"] {
            assert!(last[key].is_number(), "{method} {key}: {last}");
        }
        let model = Decoder::load(hf_folder(&config.run.out), &device).expect("loads");
        assert_eq!(model.config().family, Family::InternLm2Reward);
        let prompts = BTreeMap::from(DOMAINS.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(reward::domain_prompts(model.config()).expect("prompts"), prompts);
        let head = model.parameters().pop().expect("a value head");
        assert!(head.0 == "v_head.weight" && head.1.to_vec().iter().any(|value| *value != 0.0), "{method}");
        if method != "full" {
            let text = fs::read(config.run.out.join("adapter/adapter_config.json")).expect("an adapter");
            let adapter: Value = serde_json::from_slice(&text).expect("JSON");
            assert_eq!(adapter["modules_to_save"], json!(["v_head"]), "{method}");
        }
    }
}

#[test]
fn scores_are_those_of_the_model_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let config = config(folder, "run", ("lora", 3), &conditional());
    train(&config);
    let hf = hf_folder(&config.run.out);
    let data = folder.join("held_out.jsonl");
    let found = evaluate(&hf, std::slice::from_ref(&data), &EvaluateConfig::default()).expect("scores").0;

    let device = device::parse("cpu").expect("the CPU");
    let (model, tokenizer) =
        (Decoder::load(&hf, &device).expect("loads"), Tokenizer::load(&hf).expect("loads"));
    let template = Template::load(&hf, None).expect("the model's own");
    let comparisons = read_comparisons(&data).expect("comparisons");
    let first = &comparisons[0];
    let whole = |answer: &[Message]| {
        let system = Message::system(DOMAINS[0].1);
        let messages = [std::slice::from_ref(&system), first.prompt.as_slice(), answer].concat();
        conversation_ids(&template, &tokenizer, &messages).expect("fits")
    };
    let both = [whole(&first.chosen), whole(&first.rejected)];
    let scores = reward::scores(&model, &both, &device).expect("scores");
    for (score, found) in scores.into_iter().zip(found.scores[0]) {
        assert!((f64::from(score) - found).abs() < 1e-5, "{score} {found}");
    }
}

#[test]
fn the_reward_token_has_its_place_within_the_maximum_length() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let base = prepare(folder.path());
    let (tokenizer, template) =
        (Tokenizer::load(&base).expect("loads"), Template::load(&base, None).expect("the model's own"));
    let comparisons = read_comparisons(folder.path().join("pairs.jsonl")).expect("comparisons");
    let (domains, token) = (BTreeMap::new(), tokenizer.eos().expect("an end of texts"));
    let encode = |max_length, row_tokens| {
        let (tokenizer, template, domains) = (&tokenizer, &template, &domains);
        RewardEncoder { tokenizer, template, token, domains, max_length, row_tokens }.encode(&comparisons)
    };
    let EncodedPairs { pairs, stats } = encode(512, 1024).expect("pairs");
    assert_eq!((pairs.len(), stats.truncated, stats.equal), (comparisons.len(), 0, 0));
    // One token less than the longest has: exactly its last one gives way.
    let cut = encode(stats.longest - 1, 1024).expect("pairs");
    assert!(cut.stats.truncated > 0);
    for pair in &cut.pairs {
        for sample in &pair.example.samples {
            assert!(sample.ids.len() < stats.longest);
            assert_eq!(sample.ids.iter().filter(|id| **id == token).count(), 1);
            assert_eq!(sample.ids.last(), Some(&token));
        }
    }
    // Where both answers are cut off there is nothing to compare, and rows are never too full.
    assert!(
        encode(4, 1024).expect_err("no answer").to_string().contains("whose first 4 tokens are the same")
    );
    assert!(encode(512, 8).expect_err("too long").to_string().contains("longer than a row of 8 tokens"));
}

#[test]
fn a_step_is_the_mean_over_its_pairs_however_it_is_divided() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let base = prepare(folder.path());
    let (tokenizer, template) =
        (Tokenizer::load(&base).expect("loads"), Template::load(&base, None).expect("the model's own"));
    let mut comparisons: Vec<Comparison> =
        read_comparisons(folder.path().join("pairs.jsonl")).expect("comparisons");
    comparisons.truncate(12);
    let domains = BTreeMap::from(DOMAINS.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let encoder = RewardEncoder {
        tokenizer: &tokenizer,
        template: &template,
        token: TokenId(383),
        domains: &domains,
        max_length: 256,
        row_tokens: 512,
    };
    let pairs: Vec<RewardPair> = encoder.encode(&comparisons).expect("pairs").pairs;
    let examples: Vec<Example> = pairs.iter().map(|pair| pair.example.clone()).collect();
    let groups = [0..1, 1..4, 4..10, 10..12].map(|range| range.collect::<Vec<usize>>());
    let mut rows = PreferenceRows::new(PackedExamples::new(&examples, &groups), 4, 1);
    let batch = rows.batch(0).expect("rows");

    let device = device::parse("cpu").expect("the CPU");
    let mut decoder = Decoder::load(&base, &device).expect("loads").with_value_head(TokenId(383), &domains);
    let (_, mut head) = decoder.parameters_mut().pop().expect("a value head");
    head.set((0..32).map(|index| 0.2 * (index as f32 * 0.7).sin()).collect());
    let reward = RewardConfig::default();
    let scores = measure(&decoder, &pairs, 4096).expect("scores").scores;
    let losses: Vec<f64> = scores.iter().map(|scores| PairLoss::of(&reward, *scores).loss).collect();
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;

    let gradients = |pass_tokens: usize| {
        let config = TrainerConfig::new(1, 1e-3).with_pass_tokens(pass_tokens);
        let trainer = Trainer::new(decoder.config().clone(), decoder.clone(), config).expect("a trainer");
        let mut objective = RewardObjective::new(reward.clone(), rows.clone());
        trainer.gradients_with(&batch, &mut objective).expect("gradients")
    };
    let (together, apart) = (gradients(1 << 16), gradients(1));
    assert!(
        (together.loss - mean).abs() < 1e-5 && (apart.loss - mean).abs() < 1e-5,
        "{mean} {}",
        together.loss
    );
    for ((name, together), (_, apart)) in together.gradients.iter().zip(&apart.gradients) {
        let largest = together.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let far = together.iter().zip(apart).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(far <= 1e-4 * largest + 1e-7, "{name}: {far} of {largest}");
    }
    assert!(together.gradients.iter().any(|(name, _)| name == "v_head.weight"));
}

#[test]
fn eval_rm_prints_a_row_for_each_domain() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    train(&config(folder, "run", ("full", 2), &conditional()));
    let program = xtuner(folder);
    let ran = program.run(["eval-rm", "run/hf", "held_out.jsonl", "pairs.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let names: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["domain", "brief", "warm", "all"], "{ran:?}");
    let ran = program.run(["eval-rm", "run/hf", "held_out.jsonl", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&found["all"]["pairs"], &found["domains"]["warm"]["pairs"]), (&json!(60), &json!(30)));
    let other = program.run(["eval-rm", "run/hf", "held_out.jsonl", "--domain", "code=Be right."]);
    assert!(other.code == Some(2) && other.stderr.contains("the domain `brief`"), "{other:?}");
    let language = program.run(["eval-rm", "base", "held_out.jsonl"]);
    assert!(language.code == Some(2) && language.stderr.contains("expected a reward model"), "{language:?}");
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let refused = |name: &str, objective: &str, change: &dyn Fn(&mut FinetuneConfig)| {
        let mut config = config(folder, name, ("full", 1), objective);
        change(&mut config);
        finetune(&config, Resume::Auto, &RunContext::default()).expect_err(name).to_string()
    };
    let same = |_: &mut FinetuneConfig| {};
    let text = refused("domain", "domains = { code = \"Be right.\" }", &same);
    assert!(
        text.contains("pairs.jsonl: line 1: found the domain `brief`") && text.contains("one of code"),
        "{text}"
    );
    let text = refused("token", "reward-token = \"[NO_SUCH_TOKEN]\"", &same);
    assert!(text.contains("objective.reward-token: found `[NO_SUCH_TOKEN]`"), "{text}");
    let text = refused("id", "reward-token = 384", &same);
    assert!(text.contains("found the id 384") && text.contains("below 384"), "{text}");
    let text = refused("samples", "", &|config| config.samples = Some(SamplesConfig::new(["Hi"])));
    assert!(text.contains("samples: found a table"), "{text}");
    let text = refused("group", "", &|config| config.dataset.group_by_length = true);
    assert!(text.contains("dataset.group-by-length"), "{text}");
    let text = refused("single", "", &|config| {
        let path = folder.join("single.jsonl");
        fs::write(&path, r#"{"prompt": "a", "completion": "b", "label": true}"#).expect("writes");
        config.dataset.paths = vec![path];
    });
    assert!(text.contains("line 1: found a single answer"), "{text}");
}

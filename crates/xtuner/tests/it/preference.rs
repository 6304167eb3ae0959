//! Preference learning: every loss through a model, references, data, and whole runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use internlm_kit::config;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_kit::testing::shared_data;
use internlm_model::chat::Message;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::Special;
use internlm_model::{ModelConfig, ModelSize, TokenId, Tokenizer, device};
use internlm_train::{End, RowSource, Trainer, TrainerConfig};
use serde_json::{Value, json};
use xtuner::dataset::Sample;
use xtuner::lora::{LoraTuningConfig, inject};
use xtuner::preference::{
    Example, ExampleKind, PackedExamples, Preference, PreferenceConfig, PreferenceEncoder, PreferenceLoss,
    PreferenceObjective, PreferenceRows, Reference, RowSums, read_preferences,
};
use xtuner::template::Template;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{config_text, model_folder};

const LOSSES: [PreferenceLoss; 10] = [
    PreferenceLoss::Sigmoid,
    PreferenceLoss::Robust,
    PreferenceLoss::Hinge,
    PreferenceLoss::Ipo,
    PreferenceLoss::KtoPair,
    PreferenceLoss::SppoHard,
    PreferenceLoss::NcaPair,
    PreferenceLoss::Orpo,
    PreferenceLoss::Simpo,
    PreferenceLoss::Kto,
];

fn model() -> ModelConfig {
    ModelConfig::new(ModelSize { hidden: 16, layers: 2, heads: 2, inter: 24, vocab: 40 })
}

fn decoder() -> Decoder {
    Decoder::init(&model(), 1, &device::parse("cpu").expect("the CPU"))
}

fn trainer(decoder: Decoder, pass_tokens: usize) -> Trainer {
    let config = TrainerConfig::new(10, 1e-2).with_pass_tokens(pass_tokens);
    Trainer::new(model(), decoder, config).expect("has parameters")
}

/// A sample whose first three ids are its prompt.
fn sample(seed: u32, length: u32) -> Sample {
    Sample {
        ids: (0..length).map(|index| TokenId((seed + index * (3 + seed % 5)) % 40)).collect(),
        weights: (0..length).map(|index| if index < 3 { 0.0 } else { 1.0 }).collect(),
    }
}

/// Four examples in three rows, all of which one step takes.
fn rows(loss: PreferenceLoss) -> PreferenceRows {
    let kinds = match loss {
        PreferenceLoss::Kto => [ExampleKind::Desirable, ExampleKind::Undesirable],
        _ => [ExampleKind::Pair; 2],
    };
    let example = |index: u32| Example {
        comparison: index as usize,
        kind: kinds[index as usize % 2],
        samples: [sample(1 + index, 8 + index), sample(20 + index, 11 - index)],
    };
    let examples: Vec<Example> = (0..4).map(example).collect();
    PreferenceRows::new(PackedExamples::new(&examples, &[vec![0, 3], vec![1], vec![2]]), 3, 5)
}

/// Numbers near those of the model itself: P is -1 and N 0.5; far above them for the mismatched answers of KTO, whose
/// estimate is then 0 wherever the model moves.
fn reference(loss: PreferenceLoss, rows: &PreferenceRows) -> Reference {
    let own = Reference::model(decoder(), 4096).of(rows.packed(), &[0, 1, 2]).expect("computes");
    let second = if loss == PreferenceLoss::Kto { 5.0 } else { -0.5 };
    let moved = |row: RowSums| row.into_iter().map(|[first, other]| [first + 1.0, other + second]).collect();
    Reference::Stored(Arc::new(own.into_iter().map(moved).collect()))
}

fn objective(loss: PreferenceLoss) -> PreferenceObjective {
    let config = match loss {
        PreferenceLoss::Sigmoid | PreferenceLoss::Robust => {
            PreferenceConfig::new(loss).with_label_smoothing(0.1)
        }
        _ => PreferenceConfig::new(loss),
    };
    let rows = rows(loss);
    let reference = if loss.needs_reference() { reference(loss, &rows) } else { Reference::Absent };
    PreferenceObjective::new(config, rows, reference)
}

/// The decoder, moved along a direction in the space of its parameters.
fn moved(direction: &BTreeMap<String, Vec<f64>>, by: f64) -> Decoder {
    let mut decoder = decoder();
    for (name, mut parameter) in decoder.parameters_mut() {
        let values = parameter.get().to_vec();
        let direction = &direction[&name];
        parameter.set(
            values
                .iter()
                .zip(direction)
                .map(|(value, part)| (f64::from(*value) + by * part) as f32)
                .collect(),
        );
    }
    decoder
}

#[test]
fn gradients_through_a_model_are_those_of_differences() {
    for loss in LOSSES {
        let step = rows(loss).batch(0).expect("rows");
        let gradients =
            trainer(decoder(), 4096).gradients_with(&step, &mut objective(loss)).expect("computes");
        let norm = gradients.gradients.iter().flat_map(|(_, values)| values);
        let norm = norm.map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let direction: BTreeMap<String, Vec<f64>> = gradients
            .gradients
            .iter()
            .map(|(name, values)| {
                (name.clone(), values.iter().map(|value| f64::from(*value) / norm).collect())
            })
            .collect();
        let at = |by: f64| {
            let trainer = trainer(moved(&direction, by), 4096);
            trainer.gradients_with(&step, &mut objective(loss)).expect("computes").loss
        };
        let size = 0.03;
        let found = (8.0 * (at(size) - at(-size)) - (at(2.0 * size) - at(-2.0 * size))) / (12.0 * size);
        assert!(
            (found - norm).abs() <= 5e-3 * norm,
            "{loss:?}: {found} by differences, {norm} by the chain rule"
        );
    }
}

#[test]
fn losses_do_not_depend_on_how_rows_are_joined() {
    for loss in LOSSES {
        let step = rows(loss).batch(0).expect("rows");
        let computed = |pass_tokens: usize| {
            trainer(decoder(), pass_tokens).gradients_with(&step, &mut objective(loss)).expect("computes")
        };
        let (joined, apart) = (computed(4096), computed(1));
        assert!((joined.loss - apart.loss).abs() <= 1e-5 * joined.loss.abs(), "{loss:?}");
        for ((name, joined), (_, apart)) in joined.gradients.iter().zip(&apart.gradients) {
            let size = joined.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let far = joined.iter().zip(apart).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far <= 1e-4 * size + 1e-7, "{loss:?} {name}: {far} of {size}");
        }
    }
}

#[test]
fn a_fresh_adapter_equals_its_reference_and_then_learns() {
    let tuned = inject(decoder(), &LoraTuningConfig::new(4, 8.0), 7).expect("injects");
    let mut source = rows(PreferenceLoss::Sigmoid);
    let before = Reference::model(tuned.clone().without_adapters().valid(), 4096);
    let numbers = before.of(source.packed(), &[0, 1, 2]).expect("computes");
    let mut objective = PreferenceObjective::new(PreferenceConfig::default(), source.clone(), before);
    let mut trainer = trainer(tuned, 4096);
    let mut reports = Vec::new();
    for step in 0..8 {
        let rows = source.batch(step).expect("rows");
        reports.push(trainer.step_with(&rows, &mut objective).expect("steps"));
    }
    let measured = |index: usize, name: &str| -> f64 {
        let found = reports[index].measured.iter().find(|(column, _)| column == name);
        found.map(|(_, value)| *value).expect("a column")
    };
    assert!((reports[0].loss - std::f64::consts::LN_2).abs() < 1e-6, "{}", reports[0].loss);
    assert!(measured(0, "margin").abs() < 1e-6, "{:?}", reports[0].measured);
    assert!(measured(7, "margin") > 0.0 && measured(7, "accuracy") >= 0.75, "{:?}", reports[7].measured);
    let after = objective.reference().of(source.packed(), &[0, 1, 2]).expect("computes");
    assert_eq!(numbers, after, "training does not move the reference");
}

#[test]
fn rows_of_another_source_are_refused() {
    let mut other = PreferenceRows::new(rows(PreferenceLoss::Sigmoid).packed().chosen(&[1]), 1, 5);
    let step = other.batch(0).expect("rows");
    let trainer = trainer(decoder(), 4096);
    let error =
        trainer.gradients_with(&step, &mut objective(PreferenceLoss::Sigmoid)).expect_err("other rows");
    assert!(error.to_string().contains("found 1 rows of another source"), "{error}");
}

fn pair(asked: &str, chosen: &str, rejected: &str) -> Preference {
    Preference::Pair {
        prompt: vec![Message::user(asked)],
        chosen: vec![Message::assistant(chosen)],
        rejected: vec![Message::assistant(rejected)],
    }
}

/// The learned part of a sample as text.
fn learned(sample: &Sample, tokenizer: &Tokenizer) -> String {
    let ids = sample.ids.iter().zip(&sample.weights).filter(|(_, weight)| **weight != 0.0);
    tokenizer.decode(&ids.map(|(id, _)| *id).collect::<Vec<_>>(), Special::Keep)
}

#[test]
fn answers_are_learned_and_everything_left_out_is_counted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let base = model_folder(folder.path());
    let tokenizer = Tokenizer::load(&base).expect("loads");
    let template = Template::load(&base, None).expect("loads");
    let encoder = PreferenceEncoder {
        tokenizer: &tokenizer,
        template: &template,
        loss: PreferenceLoss::Sigmoid,
        max_length: 100,
        row_tokens: 150,
    };
    let long = "many words ".repeat(60);
    let preferences = [
        pair("2+2?", "4", "5"),
        pair("2+2?", "4", "4"),
        pair("2+2?", &long, "5"),
        pair("2+2?", &long, &format!("no, {long}")),
        pair(&long, "4", "5"),
    ];
    let encoded = encoder.encode(&preferences).expect("encodes");
    let stats = encoded.stats;
    assert_eq!((stats.read, stats.equal, stats.without_answer, stats.too_long), (5, 1, 1, 1), "{stats:?}");
    assert_eq!((encoded.examples.len(), encoded.examples[1].comparison), (2, 2));
    assert_eq!(encoded.examples[1].samples[0].ids.len(), 100, "cut from the right");
    let texts = encoded.examples[0].samples.each_ref().map(|sample| learned(sample, &tokenizer));
    assert_eq!(texts, ["4<|im_end|>", "5<|im_end|>"]);

    let encoded = PreferenceEncoder { loss: PreferenceLoss::Kto, ..encoder }
        .encode(&[pair("2+2?", "4", "5"), pair("3+3?", "6", "7")])
        .expect("encodes");
    let kinds: Vec<ExampleKind> = encoded.examples.iter().map(|example| example.kind).collect();
    assert_eq!(kinds, [ExampleKind::Desirable, ExampleKind::Undesirable].repeat(2));
    let texts = encoded.examples[0].samples.each_ref().map(|sample| learned(sample, &tokenizer));
    assert_eq!(texts, ["4<|im_end|>", "6<|im_end|>"], "an answer, and one to another prompt");

    let single =
        Preference::Desirable { prompt: vec![Message::user("a")], answer: vec![Message::assistant("b")] };
    let error = encoder.encode(&[single]).expect_err("a loss of pairs").to_string();
    assert!(error.contains("a single answer (comparison 1)") && error.contains("kto"), "{error}");
    let error = encoder.encode(&[pair("a", "b", "b")]).expect_err("nothing").to_string();
    assert!(error.contains("1 of equal answers"), "{error}");
}

#[test]
fn published_files_of_comparisons_are_read() {
    let files = [
        ("sft/llms_from_scratch/instruction-data-with-preference.json", 1100),
        ("sft/llamafactory/dpo_en_demo.json", 300),
        ("sft/llamafactory/dpo_zh_demo.json", 300),
    ];
    for (name, count) in files {
        let Some(path) = shared_data(name) else { return };
        let read = read_preferences(&path).expect(name);
        assert_eq!(read.len(), count, "{name}");
        assert!(read.iter().all(|preference| matches!(preference, Preference::Pair { .. })), "{name}");
    }
}

#[test]
fn a_row_that_is_no_comparison_is_named_by_its_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("pairs.jsonl");
    fs::write(&path, "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n\n{\"prompt\": \"a\"}\n")
        .expect("writes");
    let error = read_preferences(&path).expect_err("no answers").to_string();
    assert!(error.contains("line 3: found an object with the keys prompt"), "{error}");
    fs::write(&path, "\n").expect("writes");
    let error = read_preferences(&path).expect_err("empty").to_string();
    assert!(error.contains("no comparison"), "{error}");
}

/// A config of `steps` steps on comparisons that are written into `folder`; `extra` are more lines of `[objective]`.
fn prepare(folder: &Path, (method, steps): (&str, usize), extra: &str) -> FinetuneConfig {
    model_folder(folder);
    let rows = (0..48).map(|index| {
        let asked = format!("Is {index} a number?");
        json!({"prompt": asked, "chosen": "Yes, it is.", "rejected": "No, never."}).to_string() + "\n"
    });
    fs::write(folder.join("conversations.jsonl"), rows.collect::<String>()).expect("writes");
    let objective = format!("\n[objective]\nkind = \"preference\"\n{extra}\n");
    config::parse(&(config_text(folder, method, steps) + &objective), "test.toml").expect("a valid config")
}

/// The rows of `metrics.jsonl` that have the column `name`, and their values.
fn column(folder: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("reads");
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.filter_map(|row| row[name].as_f64()).collect()
}

#[test]
fn a_run_learns_what_is_preferred_by_every_loss() {
    for loss in ["sigmoid", "ipo", "kto-pair", "orpo", "simpo", "kto"] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let folder = folder.path();
        let config = prepare(folder, ("lora", 16), &format!("loss = \"{loss}\""));
        let report = finetune(&config, Resume::None, &RunContext::default()).expect("trains");
        let summary = report.summary.expect("finished");
        let value =
            |name: &str| summary.rows().iter().find(|(column, _)| column == name).map(|(_, value)| *value);
        assert!(value("valid_accuracy") >= Some(0.9), "{loss}: {summary:?}");
        assert!(value("train_accuracy") >= Some(0.9), "{loss}: {summary:?}");
        let margins = column(folder, "margin");
        assert_eq!(margins.len(), 16, "{loss}");
        assert!(margins[15] > margins[0], "{loss}: {margins:?}");
        assert_eq!(column(folder, "reward_chosen").len(), 16, "{loss}");
        assert!(folder.join("run/adapter/adapter_model.safetensors").is_file(), "{loss}");
    }
}

#[test]
fn every_reference_gives_the_same_losses() {
    let losses = |method: &str, reference: &str| {
        let folder = tempfile::tempdir().expect("temporary folder");
        let config = prepare(folder.path(), (method, 4), reference);
        finetune(&config, Resume::None, &RunContext::default()).expect("trains");
        column(folder.path(), "loss")
    };
    for method in ["lora", "full"] {
        let expected = losses(method, "");
        assert_eq!(expected.len(), 4);
        for reference in ["frozen-copy", "stored"] {
            let found = losses(method, &format!("reference = \"{reference}\""));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{method} {reference}: {found} {expected}");
            }
        }
    }
}

#[test]
fn a_full_run_has_no_adapter_to_take_off() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), ("full", 2), "reference = \"adapter-off\"");
    let error = finetune(&config, Resume::None, &RunContext::default()).expect_err("no adapters").to_string();
    assert!(error.contains("objective.reference: found adapter-off"), "{error}");
}

#[test]
fn stopped_and_continued_equals_uninterrupted() {
    for reference in ["adapter-off", "stored"] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let folder = folder.path();
        let config = prepare(folder, ("lora", 5), &format!("reference = \"{reference}\""));
        let names = ["hf/model.safetensors", "adapter/adapter_model.safetensors"];
        let written = || names.map(|name| fs::read(folder.join("run").join(name)).expect(name));
        finetune(&config, Resume::None, &RunContext::default()).expect("trains");
        let expected = written();
        fs::remove_dir_all(folder.join("run")).expect("removes");
        let stop = Stop::new();
        stop.request();
        let context = RunContext::default().with_stop(stop);
        let stopped = finetune(&config, Resume::Auto, &context).expect("stops");
        assert_eq!((stopped.run.end, stopped.summary), (End::Stopped, None));
        finetune(&config, Resume::Auto, &RunContext::default()).expect("resumes");
        assert!(expected == written(), "{reference}: the files differ");
    }
}

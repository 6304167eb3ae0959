//! Reinforcement learning on a model of a few thousand parameters: engines, runs that resume, and tasks that are solved.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::config;
use internlm_kit::context::RunContext;
use internlm_kit::rng::CounterRng;
use internlm_kit::stop::Stop;
use internlm_model::chat::Message;
use internlm_model::chat::marks::IM_END;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use internlm_model::tokenizer::Special;
use internlm_model::{GenerateConfig, Generator, TokenId, Tokenizer, device};
use internlm_train::{End, Head, Row, Trainer, TrainerConfig, outputs};
use serde_json::{Value, json};
use xtuner::rl::{Finish, LocalRollout, Rollout, RolloutAnswer, RolloutRequest, ServedRollout};
use xtuner::template::Template;
use xtuner::{FinetuneConfig, FinetuneReport, Resume, finetune};

use crate::fixture::{model_folder, xtuner};

/// `[objective]` of GRPO on the prompts of [`prompts`].
pub(crate) const GRPO: &str = "kind = 'grpo'\nanswers = 4\nkl-weight = 0.01\nimportance-cap = 2.0\n\
                               answer = { max-tokens = 3 }\n\
                               rounds = { prompts = 4, steps = 2, valid-prompts = 4, valid-every = 2 }\n\
                               rewards = [{ kind = 'regex', pattern = '^[{reference}]', weight = 4.0 }]\n";

/// `[objective]` of PPO; the critic is in the folder `critic`.
pub(crate) fn ppo(folder: &Path, warmup: u64) -> String {
    let critic = folder.join("critic").display().to_string();
    format!(
        "kind = 'ppo'\ncritic = '{critic}'\ncritic-lr = 3e-3\ncritic-warmup = {warmup}\nanswer = {{ max-tokens = 3 }}\n\
         rounds = {{ prompts = 8, steps = 2, valid-prompts = 4, valid-every = 2 }}\n\
         rewards = [{{ kind = 'regex', pattern = '^[{{reference}}]', weight = 4.0 }}]\n"
    )
}

/// A config of `steps` steps of the objective on the files `data`.
pub(crate) fn config_text(
    folder: &Path,
    method: &str,
    objective: &str,
    (data, steps): (&str, u64),
) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        "[run]\nout = '{}'\nseed = 5\n[model]\npath = '{}'\nmethod = '{method}'\n[objective]\n{objective}\
         [lora]\nrank = 4\nalpha = 8.0\n[dataset]\npaths = ['{}']\nmax-length = 256\nrows-per-step = 2\n\
         [optim]\nlr = 3e-3\nweight-decay = 0.0\n[schedule]\nsteps = {steps}\nwarmup-ratio = 0.0\n\
         [checkpoint]\nevery = 4\n",
        path("run"),
        path("base"),
        path(data),
    )
}

fn load(text: &str) -> FinetuneConfig {
    config::parse(text, "test.toml").expect("a valid config")
}

/// What is asked, and the digits that a right answer begins with.
fn prompts() -> Vec<(String, &'static str)> {
    let names = [("even", "02468"), ("odd", "13579")];
    (0..20).flat_map(|index| names.map(|(kind, digits)| (format!("{index} {kind}"), digits))).collect()
}

/// Writes a base model that answers every prompt with any digit, a critic, and `prompts.jsonl`.
pub(crate) fn prepare(folder: &Path) -> PathBuf {
    let base = model_folder(folder);
    let tokenizer = Tokenizer::load(&base).expect("loads");
    let lines = prompts().iter().fold(String::new(), |mut lines, (question, digits)| {
        writeln!(lines, "{}", json!({"prompt": question, "reference": digits})).expect("a text");
        lines
    });
    fs::write(folder.join("prompts.jsonl"), lines).expect("writes");
    let decoder = Decoder::load(&base, &device::parse("cpu").expect("the CPU")).expect("loads");
    let end = tokenizer.special(IM_END).expect("a chat vocabulary");
    let critic = decoder.clone().with_value_head(end, &BTreeMap::new());
    critic.save(folder.join("critic")).expect("saves");
    tokenizer.save(folder.join("critic")).expect("saves");
    let template = Template::load(&base, None).expect("loads");
    let model = decoder.config().clone();
    let mut trainer = Trainer::new(model, decoder, TrainerConfig::new(60, 1e-2)).expect("trains");
    let rng = CounterRng::new(1, "digits");
    for step in 0..60 {
        let row = |index: usize| {
            let (question, _) = &prompts()[(step * 16 + index) % 40];
            let prompt = template.prompt(&tokenizer, &[Message::user(question.as_str())]).expect("encodes");
            let digit = rng.below((step * 16 + index) as u64, 10).to_string();
            let ids = [prompt.clone(), tokenizer.encode(&digit), vec![end]].concat();
            let mut row = Row::sample(&ids);
            row.labels[..prompt.len() - 1].fill(None);
            row
        };
        trainer.step(&(0..16).map(row).collect::<Vec<_>>()).expect("steps");
    }
    trainer.into_decoder().save(&base).expect("saves");
    base
}

fn decoder(base: &Path) -> Decoder {
    Decoder::load(base, &device::parse("cpu").expect("the CPU")).expect("loads")
}

fn request(prompt: &[u32], seed: u64, sampling: &SamplingConfig) -> RolloutRequest {
    RolloutRequest {
        prompt: prompt.iter().copied().map(TokenId).collect(),
        seed,
        sampling: sampling.clone(),
        max_tokens: 12,
        stop_ids: vec![TokenId(2)],
    }
}

fn answers(decoder: &Decoder, batch: usize, requests: &[RolloutRequest]) -> Vec<RolloutAnswer> {
    let mut rollout = LocalRollout::new(batch, 384);
    rollout.update(decoder).expect("takes the weights");
    rollout.answers(requests).expect("generates")
}

#[test]
fn answers_side_by_side_are_those_of_the_reference_generator() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let decoder = decoder(&model_folder(folder.path()));
    let sampled = SamplingConfig::greedy().with_temperature(1.0);
    let prompts: [&[u32]; 3] = [&[1, 40, 41, 42, 43], &[1, 99], &[1, 300, 7]];
    let requests: Vec<RolloutRequest> = (0..7)
        .map(|number| {
            let sampling = if number % 3 == 2 { SamplingConfig::greedy() } else { sampled.clone() };
            request(prompts[number % 3], 11 + number as u64, &sampling)
        })
        .collect();
    let together = answers(&decoder, 8, &requests);
    for (request, answer) in requests.iter().zip(&together) {
        let sampling = request.sampling.clone().with_seed(request.seed);
        let config = GenerateConfig::new(12).with_sampling(sampling).with_stop_ids(vec![TokenId(2)]);
        let expected: Vec<TokenId> =
            Generator::new(&decoder, &request.prompt, config).expect("generates").collect();
        let stopped = usize::from(answer.finish == Finish::Stop);
        assert_eq!(answer.ids[..answer.ids.len() - stopped], expected, "{request:?}");
    }
    // Batches of other sizes, and what the trainer finds.
    for (alone, answer) in answers(&decoder, 1, &requests).iter().zip(&together) {
        assert_eq!(alone.ids, answer.ids);
    }
    for (request, answer) in requests.iter().zip(&together) {
        let row = Row::sample(&[request.prompt.clone(), answer.ids.clone()].concat());
        let found = outputs(&decoder, &[row], Head::LogProbabilities, 512).expect("log-probabilities");
        let scores = answer.log_probs.as_ref().expect("the engine says them");
        for (score, expected) in scores.iter().zip(&found[0][request.prompt.len() - 1..]) {
            assert!((score - expected).abs() < 1e-4, "{score} {expected}");
        }
    }
}

#[test]
fn requests_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let decoder = decoder(&model_folder(folder.path()));
    let greedy = SamplingConfig::greedy();
    let refused = |request: RolloutRequest| {
        let mut rollout = LocalRollout::new(4, 384);
        rollout.update(&decoder).expect("takes the weights");
        rollout.answers(&[request]).expect_err("does not fit").to_string()
    };
    assert!(refused(request(&[], 1, &greedy)).contains("found no tokens"));
    assert!(refused(request(&[9; 505], 1, &greedy)).contains("517 tokens"));
    assert!(refused(request(&[1], 1, &greedy.clone().with_top_p(2.0))).contains("top-p"));
    assert!(refused(request(&[1, 384], 1, &greedy)).contains("384"));
    let text = LocalRollout::new(4, 384).answers(&[]).expect_err("no weights").to_string();
    assert!(text.contains("found no weights"), "{text}");
}

#[test]
fn a_server_answers_with_ids_and_the_id_that_ended_them() {
    let server = lmdeploy::testing::MockServer::start("hello");
    let tokenizer = lmdeploy::testing::tokenizer();
    let end = tokenizer.special(IM_END).expect("a chat vocabulary");
    let mut rollout = ServedRollout::connect(server.url(), None, 2).expect("an address");
    let asked = |seed| RolloutRequest {
        stop_ids: vec![end],
        ..request(&[1, 5], seed, &SamplingConfig::greedy().with_temperature(1.0))
    };
    let answers = rollout.answers(&[asked(1), asked(2), asked(3)]).expect("answers");
    assert_eq!(answers.len(), 3);
    for answer in answers {
        assert_eq!((answer.finish, answer.ids.last()), (Finish::Stop, Some(&end)));
        assert_eq!(tokenizer.decode(&answer.ids, Special::Skip), "hello");
    }
    let text = ServedRollout::connect("nowhere", None, 1).expect_err("not an address").to_string();
    assert!(text.contains("nowhere"), "{text}");
}

/// Everything that two runs must have in common.
fn results(folder: &Path) -> (Vec<Vec<u8>>, Vec<String>) {
    let run = folder.join("run");
    let files = ["hf/model.safetensors", "hf/config.json", "summary.json"];
    let contents = files[..2].iter().map(|file| fs::read(run.join(file)).expect(file)).collect();
    assert!(run.join(files[2]).is_file());
    (contents, learned(&run.join("metrics.jsonl")))
}

/// What `metrics.jsonl` says about learning: everything but times.
pub(crate) fn learned(metrics: &Path) -> Vec<String> {
    let timed = ["tokens_per_second", "seconds", "mfu"];
    let text = fs::read_to_string(metrics).expect("reads");
    let rows = text.lines().map(|line| {
        let row: BTreeMap<String, Value> = serde_json::from_str(line).expect("a JSON line");
        let kept = row.iter().filter(|(key, _)| !timed.iter().any(|timed| key.starts_with(timed)));
        kept.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    });
    rows.collect()
}

fn stopped() -> RunContext {
    let stop = Stop::new();
    stop.request();
    RunContext::default().with_stop(stop)
}

#[test]
fn stopped_and_continued_rounds_equal_uninterrupted_ones() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let runs = [("lora", GRPO.to_owned()), ("full", ppo(folder, 3))];
    for (method, objective) in runs {
        let config = load(&config_text(folder, method, &objective, ("prompts.jsonl", 7)));
        let whole = finetune(&config, Resume::Auto, &RunContext::default()).expect("trains");
        assert_eq!(whole.run.end, End::Finished);
        let expected = results(folder);
        assert!(folder.join("run/rounds/000000.json").is_file());
        // A finished run is found finished.
        finetune(&config, Resume::Auto, &RunContext::default()).expect("finds it");
        assert_eq!(results(folder), expected);

        fs::remove_dir_all(folder.join("run")).expect("removes");
        for rounds in 1..3 {
            let report = finetune(&config, Resume::Auto, &stopped()).expect("stops");
            assert_eq!((report.run.end, report.summary), (End::Stopped, None));
            assert!(folder.join(format!("run/checkpoints/round-{rounds}/counters.json")).is_file());
        }
        let report = finetune(&config, Resume::Auto, &RunContext::default()).expect("resumes");
        assert_eq!(report.run.resumed_from, Some(2));
        assert_eq!(results(folder), expected, "{method}");
        fs::remove_dir_all(folder.join("run")).expect("removes");
    }
}

#[test]
fn stored_answers_are_learned_from_and_others_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let text = config_text(folder, "lora", GRPO, ("prompts.jsonl", 4));
    finetune(&load(&text), Resume::Auto, &stopped()).expect("stops");
    // The next round was asked before the run was killed: its answers are read and not generated again.
    let next = folder.join("run/rounds/000001.json");
    let first = fs::read_to_string(folder.join("run/rounds/000000.json")).expect("reads");
    fs::write(&next, first.replacen("\"number\":0", "\"number\":1", 1)).expect("writes");
    let before = fs::read(&next).expect("reads");
    finetune(&load(&text), Resume::Auto, &RunContext::default()).expect("finishes");
    assert_eq!(fs::read(&next).expect("reads"), before);

    for (change, part) in
        [("kl-weight = 0.01", "prompts, rewards or objective ("), ("lr = 3e-3", "model, optim or schedule")]
    {
        fs::remove_file(folder.join("run/summary.json")).ok();
        let other = text.replace(change, &change.replace("= ", "= 1"));
        let error =
            finetune(&load(&other), Resume::Auto, &RunContext::default()).expect_err(change).to_string();
        assert!(error.contains(part) && error.contains("--resume none"), "{change}: {error}");
    }
    finetune(&load(&text.replace("seed = 5", "seed = 6")), Resume::None, &stopped()).expect("starts over");
    assert!(folder.join("run/rounds.old/000000.json").is_file());
}

#[test]
fn prompts_and_settings_that_do_not_fit_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    fs::write(folder.join("bare.jsonl"), "{\"prompt\": \"a\"}\n").expect("writes");
    let refused = |text: &str| {
        finetune(&load(text), Resume::Auto, &RunContext::default()).expect_err("does not fit").to_string()
    };
    let text = config_text(folder, "full", GRPO, ("bare.jsonl", 2));
    assert!(refused(&text).contains("bare.jsonl: line 1: found no reference"), "{}", refused(&text));
    let text = config_text(folder, "full", GRPO, ("prompts.jsonl", 2));
    let many = text.replace("valid-prompts = 4", "valid-prompts = 40");
    assert!(refused(&many).contains("objective.rounds.valid-prompts: found 40"), "{}", refused(&many));
    let long = text.replace("max-tokens = 3", "max-tokens = 600");
    assert!(refused(&long).contains("objective.answer.max-tokens: found 601"), "{}", refused(&long));
    let short = text.replace("max-length = 256", "max-length = 2");
    assert!(refused(&short).contains("no prompt of at most 2 tokens"), "{}", refused(&short));
    let noisy = text.replace("rows-per-step = 2", "neftune-alpha = 5.0");
    assert!(refused(&noisy).contains("dataset.neftune-alpha"), "{}", refused(&noisy));
    let text = config_text(folder, "full", &ppo(folder, 0), ("prompts.jsonl", 2));
    let other = text.replace("/critic'", "/base'");
    assert!(refused(&other).contains("expected a reward model"), "{}", refused(&other));
}

/// The number `name` of the summary of a finished run.
fn number(report: &FinetuneReport, name: &str) -> f64 {
    let summary = report.summary.as_ref().expect("finished");
    let found = summary.rows().iter().find(|(other, _)| other == name);
    found.unwrap_or_else(|| panic!("{name} in {summary:?}")).1
}

/// The number `key` of the last row of `metrics.jsonl` that has it.
fn last(folder: &Path, key: &str) -> f64 {
    let text = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("reads");
    let rows = text.lines().rev().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    rows.into_iter().find_map(|row| row[key].as_f64()).unwrap_or_else(|| panic!("{key} in {text}"))
}

#[test]
fn grpo_solves_a_task_that_can_be_verified() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let objective = "kind = 'grpo'\nanswers = 8\nanswer = { max-tokens = 2 }\n\
                     rounds = { prompts = 8, valid-prompts = 16, valid-every = 50 }\n\
                     rewards = [{ kind = 'regex', pattern = '^[{reference}]' }]\n";
    let text = config_text(folder, "full", objective, ("prompts.jsonl", 200));
    let report = finetune(&load(&text), Resume::Auto, &RunContext::default()).expect("trains");
    let metrics = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("reads");
    let first: Value = serde_json::from_str(metrics.lines().nth(1).expect("a step")).expect("JSON");
    assert!(first["reward"].as_f64().expect("a reward") < 0.8, "{first}");
    assert!(number(&report, "reward") >= 0.9 && number(&report, "best_valid_reward") >= 0.9, "{report:?}");
}

#[test]
fn ppo_raises_the_reward_near_the_reference() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    let objective =
        ppo(folder, 20).replace("prompts = 8", "prompts = 32").replace("valid-every = 2", "valid-every = 99");
    let text = config_text(folder, "full", &objective, ("prompts.jsonl", 300));
    let report = finetune(&load(&text), Resume::Auto, &RunContext::default()).expect("trains");
    let metrics = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("reads");
    let first: Value = serde_json::from_str(metrics.lines().nth(1).expect("a step")).expect("JSON");
    let rise = number(&report, "reward") - first["reward"].as_f64().expect("a reward");
    assert!(rise >= 1.0, "{rise} in {report:?}");
    assert!(last(folder, "kl") <= 10.0, "{}", last(folder, "kl"));
    // The actor waited for the critic.
    let text = metrics.lines().take(21).collect::<String>();
    assert!(!text.contains("actor_step") && metrics.contains("actor_step"), "{text}");
}

#[test]
fn answers_are_sampled_paired_and_their_labels_merged() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    fs::write(folder.join("grpo.toml"), config_text(folder, "full", GRPO, ("prompts.jsonl", 4)))
        .expect("writes");
    let program = xtuner(folder);
    let run = |arguments: &[&str]| {
        let ran = program.run([&["rollout", "grpo.toml"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let text = run(&["--out", "early.jsonl", "--limit", "6", "--answers", "3"]);
    assert!(text.contains("answers  18") && text.contains("reward  "), "{text}");
    let early = fs::read_to_string(folder.join("early.jsonl")).expect("reads");
    assert_eq!(early.lines().count(), 18);
    let paired = ["--out", "late.jsonl", "--limit", "6", "--seed", "9", "--against", "early.jsonl"];
    run(&[&paired[..], &["--pairs", "pairs.jsonl", "--count", "4"]].concat());
    let pairs = fs::read_to_string(folder.join("pairs.jsonl")).expect("reads");
    assert!((1..=4).contains(&pairs.lines().count()), "{pairs}");
    fs::write(folder.join("pairs.jsonl"), pairs.replace("\"label\":null", "\"label\":\"second\""))
        .expect("writes");
    let merge = ["--labels", "pairs.jsonl", "--into", "preferences.jsonl"];
    assert!(run(&merge).contains(&format!("new_lines  {}", pairs.lines().count())));
    assert!(run(&merge).contains("new_lines  0"));
    let ran = program.run(["rollout", "grpo.toml", "--answers", "0"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

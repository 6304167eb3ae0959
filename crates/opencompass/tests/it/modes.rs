//! Inference modes through the library: what is asked, and what the answers become.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use internlm_kit::context::RunContext;
use internlm_model::tokenizer::{BpeTrainConfig, Tokenizer, train_bpe};
use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::{InferContext, Prediction};
use opencompass::model::{Answer, ChatMessage, MockModel, Protocol, Request, ScoredText};
use opencompass::prompt::{MetaPart, MetaRole, MetaTemplate};
use opencompass::{CellState, Evaluation, Store};
use serde_json::{Value, json};

/// A set of the rows, with `keys` for everything but source and score.
fn dataset(folder: &Path, rows: &[Value], keys: &str) -> Dataset {
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(folder.join("rows.jsonl"), lines).expect("writes");
    let score = if keys.contains("rolling") { "bits_per_byte" } else { "acc" };
    let text = format!(
        "name = \"set\"\nsource = {{ files = [\"rows.jsonl\"], train_files = [\"rows.jsonl\"] }}\n\
         score = {{ evaluator = \"{score}\" }}\n{keys}\n"
    );
    Dataset::load(DatasetConfig::parse(&text, "set.toml").expect("a dataset file"), &[folder]).expect("loads")
}

fn tokenizer() -> Tokenizer {
    let corpus = ["the quick brown fox jumps over the lazy dog".to_owned()];
    train_bpe(corpus.into_iter(), &BpeTrainConfig::new(300).with_min_frequency(1)).expect("trains")
}

fn ids(text: &str) -> Vec<u32> {
    tokenizer().encode_prompt(text).into_iter().map(|id| id.0).collect()
}

/// The requests that a model received.
type Asked = Arc<Mutex<Vec<Request>>>;

/// A model that notes its requests and answers by a rule.
fn noting(rule: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (MockModel, Asked) {
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let model = MockModel::new("noting", move |request| {
        notes.lock().expect("no panic").push(request.clone());
        Ok(rule(request))
    });
    (model, asked)
}

/// Runs one set on one model and returns the predictions.
async fn run(set: Dataset, model: MockModel) -> Vec<Prediction> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let evaluation = Evaluation::new(vec![set], vec![Box::new(model)]);
    let plan = evaluation.plan(InferContext::default());
    assert_eq!(plan.refusals(), Vec::<String>::new());
    let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    let failures = evaluation.ask(&plan, &mut store, 3, &RunContext::default()).await.expect("asks");
    let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
    match results.into_iter().next().expect("one cell").state {
        CellState::Scored { predictions, .. } => predictions,
        CellState::Refused(reason) => panic!("{reason}"),
    }
}

/// The log-probability of ids from a place on: one that depends on the ids alone.
fn log_prob(ids: &[u32], from: usize) -> f64 {
    ids[from.max(1).min(ids.len())..].iter().map(|id| -f64::from(id % 7 + 1) / 8.0).sum()
}

fn scored(request: &Request) -> Answer {
    let Request::Score { text: ScoredText::Ids(ids), from } = request else {
        panic!("ids, found {request:?}")
    };
    Answer::Scored { tokens: ids.len(), log_prob: log_prob(ids, *from), unscored_bytes: 0 }
}

#[tokio::test]
async fn options_share_their_beginning_and_keep_their_perplexities() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let question = "the quick brown fox jumps over the lazy dog. ".repeat(12);
    let row = json!({ "q": question, "A": "fox", "B": "dog", "C": "the lazy", "D": "quick", "key": "B" });
    let keys = "reader = { input = [\"q\", \"A\", \"B\", \"C\", \"D\"], output = \"key\" }\n\
                prompt = { labels = { A = \"{q} {A}\", B = \"{q} {B}\", C = \"{q} {C}\", D = \"{q} {D}\" } }\n\
                infer = { mode = \"ppl\" }";
    let set = dataset(folder.path(), std::slice::from_ref(&row), keys);
    let (model, asked) = noting(scored);
    let model = model.with_profile(|profile| profile.tokenizer = Some(tokenizer()));
    let found = run(set, model).await;
    let (mut fed, mut separate) = (0, 0);
    for request in asked.lock().expect("no panic").iter() {
        let Request::Score { text: ScoredText::Ids(ids), from } = request else { panic!("ids") };
        fed += ids.len() - from;
    }
    for label in ["A", "B", "C", "D"] {
        let prompt = format!("{question} {}", row[label].as_str().expect("a text"));
        let whole = ids(&prompt);
        separate += whole.len();
        let entry = &found[0].record[format!("label: {label}")];
        let expected = -log_prob(&whole, 0) / whole.len() as f64;
        let ppl = entry["PPL"].as_f64().expect("a number");
        assert!((ppl - expected).abs() < 1e-12, "{label}: {ppl} {expected}");
        assert_eq!(entry["prompt"], prompt);
    }
    assert_eq!(asked.lock().expect("no panic").len(), 5);
    assert!(fed * 10 <= separate * 3, "{fed} of {separate} tokens");
}

#[tokio::test]
async fn a_normalizing_text_takes_the_place_of_the_context() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"key\" }\n\
                prompt = { sep_token = \"<sep>\", labels = { A = \"{q}<sep> fox\", B = \"{q}<sep> dog\" } }\n\
                infer = { mode = \"ppl\", normalizing_str = \"the\" }";
    let set = dataset(folder.path(), &[json!({ "q": "quick brown", "key": "A" })], keys);
    let (model, asked) = noting(scored);
    let found = run(set, model.with_profile(|profile| profile.tokenizer = Some(tokenizer()))).await;
    assert_eq!(asked.lock().expect("no panic").len(), 4);
    // Upstream's `mask_length` m: the shifted losses from position m - 1 on, by the n - m tokens behind the mask.
    let ppl = |context: &str, answer: &str| {
        let (all, mask) = (ids(&format!("{context}{answer}")), ids(context).len());
        let shifted: Vec<f64> = all[1..].iter().map(|id| f64::from(id % 7 + 1) / 8.0).collect();
        shifted[mask - 1..].iter().sum::<f64>() / (all.len() - mask) as f64
    };
    for (label, answer) in [("label: A", " fox"), ("label: B", " dog")] {
        let expected = ppl("quick brown", answer) - ppl("the", answer);
        let found = found[0].record[label]["PPL"].as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-12, "{label}: {found} {expected}");
    }
}

#[tokio::test]
async fn likelihoods_are_those_of_the_continuation() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"a\", \"b\"], output = \"key\" }\n\
                prompt = { labels = { A = \"{a}\", B = \"{b}\" } }\ninfer = { mode = \"loglikelihood\" }";
    let row = json!({ "a": "the fox over the dog", "b": "the dog over the dog", "cont": " over the dog", "key": "A" });
    let (model, asked) = noting(scored);
    let model = model.with_profile(|profile| profile.tokenizer = Some(tokenizer()));
    let found = run(dataset(folder.path(), &[row], keys), model).await;
    for request in asked.lock().expect("no panic").iter() {
        let Request::Score { text: ScoredText::Ids(all), from } = request else { panic!("ids") };
        let context = if *all == ids("the fox over the dog") { "the fox" } else { "the dog" };
        assert_eq!(*from, ids(context).len());
    }
    assert!(found[0].record["label: A"]["Loglikelihood"].as_f64().is_some_and(|value| value < 0.0));
    assert!(found[0].text.is_some());
}

#[tokio::test]
async fn choices_become_probabilities() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"key\" }\nprompt = { text = \"{q}?\" }\ninfer = { mode = \"clp\" }";
    let rows = [
        json!({ "q": "one", "key": 1, "choices": ["no", "yes"] }),
        json!({ "q": "two", "key": 0, "choices": [] }),
    ];
    let (model, asked) = noting(|_| Answer::Choices { log_probs: vec![-2.0, -2.0 + 3.0_f64.ln()] });
    let found = run(dataset(folder.path(), &rows, keys), model).await;
    // The choices of the first row are those of all.
    let wanted = |prompt: &str| Request::Choices {
        prompt: ScoredText::Text(prompt.to_owned()),
        choices: vec!["no".to_owned(), "yes".to_owned()],
    };
    let asked = asked.lock().expect("no panic").clone();
    assert!(
        asked.len() == 2 && asked.contains(&wanted("one?")) && asked.contains(&wanted("two?")),
        "{asked:?}"
    );
    let value = found[0].value.as_ref().expect("probabilities");
    assert!((value[1].as_f64().expect("a number") - 0.75).abs() < 1e-12, "{value}");
    assert_eq!(found[1].record["pred_label"], 1);
}

#[tokio::test]
async fn several_samples_have_their_own_seeds() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"key\" }\nprompt = { text = \"{q}\" }\n\
                infer = { mode = \"sc\", sc_size = 3 }";
    let set = dataset(folder.path(), &[json!({ "q": "one", "key": "2" })], keys);
    let (model, asked) = noting(|request| match request {
        Request::Chat { sampling, .. } => Answer::text(if sampling.seed == 1 { "1" } else { "2" }),
        other => panic!("messages, found {other:?}"),
    });
    let found = run(set, model).await;
    assert_eq!(asked.lock().expect("no panic").len(), 3);
    assert_eq!(found[0].value, Some(json!(["2", "1", "2"])));
}

#[tokio::test]
async fn the_temperature_is_the_sets_own_or_the_models() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (own, of_model, expected) in
        [("", None, 0.0), ("", Some(0.5), 0.5), (", temperature = 0.25", Some(0.5), 0.25)]
    {
        let keys = format!(
            "reader = {{ input = [\"q\"], output = \"key\" }}\nprompt = {{ text = \"{{q}}\" }}\n\
             infer = {{ mode = \"gen\", n = 2{own} }}"
        );
        let set = dataset(folder.path(), &[json!({ "q": "one", "key": "2" })], &keys);
        let (model, asked) = noting(|_| Answer::text("2"));
        run(set, model.with_profile(|profile| profile.temperature = of_model)).await;
        let settings = |request: &Request| match request {
            Request::Chat { sampling, .. } => (sampling.seed, sampling.temperature),
            other => panic!("messages, found {other:?}"),
        };
        let mut settings: Vec<(u64, f32)> = asked.lock().expect("no panic").iter().map(settings).collect();
        settings.sort_by_key(|(seed, _)| *seed);
        assert_eq!(settings, [(0, expected), (1, expected)], "{own} {of_model:?}");
    }
}

/// The texts of a request's messages.
fn said(request: &Request) -> Vec<String> {
    match request {
        Request::Chat { messages, .. } | Request::Agent { messages, .. } => {
            messages.iter().map(ChatMessage::text).collect()
        }
        other => panic!("messages, found {other:?}"),
    }
}

#[tokio::test]
async fn turns_follow_own_or_expected_answers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let row = json!({ "q": ["one", "two"], "a": ["1", "2"] });
    for (turns, second, gold) in
        [("every", "one!", json!(["1", "2"])), ("every_with_gt", "1", json!(["1", "2"]))]
    {
        let keys = format!(
            "reader = {{ input = [\"q\"], output = \"a\" }}\ninfer = {{ mode = \"chat\", turns = \"{turns}\" }}\n\
             prompt = {{ rounds = [{{ role = \"HUMAN\", prompt = \"{{q}}\" }}, {{ role = \"BOT\", prompt = \"{{a}}\" }}] }}"
        );
        let (model, asked) = noting(|request| Answer::text(said(request).pop().unwrap_or_default() + "!"));
        let found = run(dataset(folder.path(), std::slice::from_ref(&row), &keys), model).await;
        let mut requests: Vec<Vec<String>> = asked.lock().expect("no panic").iter().map(said).collect();
        requests.sort_by_key(Vec::len);
        assert_eq!(
            requests,
            [vec!["one".to_owned()], vec!["one".to_owned(), second.to_owned(), "two".to_owned()]]
        );
        assert_eq!(found[0].value, Some(json!(["one!", "two!"])), "{turns}");
        assert_eq!(found[0].gold, gold);
        assert_eq!(found[0].record["origin_prompt"], json!(["one", "two"]));
    }
}

#[tokio::test]
async fn raw_messages_are_sent_as_they_are() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"a\" }\ninfer = { mode = \"gen\" }\n\
                prompt = { messages = [{ role = \"system\", content = \"Be brief.\" }, { role = \"user\", content = \"{q}\" }, \
                { role = \"assistant\", content = \"\" }] }";
    let rows = [json!({ "q": "why?", "a": "so" })];
    let (model, asked) = noting(|_| Answer::text("so"));
    run(dataset(folder.path(), &rows, keys), model).await;
    assert_eq!(said(&asked.lock().expect("no panic")[0]), ["Be brief.", "why?"]);
    // A model that takes text gets the same turns in its own frame.
    let role = |name: &str, begin: &str| {
        let (role, begin) = (name.to_owned(), begin.to_owned());
        MetaRole { role, begin, end: "\n".to_owned(), generate: name == "BOT", ..MetaRole::default() }
    };
    let meta = MetaTemplate {
        round: vec![MetaPart::Role(role("HUMAN", "H:")), MetaPart::Role(role("BOT", "B:"))],
        reserved_roles: vec![role("SYSTEM", "S:")],
        ..MetaTemplate::default()
    };
    let (model, asked) = noting(|_| Answer::text("so"));
    let model = model.with_profile(|profile| {
        profile.protocol = Protocol::Completions;
        profile.meta_template = Some(meta);
    });
    run(dataset(folder.path(), &rows, keys), model).await;
    let asked = asked.lock().expect("no panic");
    let Request::Complete { prompt, .. } = &asked[0] else { panic!("a text") };
    assert_eq!(prompt, "S:Be brief.\nH:why?\nB:");
}

#[tokio::test]
async fn thoughts_are_searched_until_four_steps_are_done() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"input\"], output = \"output\" }\nprompt = { text = \"{input}\" }\n\
                infer = { mode = \"tot\" }";
    let set = dataset(folder.path(), &[json!({ "input": "4 4 6 8", "output": "4 4 6 8" })], keys);
    let (model, asked) = noting(|request| {
        let prompt = said(request).pop().unwrap_or_default();
        let is_value = prompt.starts_with("Evaluate") || prompt.ends_with("Judge:");
        Answer::text(if is_value { "sure" } else { "4 + 8 = 12 (left: 4 6 12)\nAnswer: 24" })
    });
    let found = run(set, model).await;
    let thoughts = found[0].value.as_ref().and_then(Value::as_array).expect("thoughts");
    assert_eq!(thoughts.len(), 5);
    assert!(thoughts.iter().all(|thought| thought.as_str().expect("a text").lines().count() == 4));
    assert!(asked.lock().expect("no panic").len() > 8);
}

#[tokio::test]
async fn windows_slide_over_all_rows_at_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"] }\nprompt = { text = \"{q}\" }\n\
                infer = { mode = \"rolling\", window = { block_size = 9, stride = 4 } }";
    let rows = [json!({ "q": "the quick brown fox" }), json!({ "q": "jumps over the lazy dog" })];
    let (model, asked) = noting(scored);
    let model = model.with_profile(|profile| profile.tokenizer = Some(tokenizer()));
    let found = run(dataset(folder.path(), &rows, keys), model).await;
    let all: Vec<u32> =
        ["the quick brown fox", "jumps over the lazy dog"].into_iter().flat_map(ids).collect();
    let windows = (all.len() - 10) / 4 + 1;
    assert_eq!(asked.lock().expect("no panic").len(), windows);
    let measured = found[0].measured.expect("the first row measures all");
    let end = 10 + (windows - 1) * 4;
    let expected = -log_prob(&all[..end], 0) / std::f64::consts::LN_2;
    assert!((measured.bits - expected).abs() < 1e-9, "{} {expected}", measured.bits);
    assert_eq!((measured.tokens, measured.characters), (end - 1, 42));
    assert_eq!(found[1].measured, None);
}

#[tokio::test]
async fn attacked_prompts_are_answers_of_the_same_row() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"a\" }\nprompt = { text = \"{adv}\\n{q}\" }\n\
                [infer]\nmode = \"attack\"\n[infer.attack]\nadv_key = \"adv\"\n\
                original_prompt_list = [\"Please answer the question.\"]\nattacks = [\"stress_test\", \"check_list\"]";
    let set = dataset(folder.path(), &[json!({ "q": "one?", "a": "1" })], keys);
    let (model, asked) = noting(|_| Answer::text("1"));
    let found = run(set, model).await;
    let mut prompts: Vec<String> =
        asked.lock().expect("no panic").iter().map(|request| said(request).concat()).collect();
    prompts.sort_by_key(String::len);
    assert_eq!(prompts.len(), 3);
    assert_eq!(prompts[0], "Please answer the question.\none?");
    assert!(
        prompts
            .iter()
            .all(|prompt| prompt.starts_with("Please answer the question.") && prompt.ends_with("\none?"))
    );
    let attacks: Vec<&Value> = found.iter().map(|prediction| &prediction.record["attack"]["name"]).collect();
    assert_eq!(attacks, [&Value::Null, &json!("stress_test"), &json!("check_list")]);
}

#[tokio::test]
async fn the_least_likely_tokens_are_a_measure_of_their_own() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "reader = { input = [\"q\"], output = \"a\" }\nprompt = { text = \"{q}{a}\" }\n\
                infer = { mode = \"ppl_only\", measure = \"min_k\", min_k = 40 }";
    let set = dataset(folder.path(), &[json!({ "q": "abcd", "a": "" })], keys);
    let (model, asked) = noting(|_| Answer::Tokens {
        log_probs: vec![None, Some(-1.0), Some(-4.0), Some(-2.0), Some(-8.0)],
        texts: ["<s>", "a", "b", "c", "d"].map(str::to_owned).to_vec(),
    });
    let found = run(set, model).await;
    assert_eq!(
        *asked.lock().expect("no panic"),
        [Request::Tokens { text: ScoredText::Text("abcd".to_owned()) }]
    );
    assert_eq!(found[0].value, Some(json!(-6.0)));
}

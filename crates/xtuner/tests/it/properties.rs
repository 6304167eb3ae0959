//! Properties that hold for every input: packing, labels, the generator, and adapters.

use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor};
use internlm_kit::config::Validate;
use internlm_model::attend::Causal;
use internlm_model::chat::Message;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::Training;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use proptest::prelude::*;
use xtuner::dataset::{Conversation, Sample, pack_soft, parse_openai, read_openai};
use xtuner::generator::{Question, conversations, questions};
use xtuner::lora::{Adapter, AdapterConfig, LoraTuningConfig, inject};

use crate::fixture::generate_config;

/// A line with everything that a reader of conversations knows.
const LINE: &str = r#"{"tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}], "messages": [
{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
{"role": "assistant", "content": null, "weight": 1, "tool_calls": [{"id": "a", "type": "function",
"function": {"name": "add", "arguments": "{\"a\":1}"}}]}, {"role": "tool", "tool_call_id": "a", "content": "2"},
{"role": "assistant", "content": "2.", "reasoning_content": "so", "loss": 0}]}"#;
/// A config with every key whose value is looked at.
const ADAPTER: &str = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16.0, "use_rslora": true, "bias": "none",
"alpha_pattern": {"layers\\.0.*wo": 4}, "rank_pattern": {"^wo": 2}, "target_modules": ["wqkv", "w1"],
"modules_to_save": ["output"], "init_lora_weights": "gaussian", "layer_replication": null, "lora_dropout": 0.1}"#;

/// `text` with characters replaced, left out, or put in.
fn mutated(text: &str, changes: &[(usize, usize, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, length, new) in changes {
        let start = place % (text.len() + 1);
        let end = (start + length).min(text.len());
        text.splice(start..end, new.chars());
    }
    text.into_iter().collect()
}

fn changes() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let pieces = prop::sample::select(vec![
        "", "null", "{", "}", "[", "]", "\"", "\\", "-1", "1e999", "true", "\0", "ÿ",
    ]);
    let new = prop_oneof![pieces.prop_map(str::to_owned), "\\PC{0,3}"];
    prop::collection::vec((any::<usize>(), 0..12_usize, new), 1..5)
}

proptest! {
    /// Thousands of them: `PROPTEST_CASES=20000`.
    #[test]
    fn mutated_files_are_read_or_refused(changes in changes()) {
        if let Err(problem) = parse_openai(&mutated(&LINE.replace('\n', " "), &changes)) {
            let text = format!("{problem:?}");
            prop_assert!(!text.is_empty());
        }
        if let Ok(config) = serde_json::from_str::<AdapterConfig>(&mutated(ADAPTER, &changes)) {
            prop_assert!(config.problems().iter().all(|problem| problem.contains(": found ")), "{:?}", config.problems());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn packing_holds_every_sample_once_and_fills_no_row_too_far(
        lengths in prop::collection::vec(1..300_usize, 0..700),
        row_tokens in 1..400_usize,
        seed in any::<u64>(),
    ) {
        let rows = pack_soft(&lengths, row_tokens, seed);
        let mut seen = rows.concat();
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..lengths.len()));
        for row in &rows {
            let tokens: usize = row.iter().map(|sample| lengths[*sample]).sum();
            prop_assert!(tokens <= row_tokens || row.len() == 1, "{tokens} tokens in a row of {row_tokens}");
        }
        prop_assert_eq!(rows, pack_soft(&lengths, row_tokens, seed));
    }

    #[test]
    fn a_label_is_the_next_id_where_that_carries_loss(
        ids in prop::collection::vec((0..50_u32, any::<bool>()), 1..60),
    ) {
        let (ids, keep): (Vec<TokenId>, Vec<bool>) = ids.into_iter().map(|(id, keep)| (TokenId(id), keep)).unzip();
        let weights = keep.iter().map(|keep| f32::from(u8::from(*keep))).collect();
        let sample = Sample { ids: ids.clone(), weights };
        let row = sample.row();
        row.check(50, "sample").expect("a valid row");
        for place in 0..ids.len() {
            let expected = ids.get(place + 1).copied().filter(|_| keep.get(place + 1) == Some(&true));
            prop_assert_eq!(row.labels[place], expected);
        }
        prop_assert_eq!(row.targets(), sample.labels());
    }

    #[test]
    fn learned_messages_are_those_of_the_assistant(roles in prop::collection::vec(0..3_u8, 0..12)) {
        let message = |role: &u8| match role {
            0 => Message::user("u"),
            1 => Message::assistant("a"),
            _ => Message::system("s"),
        };
        let conversation = Conversation::new(roles.iter().map(message).collect());
        prop_assert_eq!(conversation.learned(), roles.iter().filter(|role| **role == 1).count());
        prop_assert_eq!(conversation.messages().len(), roles.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_seed_gives_valid_conversations_and_new_questions(
        seed in any::<u64>(),
        calculator in 0..30_usize,
        rounds in 1..4_u64,
        others in 1..6_usize,
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut config = generate_config(folder.path());
        (config.seed, config.calculator, config.rounds) = (seed, calculator, rounds);
        (config.expressions, config.sentences, config.digits) = (others, others, others);
        prop_assert!(config.problems().is_empty());
        let lines = conversations(&config);
        prop_assert_eq!(lines.len(), config.total());
        let text: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
        std::fs::write(&config.conversations, &text).expect("writes");
        let read = read_openai(&config.conversations).expect("every line is a conversation");
        prop_assert!(read.iter().all(|conversation| conversation.learned() > 0));
        let asked: Vec<Question> = questions(&config);
        let distinct: BTreeSet<&str> = asked.iter().flat_map(|question| &question.expression).map(String::as_str).collect();
        prop_assert_eq!((asked.len(), distinct.len()), (config.held_out, config.held_out));
        for expression in &distinct {
            let call = format!(r#"\"expression\":\"{expression}\""#);
            prop_assert!(!text.contains(&call), "{expression} was trained on");
        }
    }

    #[test]
    fn an_adapter_of_any_rank_merges_and_comes_back_from_its_files(
        rank in 1..9_usize,
        alpha in 0.5..64.0_f64,
        layers in prop::sample::subsequence(vec!["wqkv", "wo", "w1", "w2", "w3"], 1..5),
        whole in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let size = ModelSize { hidden: 16, layers: 1, heads: 2, inter: 24, vocab: 40 };
        let model = ModelConfig::new(size).with_kv_heads(1);
        let device = Device::flex().autodiff();
        let base = Decoder::init(&model, 1, &device);
        let mut lora = LoraTuningConfig::new(rank, alpha).with_target_modules(layers.clone());
        if whole {
            lora = lora.with_modules_to_save(["output"]);
        }
        prop_assert!(lora.problems().is_empty());
        let mut tuned = inject(base.clone(), &lora, seed).expect("injects");
        let mut moved = 0;
        for (_, mut parameter) in tuned.parameters_mut() {
            if parameter.get().training() == Training::Trained {
                let values = parameter.get().to_vec();
                let values = values.iter().enumerate().map(|(i, x)| x + 0.03 * ((i % 17) as f32 - 8.0) / 8.0).collect();
                parameter.set(values);
                moved += 1;
            }
        }
        prop_assert_eq!(moved, 2 * layers.len() + usize::from(whole));
        let logits = |decoder: &Decoder| -> Vec<f32> {
            let ids: Vec<TokenId> = (0..10).map(|i| TokenId((i * 7 + 3) % 40)).collect();
            let input = decoder.ids(&ids, &device).expect("ids below the vocabulary");
            let logits: Tensor<2> = decoder.logits(decoder.forward(input, &mut Causal::sequence(ids.len())));
            logits.into_data().convert::<f32>().try_to_vec().expect("f32")
        };
        let (with_adapter, merged, plain) = (logits(&tuned), logits(&tuned.clone().merged()), logits(&base));
        let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        prop_assert!(distance(&with_adapter, &plain) > 1e-5);
        prop_assert!(distance(&with_adapter, &merged) <= 1e-4 * (1.0 + with_adapter.iter().fold(0.0, |a, b| b.abs().max(a))));

        let folder = tempfile::tempdir().expect("temporary folder");
        let adapter = Adapter::of(&tuned, AdapterConfig::new(&lora, "base"));
        adapter.write(folder.path()).expect("writes");
        let read = Adapter::read(folder.path()).expect("reads");
        prop_assert_eq!(&read, &adapter);
        prop_assert_eq!(logits(&read.apply(base, folder.path()).expect("applies")), with_adapter);
    }
}

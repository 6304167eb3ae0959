//! Several choices of one prompt: whole and in streams, their seeds, their usage, and their common end.

use std::time::Duration;

use futures_util::StreamExt;
use internlm_model::TokenId;
use internlm_model::chat::ChatTemplate;
use lmdeploy::engine::{Batch, Capacity, ExecuteError, Executor, Logits, Output, SchedulerConfig};
use lmdeploy::protocol::{
    ChatChunk, ChatMessage, ChatRequest, CompletionRequest, FinishReason, MessageRole, Prompt, StreamOptions,
};
use lmdeploy::respond::{ServedModel, whole_chat};
use lmdeploy::testing::{MockFault, MockModel, tokenizer};
use lmdeploy::{Error, Pipeline};
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, ask, capacity, echo, mock, run};

#[test]
fn every_choice_is_an_answer_and_the_prompt_counts_once() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        let one = served.client.chat(&ask("hi")).await.expect("an answer");
        let answer = served.client.chat(&ask("hi").with_n(3)).await.expect("an answer");
        assert_eq!(answer.choices.len(), 3);
        for (place, choice) in answer.choices.iter().enumerate() {
            assert_eq!((choice.index, choice.message.text().as_str()), (place, "the quick fox"));
            assert_eq!(choice.finish_reason, Some(FinishReason::Stop));
        }
        assert_eq!(answer.usage.prompt_tokens, one.usage.prompt_tokens);
        assert_eq!(answer.usage.completion_tokens, 3 * one.usage.completion_tokens);
        assert_eq!(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
        served.until_free().await;
    });
}

#[test]
fn the_choices_of_a_stream_are_told_apart_by_their_index() {
    run(async {
        let served = Served::start(mock("one two three").with_delay(Duration::from_millis(1)));
        let mut request = ask("hi").with_n(3).with_logprobs(0);
        request.stream = Some(true);
        let stream = served.client.chat_stream(&request).await.expect("a stream");
        let chunks: Vec<ChatChunk> = stream.map(|chunk| chunk.expect("a chunk")).collect().await;
        let (usage, chunks) = chunks.split_last().expect("chunks");
        assert!(usage.choices.is_empty());
        let whole = served.client.chat(&request).await.expect("an answer");
        let counted = usage.usage.expect("asked for");
        assert_eq!(counted.completion_tokens, whole.usage.completion_tokens);
        assert_eq!(counted.prompt_tokens, whole.usage.prompt_tokens);
        let id = &chunks[0].id;
        assert!(chunks.iter().all(|chunk| chunk.id == *id && chunk.usage.is_none()));
        for index in 0..3 {
            let choices: Vec<_> = chunks
                .iter()
                .flat_map(|chunk| &chunk.choices)
                .filter(|choice| choice.index == index)
                .collect();
            let (last, texts) = choices.split_last().expect("chunks of the choice");
            assert_eq!(last.finish_reason, Some(FinishReason::Stop));
            assert_eq!((last.delta.content.as_deref(), &last.logprobs), (Some(""), &None));
            assert!(texts.iter().all(|choice| choice.finish_reason.is_none()));
            let mut roles = choices.iter().map(|choice| choice.delta.role);
            assert!(roles.all(|role| role == Some(MessageRole::Assistant)), "every chunk says whose it is");
            let text: String = texts.iter().filter_map(|choice| choice.delta.content.as_deref()).collect();
            assert_eq!(text, "one two three");
        }
    });
}

#[test]
fn the_usage_chunk_comes_once_and_only_when_asked_for() {
    run(async {
        let served = Served::start(mock("one two"));
        for (include_usage, expected) in [(true, 1), (false, 0)] {
            let mut request = ask("hi").with_n(2);
            request.stream = Some(true);
            request.stream_options = Some(StreamOptions { include_usage, ..StreamOptions::default() });
            let response = served.http.post(format!("{}/v1/chat/completions", served.url)).json(&request);
            let body = response.send().await.expect("an answer").text().await.expect("text");
            assert_eq!(body.matches("\"usage\":{").count(), expected, "{body}");
            assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
            assert_eq!(body.matches("\"finish_reason\":\"stop\"").count(), 2, "{body}");
        }
    });
}

#[test]
fn choices_of_completions_follow_their_prompts() {
    run(async {
        let served = Served::start(echo());
        let texts = ["the quick", "brown", "fox jumps"];
        let ids = |text: &&str| tokenizer().encode(text).into_iter().map(u32::from).collect::<Vec<u32>>();
        let lists: Vec<Vec<u32>> = texts.iter().map(ids).collect();
        let prompt_tokens: usize = lists.iter().map(Vec::len).sum();
        let request = CompletionRequest::new(Prompt::IdLists(lists)).with_max_tokens(50).with_n(2);
        let answer = served.client.completions(&request).await.expect("an answer");
        let found: Vec<(usize, &str)> =
            answer.choices.iter().map(|choice| (choice.index, choice.text.as_str())).collect();
        let expected: Vec<(usize, &str)> = texts.iter().flat_map(|text| [*text; 2]).enumerate().collect();
        assert_eq!(found, expected);
        let usage = answer.usage.expect("always there");
        assert_eq!(usage.prompt_tokens, prompt_tokens as u64, "each prompt counts once");

        let mut stream = served.client.completions_stream(&request).await.expect("a stream");
        let mut streamed = vec![String::new(); 6];
        let mut counted = None;
        while let Some(piece) = stream.next().await {
            let piece = piece.expect("a piece");
            counted = piece.usage.or(counted);
            for choice in piece.choices {
                assert!(!choice.text.is_empty() || choice.finish_reason.is_some());
                streamed[choice.index] += &choice.text;
            }
        }
        let streamed: Vec<(usize, &str)> = streamed.iter().map(String::as_str).enumerate().collect();
        assert_eq!(streamed, expected);
        let counted = counted.expect("asked for");
        assert_eq!(counted.prompt_tokens, usage.prompt_tokens);
        assert_eq!(counted.completion_tokens, usage.completion_tokens);
    });
}

#[test]
fn every_chunk_has_the_usage_so_far_when_asked_for() {
    run(async {
        let served = Served::start(mock("one two three").with_delay(Duration::from_millis(1)));
        let options = StreamOptions { include_usage: true, continuous_usage_stats: true };
        let mut body = serde_json::to_value(ask("hi").with_n(2)).expect("writes");
        (body["stream"], body["stream_options"]) = (json!(true), json!(options));
        let completion =
            json!({"model": MODEL, "prompt": ["a", "b"], "stream": true, "stream_options": options});
        for (route, body) in [("/v1/chat/completions", body), ("/v1/completions", completion)] {
            let all = usages(&served, route, &body).await;
            let [before @ .., end] = all.as_slice() else { panic!("no chunks of {route}") };
            let mut last = 0;
            for usage in before {
                let count = |name: &str| usage[name].as_u64().expect("a number");
                assert_eq!(count("total_tokens"), count("prompt_tokens") + count("completion_tokens"));
                assert_eq!(usage["prompt_tokens"], end["prompt_tokens"], "{route}");
                assert!(usage["prompt_tokens_details"].is_null(), "it is not known yet");
                assert!(count("completion_tokens") >= last);
                last = count("completion_tokens");
            }
            assert!(before.len() > 2 && before[0]["completion_tokens"] != end["completion_tokens"]);
            assert_eq!(json!(last), end["completion_tokens"], "{route}");
            let mut without = body.clone();
            without["stream_options"]["include_usage"] = json!(false);
            assert!(usages(&served, route, &without).await.iter().all(Value::is_null));
        }
    });
}

#[test]
fn timings_are_those_of_llama_cpp() {
    run(async {
        let served = Served::start(mock("one two three").with_delay(Duration::from_millis(1)));
        let mut request = ask("hi").with_n(2);
        request.timings_per_token = Some(true);
        let whole = served.client.chat(&request).await.expect("an answer");
        let timings = whole.timings.expect("asked for");
        assert_eq!(timings.predicted_n, whole.usage.completion_tokens);
        assert_eq!(timings.prompt_n + timings.cache_n, whole.usage.prompt_tokens);
        assert!(timings.predicted_ms > 0.0 && timings.predicted_per_second > 0.0, "{timings:?}");
        let stream = served.client.chat_stream(&request).await.expect("a stream");
        let chunks: Vec<ChatChunk> = stream.map(|chunk| chunk.expect("a chunk")).collect().await;
        for chunk in &chunks {
            let ends = chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
            assert_eq!(chunk.timings.is_some(), ends);
        }
        let mut request = CompletionRequest::new(Prompt::Texts(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(served.client.completions(&request).await.expect("an answer").timings, None);
        request.timings_per_token = Some(true);
        let whole = served.client.completions(&request).await.expect("an answer");
        let (timings, usage) = (whole.timings.expect("asked for"), whole.usage.expect("always there"));
        assert_eq!(timings.predicted_n, usage.completion_tokens);
        assert_eq!(timings.prompt_n + timings.cache_n, usage.prompt_tokens);
    });
}

/// The usage of each chunk of a stream.
async fn usages(served: &Served, route: &str, body: &Value) -> Vec<Value> {
    let answer = served.http.post(format!("{}{route}", served.url)).json(body).send().await;
    let text = answer.expect("an answer").text().await.expect("text");
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]");
    lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON")["usage"].take()).collect()
}

#[test]
fn a_prompt_is_scored_once_for_all_its_choices() {
    run(async {
        let served = Served::start(mock("the fox"));
        let mut request =
            CompletionRequest::new(Prompt::Texts(vec!["one".to_owned(), "two".to_owned()])).with_n(3);
        (request.echo, request.logprobs, request.prompt_logprobs) = (Some(true), Some(1), Some(0));
        (request.max_tokens, request.temperature) = (Some(4), Some(0.0));
        let whole = served.client.completions(&request).await.expect("an answer");
        assert_eq!(whole.choices.len(), 6);
        for (choice, first) in whole.choices.iter().zip([0, 0, 0, 3, 3, 3]) {
            let first = &whole.choices[first];
            let (scores, others) = (choice.logprobs.as_ref().expect("asked for"), first.logprobs.as_ref());
            let others = others.expect("asked for");
            assert_eq!((&scores.tokens, &scores.text_offset), (&others.tokens, &others.text_offset));
            assert!(scores.token_logprobs[0].is_none() && scores.token_logprobs[1].is_some());
            assert_eq!(scores.token_logprobs[..2], others.token_logprobs[..2], "choice {}", choice.index);
            assert!(choice.prompt_logprobs.is_some());
            assert_eq!((&choice.text, &choice.prompt_logprobs), (&first.text, &first.prompt_logprobs));
        }
        request.prompt_logprobs = None;
        let mut stream = served.client.completions_stream(&request).await.expect("a stream");
        let mut texts = vec![String::new(); 6];
        while let Some(piece) = stream.next().await {
            piece
                .expect("a piece")
                .choices
                .into_iter()
                .for_each(|choice| texts[choice.index] += &choice.text);
        }
        let expected: Vec<&str> = whole.choices.iter().map(|choice| choice.text.as_str()).collect();
        assert_eq!(texts, expected);
        served.until_free().await;
    });
}

#[test]
fn choices_that_have_no_room_are_refused_together() {
    run(async {
        let slow = mock(&"the ".repeat(100)).with_delay(Duration::from_millis(3));
        let one = Capacity { max_sequences: 1, ..capacity() };
        let served = Served::start(slow.with_capacity(one).with_max_queue(1));
        let body = |n: u32| serde_json::to_string(&ask("hi").with_n(n).with_max_tokens(1)).expect("writes");
        let (status, answer) = served.post("/v1/chat/completions", &body(3)).await;
        let message = "n: found 3, expected at most 2, for which this server has room";
        assert_eq!((status, answer["message"].as_str()), (400, Some(message)));
        let mut running = served.client.chat_stream(&ask("hi")).await.expect("a stream");
        assert!(running.next().await.is_some_and(|chunk| chunk.is_ok()));
        assert_eq!(served.post("/v1/chat/completions", &body(2)).await.0, 429);
        drop(running);
        served.until_free().await;
        assert_eq!(
            served.post("/v1/chat/completions", &body(2)).await.0,
            200,
            "nothing of it was left behind"
        );
    });
}

#[test]
fn one_choice_that_fails_fails_the_answer() {
    run(async {
        let served = Served::start(mock("one two three").with_fault(2, MockFault::First));
        let error = served.client.chat(&ask("hi").with_n(3)).await.expect_err("one of them fails");
        assert!(matches!(error, Error::Status { status: 500, .. }), "{error}");
        served.until_free().await;
        assert_eq!(served.client.chat(&ask("hi").with_n(3)).await.expect("an answer").choices.len(), 3);
    });
}

#[test]
fn a_choice_that_is_aborted_keeps_its_text() {
    let model = mock(&"the ".repeat(100)).with_delay(Duration::from_millis(1));
    let pipeline = model.pipeline();
    let responder = pipeline.responder();
    let request = ask("hi").with_n(2).with_max_tokens(40);
    let (generations, answers) = responder.chat(&request).expect("starts");
    let mut outputs: Vec<(usize, Output)> = Vec::new();
    for (index, mut generation) in generations.into_iter().enumerate() {
        outputs.push((index, generation.wait().expect("an id")));
        if index == 0 {
            assert!(responder.engine().abort(generation.id()), "it is running");
        }
        while let Some(output) = generation.wait() {
            outputs.push((index, output));
        }
    }
    let answer = whole_chat(answers, outputs).expect("aborting is not an error");
    let reasons: Vec<_> = answer.choices.iter().map(|choice| choice.finish_reason).collect();
    assert_eq!(reasons, [Some(FinishReason::Abort), Some(FinishReason::Length)]);
    assert!(answer.choices.iter().all(|choice| choice.message.text().starts_with("the")));
}

/// Logits that depend on the last token and its position in a fixed, irregular way.
struct Irregular;

/// Number of ids in its rows.
const COLUMNS: usize = 315;

impl Executor for Irregular {
    fn capacity(&self) -> Capacity {
        let (blocks, block_tokens) = (256, 4);
        Capacity {
            blocks,
            block_tokens,
            max_batched_tokens: 64,
            max_sequences: 8,
            max_position: 256,
            vocab: COLUMNS,
            cache_bytes: 0,
        }
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let row = |token: TokenId, position: usize| {
            let start = u64::from(token.0) * 7919 + position as u64 * 104_729;
            (0..COLUMNS as u64)
                .map(move |column| (((start + column) * 2_654_435_761) >> 7) % 97)
                .map(|value| value as f32 / 30.0)
        };
        let mut values = Vec::new();
        for step in &batch.steps {
            let positions = step.tokens.iter().zip(step.position..);
            let skipped = step.tokens.len() - step.rows();
            values.extend(positions.skip(skipped).flat_map(|(token, position)| row(*token, position)));
        }
        Ok(Logits::new(values, COLUMNS))
    }
}

#[test]
fn choice_j_is_the_answer_with_seed_plus_j() {
    let executor = Irregular;
    let scheduler = SchedulerConfig::new(&executor.capacity());
    let model = ServedModel::new(MODEL, tokenizer(), Some(ChatTemplate::InternLm2), &[]);
    let pipeline = Pipeline::new(Box::new(executor), model, scheduler, 0);
    let request =
        ChatRequest::new([ChatMessage::user("hi")]).with_temperature(1.0).with_max_tokens(12).with_seed(7);
    let several = pipeline.chat(&request.clone().with_n(4)).expect("an answer");
    let texts: Vec<String> = several.choices.iter().map(|choice| choice.message.text()).collect();
    assert!(texts[1..].iter().all(|text| *text != texts[0]), "they are drawn apart: {texts:?}");
    for (text, seed) in texts.iter().zip(7..) {
        let alone = pipeline.chat(&request.clone().with_seed(seed)).expect("an answer");
        assert_eq!(alone.text(), *text, "seed {seed}");
    }
    let mut best = request.clone().with_n(4);
    best.best_of = Some(4);
    assert_eq!(pipeline.chat(&best).expect("all are answered").choices, several.choices);
}

#[test]
fn choices_of_a_model_with_different_answers_keep_them() {
    let pipeline = MockModel::new(["one", "two", "three"]).pipeline();
    let answer = pipeline.chat(&ask("hi").with_model("mock").with_n(3)).expect("an answer");
    let mut texts: Vec<String> = answer.choices.iter().map(|choice| choice.message.text()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "three", "two"]);
}

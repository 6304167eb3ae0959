//! Budgets of reasoning: how much a model thinks before it answers, in every API that limits it.

use internlm_model::chat::ChatTemplate;
use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::Pipeline;
use lmdeploy::engine::{
    Capacity, Engine, EngineConfig, Executor, GenerateRequest, Generation, Output, SchedulerConfig,
    ThinkingBudget,
};
use lmdeploy::parse::{ParseOptions, ReasoningFormat, Section, ToolFormat};
use lmdeploy::protocol::anthropic::{AnthropicMessage, ContentBlock, MessagesRequest};
use lmdeploy::protocol::{ChatMessage, ChatRequest, FinishReason, JsonSchemaFormat, ResponseFormat};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::{MockExecutor, MockModel, MockReply};
use serde_json::{Value, json};

use crate::fixture::{Served, ask, run, tokenizer};
use crate::parsers::MARKED;

/// A reply that thinks longer than any budget here.
const REPLY: &str = "<think>one two three four five six</think>The answer is seven.";

/// A model that says `reply`, with a parser of reasoning.
fn pipeline(tokenizer: &Tokenizer, reply: &str, parser: &str) -> Pipeline {
    let executor = MockModel::from(reply).with_tokenizer(tokenizer.clone()).executor();
    let model = ServedModel::new("tiny", tokenizer.clone(), Some(ChatTemplate::InternLm2), &[]);
    let model = model.with_reasoning_parser(parser).expect("a parser");
    let scheduler = SchedulerConfig::new(&executor.capacity());
    Pipeline::new(Box::new(executor), model, scheduler, 0)
}

fn limited(budget: i64) -> ChatRequest {
    let mut request = ask("hi").with_temperature(0.0);
    request.thinking_token_budget = Some(budget);
    request.return_token_ids = Some(true);
    request
}

/// The ids of the mark that ends reasoning.
fn mark(tokenizer: &Tokenizer) -> Vec<TokenId> {
    tokenizer.encode_with_special("</think>")
}

/// The ids of a scripted reply, whose reasoning is ended after `budget` ids: the script continues where it is.
fn cut(tokenizer: &Tokenizer, reply: &str, budget: usize) -> Vec<u32> {
    let (ids, mark) = (tokenizer.encode_with_special(reply), mark(tokenizer));
    let begins = |count: &usize| tokenizer.decode(&ids[..*count], Special::Keep) == "<think>";
    let start = (0..ids.len()).find(begins).unwrap_or(0) + budget;
    let ids = [&ids[..start], &mark[..], &ids[start + mark.len()..]].concat();
    ids.into_iter().map(u32::from).collect()
}

/// The ids, thoughts and text of a streamed answer.
fn streamed(pipeline: &Pipeline, request: &ChatRequest) -> (Vec<u32>, String, String) {
    let (mut ids, mut thought, mut text) = (Vec::new(), String::new(), String::new());
    for chunk in pipeline.chat_stream(request).expect("a stream") {
        for choice in chunk.expect("a chunk").choices {
            ids.extend(choice.output_ids.unwrap_or_default());
            thought += choice.delta.reasoning_content.as_deref().unwrap_or_default();
            text += choice.delta.content.as_deref().unwrap_or_default();
        }
    }
    (ids, thought, text)
}

#[test]
fn reasoning_has_as_many_ids_as_its_budget() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        assert_eq!(mark(tokenizer).len() == 1, tokenizer.special("</think>").is_some());
        let pipeline = pipeline(tokenizer, REPLY, "default");
        for budget in [0_u8, 1, 5] {
            let request = limited(budget.into());
            let answer = pipeline.chat(&request).expect("an answer");
            let ids = answer.choices[0].output_ids.clone().expect("asked for");
            assert_eq!(ids, cut(tokenizer, REPLY, budget.into()), "{budget}");
            let details = answer.usage.completion_tokens_details.expect("always there");
            assert_eq!(details.reasoning_tokens, u64::from(budget));
            let message = &answer.choices[0].message;
            let thought = message.fields.get("reasoning_content").and_then(Value::as_str).unwrap_or_default();
            assert!(message.text().ends_with("The answer is seven."), "{message:?}");
            assert_eq!(streamed(&pipeline, &request), (ids, thought.to_owned(), message.text()));
        }
    }
}

#[test]
fn reasoning_within_its_budget_is_left_alone() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        let pipeline = pipeline(tokenizer, REPLY, "default");
        let mut free = limited(-1);
        free.thinking_token_budget = None;
        let expected = pipeline.chat(&free).expect("an answer").choices;
        assert_eq!(expected[0].finish_reason, Some(FinishReason::Stop));
        for budget in [-1, 1000, i64::MAX] {
            assert_eq!(pipeline.chat(&limited(budget)).expect("an answer").choices, expected, "{budget}");
        }
    }
}

#[test]
fn reasoning_that_the_prompt_begins_counts_from_the_first_id() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        let pipeline = pipeline(tokenizer, "one two three four five six seven", "default");
        for budget in [0_u8, 2] {
            let mut request = limited(budget.into());
            request.messages.push(ChatMessage::assistant("<think>"));
            let answer = pipeline.chat(&request).expect("an answer");
            let expected = cut(tokenizer, "one two three four five six seven", budget.into());
            assert_eq!(answer.choices[0].output_ids, Some(expected));
            let details = answer.usage.completion_tokens_details.expect("always there");
            assert_eq!(details.reasoning_tokens, u64::from(budget));
        }
    }
}

#[test]
fn every_choice_has_the_budget_and_thoughts_may_stay_in_the_content() {
    let pipeline = pipeline(&MARKED, REPLY, "default");
    let answer = pipeline.chat(&limited(3).with_n(2)).expect("an answer");
    for choice in &answer.choices {
        assert_eq!(choice.output_ids, Some(cut(&MARKED, REPLY, 3)));
    }
    assert_eq!(answer.usage.completion_tokens_details.expect("always there").reasoning_tokens, 6);
    let mut request = limited(3);
    request.reasoning_format = Some("none".to_owned());
    let answer = pipeline.chat(&request).expect("an answer");
    assert_eq!(answer.choices[0].output_ids, Some(cut(&MARKED, REPLY, 3)));
    assert!(answer.text().starts_with("<think>"), "{}", answer.text());
}

#[test]
fn the_log_probability_of_a_forced_id_is_that_of_the_model() {
    let reply = "<think>one two three four five six";
    let pipeline = pipeline(&MARKED, reply, "default");
    let mut request = limited(2).with_logprobs(0);
    // Whatever forbids the mark does not forbid to write it for the model.
    request.logit_bias = Some([(mark(&MARKED)[0].0.to_string(), -100.0)].into());
    let answer = pipeline.chat(&request).expect("an answer");
    assert_eq!(answer.choices[0].output_ids, Some(cut(&MARKED, reply, 2)));
    let scores = &answer.choices[0].logprobs.as_ref().expect("asked for").content;
    let likely: Vec<bool> = scores.iter().take(5).map(|score| score.logprob > -1.0).collect();
    assert_eq!(likely, [true, true, true, false, true], "{scores:?}");
}

#[test]
fn a_format_begins_behind_the_budget() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        let pipeline = pipeline(tokenizer, REPLY, "default");
        let schema = json!({"enum": [1, 2]});
        let format = ResponseFormat::JsonSchema(JsonSchemaFormat::new(schema));
        for budget in [0_u8, 4] {
            let request = limited(budget.into()).with_response_format(format.clone());
            let answer = pipeline.chat(&request.with_max_tokens(100)).expect("an answer");
            assert!(["1", "2"].contains(&answer.text().trim()), "{}", answer.text());
            let details = answer.usage.completion_tokens_details.expect("always there");
            assert_eq!(details.reasoning_tokens, u64::from(budget));
        }
        // A mark cannot follow half a character in a grammar: the budget is over with the whole one.
        let halved = self::pipeline(tokenizer, "<think>\u{1f9ee}\u{1f9ee}", "default");
        let request = limited(1).with_response_format(format.clone()).with_max_tokens(100);
        let answer = halved.chat(&request).expect("an answer");
        assert!(["1", "2"].contains(&answer.text().trim()), "{}", answer.text());
        assert_eq!(answer.choices[0].message.fields["reasoning_content"], "\u{1f9ee}");
    }
}

#[test]
fn budgets_that_cannot_be_kept_are_refused() {
    let reasoning = pipeline(&MARKED, REPLY, "default");
    let plain = pipeline(&MARKED, REPLY, "none");
    for (pipeline, budget, message) in [
        (&reasoning, -2, "found -2, expected a number of ids, or -1 for no limit"),
        (&plain, i64::MIN, "found -9223372036854775808, expected a number of ids, or -1 for no limit"),
        (&plain, 5, "found 5, expected -1 or the field to be absent: this server looks for no reasoning"),
    ] {
        let error = pipeline.chat(&limited(budget)).expect_err("a wrong budget").to_string();
        assert!(error.starts_with(&format!("thinking_token_budget: {message}")), "{error}");
    }
    assert!(plain.chat(&limited(-1)).is_ok());
}

#[test]
fn the_names_of_other_servers_are_taken_in_chats_alone() {
    run(async {
        let served = Served::start(MockModel::from(REPLY).with_tokenizer(MARKED.clone()));
        let chat = |name: &str, budget: &Value| {
            let mut body = json!({"messages": [{"role": "user", "content": "hi"}], "temperature": 0});
            body[name] = budget.clone();
            body.to_string()
        };
        for name in ["thinking_token_budget", "reasoning_budget_tokens", "thinking_budget_tokens"] {
            for budget in [json!(4), json!(4.0)] {
                let (status, answer) = served.post("/v1/chat/completions", &chat(name, &budget)).await;
                assert_eq!(status, 200, "{answer}");
                assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 4);
            }
            for wrong in [json!(-2), json!(0.6), json!(true), json!("5")] {
                let (status, answer) = served.post("/v1/chat/completions", &chat(name, &wrong)).await;
                let message = answer["message"].as_str().unwrap_or_default();
                assert!(status == 400 && message.contains("budget"), "{name} {wrong}: {answer}");
            }
            for (route, text) in [
                ("/v1/completions", json!({"prompt": "hi"})),
                ("/v1/responses", json!({"input": "hi"})),
                ("/generate", json!({"prompt": "hi"})),
            ] {
                for (budget, expected) in [(5, 400), (-1, 200)] {
                    let mut body = text.clone();
                    body[name] = json!(budget);
                    let (status, answer) = served.post(route, &body.to_string()).await;
                    assert_eq!(status, expected, "{route} {name} {budget}: {answer}");
                    assert!(status == 200 || answer.to_string().contains(name), "{answer}");
                }
            }
        }
    });
}

#[test]
fn a_message_thinks_as_long_as_it_may() {
    let long = format!("<think>{}</think>four", "one ".repeat(1000));
    let request = |kind: &str| {
        let mut request = MessagesRequest::new(6000, [AnthropicMessage::user("2+2?")]);
        let thinking = json!({"type": kind, "budget_tokens": 1024});
        request.thinking = thinking.as_object().cloned();
        request
    };
    let thought = |pipeline: &Pipeline, kind: &str| {
        let (mut generations, answer) = pipeline.responder().messages(&request(kind)).expect("a message");
        answer.whole(std::iter::from_fn(|| generations[0].wait())).expect("an answer")
    };
    let pipeline = pipeline(&MARKED, &long, "default");
    let message = thought(&pipeline, "enabled");
    assert_eq!(message.usage.output_tokens_details.thinking_tokens, 1024);
    assert!(matches!(message.content[0], ContentBlock::Thinking { .. }), "{:?}", message.content[0]);
    assert!(message.text().ends_with("four"));
    assert!(thought(&pipeline, "adaptive").usage.output_tokens_details.thinking_tokens > 2000, "no limit");
    let plain = self::pipeline(&MARKED, "four", "none");
    assert_eq!(thought(&plain, "enabled").text(), "four", "it does not think, which is within the budget");
}

#[test]
fn preempted_requests_keep_what_they_have_used() {
    let tokenizer = tokenizer();
    let capacity = Capacity {
        blocks: 6,
        max_position: 96,
        vocab: tokenizer.vocab_size(),
        ..MockExecutor::default().capacity()
    };
    let executor = MockExecutor::new(MockReply::echo(), capacity);
    let config = EngineConfig::new(SchedulerConfig::new(&capacity)).with_tokenizer(tokenizer.clone());
    let engine = Engine::start(Box::new(executor), config);
    let parse = ParseOptions::new(ToolFormat::None);
    let parse = parse.with_reasoning(ReasoningFormat::Think, Section::Reasoning);
    let budget = ThinkingBudget::new(12, &tokenizer, parse);
    let prompts: Vec<Vec<TokenId>> =
        (0..6).map(|number| (0..30).map(|place| TokenId(80 + (number + place) % 20)).collect()).collect();
    let request = |prompt: &Vec<TokenId>| {
        let request = GenerateRequest::new(prompt.clone()).with_max_new(60).with_thinking(budget.clone());
        request.with_stop_ids(vec![TokenId(2)])
    };
    let running: Vec<Generation> =
        prompts.iter().map(|prompt| engine.handle().submit(request(prompt))).collect();
    for (prompt, mut generation) in prompts.iter().zip(running) {
        let mut ids = Vec::new();
        while let Some(output) = generation.wait() {
            if let Output::Pieces(pieces) = output {
                ids.extend(pieces.iter().map(|piece| piece.id));
            }
        }
        assert_eq!(ids, [&prompt[..12], &budget.end[..], &prompt[12 + budget.end.len()..]].concat());
    }
    assert!(engine.handle().gauges().stats().preemptions > 0, "the cache is small");
}

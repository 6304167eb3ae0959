//! Whole answers over HTTP.

use lmdeploy::engine::Capacity;
use lmdeploy::protocol::{ChatMessage, CompletionRequest, FinishReason, Prompt, ToolDefinition};
use lmdeploy::testing::{MockFault, MockModel, MockReply};

use crate::fixture::{MODEL, Served, ask, capacity, echo, mock, run, tokenizer};

const CALL: &str = "I add.<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": \"é\"}}\
    <|action_end|><|im_end|>";

#[test]
fn a_chat_answer_has_text_reason_and_usage() {
    run(async {
        let served = Served::start(mock("héllo 你好 <b>🙂</b>"));
        let answer = served.client.chat(&ask("hi")).await.expect("an answer");
        assert_eq!(answer.text(), "héllo 你好 <b>🙂</b>");
        assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
        assert_eq!((answer.object.as_str(), answer.model.as_str()), ("chat.completion", MODEL));
        let generated = tokenizer().encode("héllo 你好 <b>🙂</b>").len() as u64;
        assert_eq!(answer.usage.completion_tokens, generated);
        assert_eq!(answer.usage.total_tokens, answer.usage.prompt_tokens + generated);
        served.until_free().await;
    });
}

#[test]
fn text_that_looks_like_marks_is_text() {
    run(async {
        // Ordinary tokens that spell the marks.
        let text = "a <|action_start|><|plugin|> b";
        let served =
            Served::start(MockModel::from_ids(MockReply::script(tokenizer().encode(text))).with_name(MODEL));
        let answer = served.client.chat(&ask("hi")).await.expect("an answer");
        assert_eq!(answer.text(), text);
        assert!(answer.choices[0].message.calls().is_empty());
    });
}

#[test]
fn calls_are_parsed_out_of_the_reply() {
    run(async {
        let served = Served::start(mock(CALL));
        let tools = [ToolDefinition::function("add", "Adds.", serde_json::json!({"type": "object"}))];
        let answer = served.client.chat(&ask("1+2?").with_tools(tools)).await;
        let answer = answer.expect("an answer");
        let choice = &answer.choices[0];
        assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls));
        assert_eq!(choice.message.text(), "I add.");
        let [call] = choice.message.calls() else { panic!("one call") };
        assert_eq!(
            (call.function.name.as_str(), call.function.arguments.as_str()),
            ("add", r#"{"a":1,"b":"é"}"#)
        );
        // The client sends the answer back as it came.
        let mut request = ask("1+2?");
        request.messages.extend([choice.message.clone(), ChatMessage::tool(call.id.as_str(), "3")]);
        served.client.chat(&request).await.expect("takes its own message back");
    });
}

#[test]
fn what_is_no_call_stays_in_the_content() {
    run(async {
        for (reply, max_tokens) in [
            ("ok<|action_start|><|plugin|>\nnot json<|action_end|> then", None),
            ("<|action_start|><|interpreter|>\nprint(1)<|action_end|>", None),
            ("<|action_start|><|plugin|>\n{\"name\": \"add\"", None),
            (CALL, Some(12)),
        ] {
            let served = Served::start(mock(reply));
            let mut request = ask("hi");
            request.max_tokens = max_tokens;
            let answer = served.client.chat(&request).await.expect("an answer");
            let text = answer.text();
            let whole = tokenizer().encode_with_special(reply);
            let kept = &whole[..max_tokens.map_or(whole.len(), |tokens| tokens as usize)];
            let expected = tokenizer().decode(kept, internlm_model::tokenizer::Special::Keep);
            assert_eq!(text, expected);
            assert!(answer.choices[0].message.calls().is_empty());
            let reason = if max_tokens.is_some() { FinishReason::Length } else { FinishReason::Stop };
            assert_eq!(answer.choices[0].finish_reason, Some(reason));
        }
    });
}

#[test]
fn special_tokens_show_when_asked_for_but_not_the_last() {
    run(async {
        let served = Served::start(mock("a<|im_start|>b<|im_end|>"));
        for (skip, expected) in [(None, "ab"), (Some(true), "ab"), (Some(false), "a<|im_start|>b")] {
            let mut request = ask("hi");
            request.skip_special_tokens = skip;
            let answer = served.client.chat(&request).await.expect("an answer");
            assert_eq!(answer.text(), expected);
        }
    });
}

#[test]
fn stop_strings_end_the_text_before_them() {
    run(async {
        let served = Served::start(mock("one two\nUser: three"));
        for (stop, expected) in [("\nUser", "one two"), ("o th", "one two\nUser: three"), ("wo", "one t")] {
            let request = ask("hi").with_stop([stop, "absent"]);
            let answer = served.client.chat(&request).await.expect("an answer");
            assert_eq!(answer.text(), expected);
            assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
        }
    });
}

#[test]
fn logprobs_spell_the_text() {
    run(async {
        let served = Served::start(mock("né 你"));
        let request = ask("hi").with_logprobs(3);
        let answer = served.client.chat(&request).await.expect("an answer");
        let content = answer.choices[0].logprobs.clone().expect("asked for").content;
        let bytes: Vec<u8> =
            content.iter().flat_map(|token| token.bytes.clone().expect("always there")).collect();
        assert_eq!(String::from_utf8(bytes).expect("whole characters"), "né 你");
        assert!(content.iter().all(|token| token.top_logprobs.len() == 3 && token.logprob <= 0.0));
        assert!(content.iter().all(|token| token.top_logprobs[0].token == token.token));
    });
}

#[test]
fn an_echo_scores_the_prompt() {
    run(async {
        let served = Served::start(echo());
        let prompt = "the quick 你 fox";
        let request = CompletionRequest::new(prompt).with_echo().with_logprobs(2).with_max_tokens(0);
        let answer = served.client.completions(&request).await.expect("an answer");
        let choice = &answer.choices[0];
        assert_eq!(choice.text, prompt);
        assert_eq!(choice.finish_reason, Some(FinishReason::Length));
        let scores = choice.logprobs.clone().expect("asked for");
        let count = tokenizer().encode(prompt).len() + usize::from(tokenizer().adds_bos());
        assert_eq!(scores.tokens.len(), count);
        assert_eq!(scores.token_logprobs.len(), count);
        assert_eq!(scores.text_offset.len(), count);
        assert_eq!(scores.top_logprobs.as_ref().map(Vec::len), Some(count));
        assert!(scores.token_logprobs[0].is_none());
        assert!(scores.token_logprobs[1..].iter().all(|score| score.is_some_and(|score| score < 0.0)));
        let text: Vec<char> = prompt.chars().collect();
        for (token, offset) in scores.tokens.iter().zip(&scores.text_offset) {
            if !token.starts_with("bytes:") && !token.starts_with("<s>") {
                let here: String = text[*offset..].iter().take(token.chars().count()).collect();
                assert_eq!(here, *token);
            }
        }
        let usage = answer.usage.expect("always there");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (count as u64, 0));
    });
}

#[test]
fn several_prompts_keep_their_order() {
    run(async {
        let served = Served::start(echo());
        let texts: Vec<String> = (0..20).map(|i| format!("the {}", "quick ".repeat(i % 7))).collect();
        let ids: Vec<Vec<u32>> =
            texts.iter().map(|text| tokenizer().encode(text).into_iter().map(u32::from).collect()).collect();
        let request = CompletionRequest::new(Prompt::IdLists(ids)).with_max_tokens(100).with_echo();
        let answer = served.client.completions(&request).await.expect("an answer");
        for (index, (choice, text)) in answer.choices.iter().zip(&texts).enumerate() {
            assert_eq!((choice.index, choice.text.clone()), (index, format!("{text}{text}")));
        }
        assert_eq!(answer.choices.len(), 20);
        served.until_free().await;
    });
}

#[test]
fn a_long_answer_is_cut_to_the_context() {
    run(async {
        let long = "the quick ".repeat(200);
        let served = Served::start(mock(&long));
        let answer = served.client.chat(&ask("hi")).await.expect("an answer");
        assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Length));
        assert_eq!(answer.usage.total_tokens, 256);
    });
}

#[test]
fn a_failing_model_is_500_and_the_server_goes_on() {
    run(async {
        let served =
            Served::start(mock("fine").with_fault(0, MockFault::Error).with_fault(1, MockFault::Nan));
        let body = r#"{"messages": [{"role": "user", "content": "hi"}]}"#;
        for word in ["scripted", "not numbers"] {
            let (status, body) = served.post("/v1/chat/completions", body).await;
            assert_eq!((status, body["error"]["type"].as_str()), (500, Some("server_error")));
            assert!(body["message"].as_str().is_some_and(|message| message.contains(word)), "{body}");
        }
        assert_eq!(served.post("/v1/chat/completions", body).await.0, 200);
    });
}

#[test]
fn a_full_queue_is_429() {
    run(async {
        let slow = mock(&"the ".repeat(100)).with_delay(std::time::Duration::from_millis(3));
        let one = Capacity { max_sequences: 1, ..capacity() };
        let served = Served::start(slow.with_capacity(one).with_max_queue(0));
        let mut running = served.client.chat_stream(&ask("hi")).await.expect("the only place");
        let first = futures_util::StreamExt::next(&mut running).await;
        assert!(first.is_some_and(|chunk| chunk.is_ok()));
        let request = served.http.post(format!("{}/v1/chat/completions", served.url));
        let response = request.json(&ask("hi")).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 429);
        assert!(response.headers().contains_key("retry-after"));
        drop(running);
        served.until_free().await;
        served.client.chat(&ask("hi").with_max_tokens(1)).await.expect("room again");
    });
}

#[test]
fn more_prompts_than_there_is_room_for_are_a_wrong_request_and_no_full_queue() {
    run(async {
        let one = Capacity { max_sequences: 1, ..capacity() };
        let served = Served::start(mock("hi").with_capacity(one).with_max_queue(2));
        for (count, status) in [(3, 200), (4, 400)] {
            let body = serde_json::json!({"prompt": vec!["a"; count], "max_tokens": 1}).to_string();
            let (found, answer) = served.post("/v1/completions", &body).await;
            assert_eq!(found, status, "{answer}");
            let choices = answer["choices"].as_array().map_or(0, Vec::len);
            assert_eq!(choices, if status == 200 { count } else { 0 });
            if status == 400 {
                assert_eq!(answer["message"], "prompt: found 4, expected 1 to 3 prompts");
            }
        }
    });
}

#[test]
fn models_health_and_draining() {
    run(async {
        let served = Served::start(mock("hi"));
        let models = served.client.models().await.expect("a list");
        assert_eq!((models.data[0].id.as_str(), models.data[0].max_model_len), (MODEL, Some(256)));
        let one = served.http.get(format!("{}/v1/models/{MODEL}", served.url)).header("x-request-id", "r1");
        let one = one.send().await.expect("an answer");
        assert_eq!((one.status().as_u16(), one.headers()["x-request-id"].to_str().ok()), (200, Some("r1")));
        assert_eq!(served.client.health().await.expect("healthy").status, "healthy");
        served.server.app().drain();
        let error = served.client.health().await.expect_err("draining");
        assert!(matches!(error, lmdeploy::Error::Status { status: 503, .. }), "{error}");
        let error = served.client.chat(&ask("hi")).await.expect_err("draining");
        assert!(matches!(error, lmdeploy::Error::Status { status: 503, .. }), "{error}");
    });
}

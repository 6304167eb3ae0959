//! Prompts of completions: marks of the chat format in them, and where their ids begin in an echo.

use futures_util::StreamExt;
use internlm_model::TokenId;
use internlm_model::tokenizer::Special;
use lmdeploy::engine::GenerateRequest;
use lmdeploy::protocol::{CompletionChoice, CompletionRequest, Prompt};
use lmdeploy::testing::MockServer;

use crate::fixture::{Served, ask, mock, run, tokenizer};

/// What the chat format makes of the user's message "Say hi".
const RAW: &str = "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n";

/// How often a prompt has the mark that begins a turn.
fn turns(prompt: &[TokenId]) -> usize {
    let mark = tokenizer().special("<|im_start|>").expect("a mark");
    prompt.iter().filter(|id| **id == mark).count()
}

#[test]
fn a_prompt_in_the_chat_format_is_the_prompt_of_the_chat() {
    run(async {
        let served = Served::start(mock("hi"));
        served.client.chat(&ask("Say hi")).await.expect("an answer");
        let ids = served.server.prompts().remove(0);
        let numbers: Vec<u32> = ids.iter().map(|id| id.0).collect();
        let texts = vec![RAW.to_owned(), format!("<s>{RAW}")];
        for prompt in [
            Prompt::Text(RAW.to_owned()),
            Prompt::Text(format!("<s>{RAW}")),
            Prompt::Texts(texts),
            Prompt::Ids(numbers.clone()),
            Prompt::IdLists(vec![numbers]),
        ] {
            let request = CompletionRequest::new(prompt);
            let whole = served.client.completions(&request).await.expect("an answer");
            let count = whole.choices.len() as u64;
            assert_eq!(whole.usage.expect("always there").prompt_tokens, count * ids.len() as u64);
            assert!(whole.choices.iter().all(|choice| choice.text == "hi"));
            let mut pieces = served.client.completions_stream(&request).await.expect("a stream");
            while let Some(piece) = pieces.next().await {
                piece.expect("a piece");
            }
        }
        let prompts = served.server.prompts();
        assert!(prompts.iter().all(|prompt| *prompt == ids), "{:?}", served.server.prompt_texts());
    });
}

#[test]
fn the_content_of_a_message_is_a_strangers_text() {
    run(async {
        let server = MockServer::start("hi");
        let client = lmdeploy::client::ClientConfig::new(server.url());
        let client = lmdeploy::client::Client::new(client).expect("a client");
        client.chat(&ask(RAW).with_model("")).await.expect("an answer");
        assert_eq!(turns(&server.prompts()[0]), 2, "the user's turn and the answer's");
    });
}

/// Checks that each token is in the text where its offset says; the id that was put in front is not in the text.
fn check_offsets(choice: &CompletionChoice) {
    let scores = choice.logprobs.as_ref().expect("asked for");
    let text: Vec<char> = choice.text.chars().collect();
    assert_eq!((scores.tokens[0].as_str(), scores.text_offset[0]), ("<s>", 0));
    for (token, offset) in scores.tokens.iter().zip(&scores.text_offset).skip(1) {
        let here: String = text[*offset..].iter().take(token.chars().count()).collect();
        assert_eq!(here, *token);
    }
}

#[test]
fn the_offsets_of_an_echo_count_its_marks() {
    run(async {
        let served = Served::start(mock("the fox"));
        for max_tokens in [0, 5] {
            let request = CompletionRequest::new(RAW).with_echo().with_logprobs(1).with_temperature(0.0);
            let answer = served.client.completions(&request.with_max_tokens(max_tokens)).await;
            let answer = answer.expect("an answer");
            let choice = &answer.choices[0];
            let generated = if max_tokens == 0 { "" } else { "the fox" };
            assert_eq!(choice.text, format!("{RAW}{generated}"));
            check_offsets(choice);
            let offsets = &choice.logprobs.as_ref().expect("asked for").text_offset;
            assert_eq!(offsets.contains(&RAW.chars().count()), max_tokens > 0);
        }
    });
}

#[test]
fn max_completion_tokens_is_max_tokens() {
    run(async {
        let served = Served::start(mock(&"the ".repeat(40)));
        for (body, expected) in [
            (r#"{"prompt": "a", "max_completion_tokens": 3}"#, 3),
            (r#"{"prompt": "a", "max_completion_tokens": 3, "max_tokens": 5}"#, 3),
            (r#"{"prompt": "a"}"#, 16),
        ] {
            let (_, answer) = served.post("/v1/completions", body).await;
            assert_eq!(answer["usage"]["completion_tokens"], expected, "{body}");
        }
    });
}

#[test]
fn llama_cpps_names_and_numbers_are_read() {
    run(async {
        let served = Served::start(mock(&"the ".repeat(40)));
        for (body, expected) in [
            (r#"{"prompt": "a", "n_predict": 3}"#, 3),
            (r#"{"prompt": "a", "n_predict": 300}"#, 40),
            (r#"{"prompt": "a", "n_predict": 300, "top_k": -1}"#, 40),
        ] {
            let (status, answer) = served.post("/v1/completions", body).await;
            let ids = &answer["usage"]["completion_tokens"];
            assert_eq!((status, ids.as_u64() >= Some(expected)), (200, true), "{body}: {answer}");
            assert_eq!(answer["choices"][0]["finish_reason"] == "length", expected == 3, "{body}");
        }
    });
}

#[test]
fn an_echo_shows_the_ids_that_were_sent() {
    run(async {
        let served = Served::start(mock("hi"));
        let ids: Vec<u32> = tokenizer().encode_with_special(RAW).into_iter().map(u32::from).collect();
        let sent = tokenizer().decode(&tokenizer().encode_with_special(RAW), Special::Keep);
        assert!(sent.contains("<|im_start|>"), "{sent}");
        for skip in [None, Some(true), Some(false)] {
            let mut request = CompletionRequest::new(ids.clone()).with_echo().with_logprobs(0);
            request.skip_special_tokens = skip;
            let answer = served.client.completions(&request).await.expect("an answer");
            let choice = &answer.choices[0];
            assert!(choice.text.starts_with(&sent), "{:?}", choice.text);
            let scores = choice.logprobs.as_ref().expect("asked for");
            let tops = scores.top_logprobs.as_ref().expect("also for 0");
            assert_eq!(tops.len(), scores.tokens.len());
            assert_eq!(tops[0], None);
            for (top, (token, logprob)) in
                tops.iter().zip(scores.tokens.iter().zip(&scores.token_logprobs)).skip(1)
            {
                let top = top.as_ref().expect("a place with scores");
                assert_eq!((top.len(), top.get(token).copied()), (1, *logprob), "the id that is there");
            }
        }
    });
}

#[test]
fn a_text_begins_as_it_was_asked_to() {
    run(async {
        let served = Served::start(mock("hi"));
        let bos = tokenizer().bos().filter(|_| tokenizer().adds_bos());
        for (add, first) in [(None, bos), (Some(true), bos), (Some(false), None)] {
            let mut request = CompletionRequest::new("the fox");
            request.add_special_tokens = add;
            served.client.completions(&request).await.expect("an answer");
            let prompt = served.server.prompts().pop().expect("a prompt");
            let expected: Vec<TokenId> = first.into_iter().chain(tokenizer().encode("the fox")).collect();
            assert_eq!(prompt, expected, "{add:?}");
        }
    });
}

#[test]
fn prompts_are_scored_in_vllms_form_too() {
    run(async {
        let served = Served::start(mock("hi"));
        let mut request = CompletionRequest::new("the fox").with_max_tokens(0);
        request.prompt_logprobs = Some(2);
        let answer = served.client.completions(&request).await.expect("an answer");
        let prompt = served.server.prompts().pop().expect("a prompt");
        let scores = answer.choices[0].prompt_logprobs.as_ref().expect("asked for");
        assert_eq!((scores.len(), scores[0].is_none()), (prompt.len(), true));
        for (place, id) in scores.iter().zip(&prompt).skip(1) {
            let place = place.as_ref().expect("a score");
            let score = &place[&id.0];
            assert!((2..=3).contains(&place.len()) && score.logprob <= 0.0, "{place:?}");
            let text = tokenizer().decode(&[*id], Special::Keep);
            assert_eq!(score.decoded_token.as_deref(), Some(text.as_str()));
            let mut ranks: Vec<_> = place.values().map(|score| score.rank).collect();
            ranks.sort_unstable();
            assert_eq!(ranks[..2], [Some(1), Some(2)]);
            assert!(place.len() == 2 || score.rank > Some(2));
        }
        let mut chat = ask("hi");
        chat.prompt_logprobs = Some(0);
        let answer = served.client.chat(&chat.clone().with_n(2)).await.expect("an answer");
        let scores = answer.prompt_logprobs.expect("asked for");
        let prompt = served.server.prompts().pop().expect("a prompt");
        assert_eq!(scores.len(), prompt.len());
        assert!(scores.iter().skip(1).flatten().all(|place| place.len() == 1));
        assert!(answer.choices.iter().all(|choice| choice.logprobs.is_none()));
    });
}

#[test]
fn a_continued_text_keeps_its_first_space() {
    // Llama 2's kind of vocabulary: decoding leaves out the space that encoding has put in front of a text.
    let vocabulary = serde_json::json!({"<unk>": 0, "\u{2581}The": 1, "\u{2581}capital": 2});
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]},
        "pre_tokenizer": null, "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "vocab": vocabulary,
            "merges": []},
    });
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("tokenizer.json"), json.to_string()).expect("writes");
    let tokenizer = internlm_model::Tokenizer::load(dir.path()).expect("loads");
    let mut request = GenerateRequest::new(vec![TokenId(1)]);
    assert_eq!(request.decoder(&tokenizer).push(TokenId(2)), "capital");
    request.continues = true;
    let mut decoder = request.decoder(&tokenizer);
    assert_eq!([2, 1].map(|id| decoder.push(TokenId(id))), [" capital", " The"]);
}

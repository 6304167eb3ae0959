//! Conversations that end in the middle of the assistant's answer.

use futures_util::StreamExt;
use lmdeploy::protocol::{ChatMessage, ChatRequest};

use crate::fixture::{MODEL, Served, mock, run};

const QUESTION: &str = "<s><|im_start|>user\nWhat is the capital of France?<|im_end|>\n";
const BEGUN: &str = "<|im_start|>assistant\nThe capital of France is";

fn begun() -> ChatRequest {
    let messages = [
        ChatMessage::user("What is the capital of France?"),
        ChatMessage::assistant("The capital of France is"),
    ];
    ChatRequest::new(messages).with_model(MODEL)
}

#[test]
fn an_answer_that_is_begun_is_continued() {
    run(async {
        let served = Served::start(mock(" Paris."));
        let whole = served.client.chat(&begun()).await.expect("an answer");
        assert_eq!(whole.text(), " Paris.", "only what is new");
        let mut chunks = served.client.chat_stream(&begun()).await.expect("a stream");
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            for choice in chunk.expect("a chunk").choices {
                text += &choice.delta.content.unwrap_or_default();
            }
        }
        assert_eq!(text, " Paris.");
        let prompts = served.server.prompt_texts();
        assert!(prompts.iter().all(|prompt| *prompt == format!("{QUESTION}{BEGUN}")), "{prompts:?}");
        assert_eq!(whole.usage.prompt_tokens, served.server.prompts()[0].len() as u64);
    });
}

#[test]
fn the_fields_say_how_the_prompt_ends() {
    run(async {
        let served = Served::start(mock("hi"));
        let answer = format!("{QUESTION}{BEGUN}<|im_end|>\n");
        let (yes, no) = (Some(true), Some(false));
        for (begins, continues, expected) in [
            (no, yes, format!("{QUESTION}{BEGUN}")),
            (yes, None, format!("{answer}<|im_start|>assistant\n")),
            (yes, no, format!("{answer}<|im_start|>assistant\n")),
            (no, no, answer.clone()),
        ] {
            let mut request = begun();
            (request.add_generation_prompt, request.continue_final_message) = (begins, continues);
            served.client.chat(&request).await.expect("an answer");
            assert_eq!(served.server.prompt_texts().pop(), Some(expected));
        }
        let mut both = begun();
        (both.add_generation_prompt, both.continue_final_message) = (yes, yes);
        let error = served.client.chat(&both).await.expect_err("contradicts itself");
        assert!(matches!(error, lmdeploy::Error::Status { status: 400, .. }), "{error}");
    });
}

#[test]
fn an_echo_repeats_what_was_begun() {
    run(async {
        let served = Served::start(mock(" Paris."));
        let mut request = begun();
        request.echo = Some(true);
        let whole = served.client.chat(&request).await.expect("an answer");
        assert_eq!(whole.text(), "The capital of France is Paris.");
        assert_eq!(whole.usage.prompt_tokens, served.server.prompts()[0].len() as u64);
        let mut chunks = served.client.chat_stream(&request).await.expect("a stream");
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            for choice in chunk.expect("a chunk").choices {
                text += &choice.delta.content.unwrap_or_default();
            }
        }
        assert_eq!(text, "The capital of France is Paris.");
        // The last message is the user's: nothing of the answer is there yet.
        let mut request = ChatRequest::new([ChatMessage::user("hi")]).with_model(MODEL);
        request.echo = Some(true);
        assert_eq!(served.client.chat(&request).await.expect("an answer").text(), " Paris.");
    });
}

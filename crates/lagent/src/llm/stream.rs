//! Assembles a streamed reply from its chunks: text in order, calls piece by piece.

use futures_util::{Stream, StreamExt};
use lmdeploy::protocol::{ChatChunk, StreamedCalls};

use super::Deltas;
use super::convert::Reply;

/// Reads a stream to its end and passes each piece of text to `deltas`.
pub(super) async fn collect(
    mut chunks: impl Stream<Item = lmdeploy::Result<ChatChunk>> + Unpin,
    deltas: Deltas<'_>,
) -> lmdeploy::Result<Reply> {
    let mut reply = Reply::default();
    let mut calls = StreamedCalls::default();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        if let Some(usage) = chunk.usage {
            reply.input_tokens = usage.prompt_tokens;
            reply.output_tokens = usage.completion_tokens;
        }
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                deltas(&text);
                reply.content.push_str(&text);
            }
            for piece in choice.delta.tool_calls.unwrap_or_default() {
                calls.push(piece);
            }
            reply.finish = choice.finish_reason.or(reply.finish);
        }
    }
    reply.calls = calls.finish();
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_of_two_calls_are_put_together() {
        let chunks = [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"I "}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"add."}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"A","arguments":"{\"x\""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"B","arguments":"{}"}},{"index":0,"function":{"arguments":": 1}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#,
        ];
        let chunks = chunks.map(|chunk| Ok(serde_json::from_str(chunk).expect("a chunk")));
        let mut shown = Vec::new();
        let mut show = |text: &str| shown.push(text.to_owned());
        let reply = collect(futures_util::stream::iter(chunks), &mut show).await.expect("no error");
        assert_eq!((shown.join("|").as_str(), reply.content.as_str()), ("I |add.", "I add."));
        let calls: Vec<_> = reply
            .calls
            .iter()
            .map(|call| (call.id.as_str(), call.function.name.as_str(), call.function.arguments.as_str()))
            .collect();
        assert_eq!(calls, [("a", "A", "{\"x\": 1}"), ("b", "B", "{}")]);
        assert_eq!((reply.input_tokens, reply.output_tokens), (7, 5));
    }

    #[tokio::test]
    async fn an_index_that_skips_numbers_makes_no_further_calls() {
        let chunks = [
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":4000000000,"id":"a","function":{"name":"A"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":5,"id":"b","function":{"name":"B"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":4000000000,"function":{"arguments":"{}"}}]}}]}"#,
        ];
        let chunks = chunks.map(|chunk| Ok(serde_json::from_str(chunk).expect("a chunk")));
        let mut ignored = |_: &str| {};
        let reply = collect(futures_util::stream::iter(chunks), &mut ignored).await.expect("no error");
        let calls: Vec<_> = reply
            .calls
            .iter()
            .map(|call| (call.function.name.as_str(), call.function.arguments.as_str()))
            .collect();
        assert_eq!(calls, [("A", "{}"), ("B", "")]);
    }
}

//! Cuts long texts into windows that a model can score.

use crate::model::{Request, ScoredText};

/// Cuts tokens into runs of at most `length`, each after `start`. Every token of the text is scored exactly once.
pub(super) fn token_runs(ids: &[u32], start: u32, length: usize) -> Vec<Request> {
    let run = |run: &[u32]| {
        let ids = std::iter::once(start).chain(run.iter().copied()).collect();
        Request::Score { text: ScoredText::Ids(ids), from: 0 }
    };
    ids.chunks(length.max(1)).map(run).collect()
}

/// Cuts tokens as the evaluation harness does (`get_rolling_token_windows` with a context of 1): the first window begins
/// with `start`, every later one with the token before it, and the last one has as much context as fits.
pub(super) fn rolling_windows(ids: &[u32], start: u32, length: usize) -> Vec<Request> {
    let length = length.max(1);
    let mut requests = Vec::new();
    let first = length.min(ids.len());
    if first > 0 {
        let window = std::iter::once(start).chain(ids[..first].iter().copied()).collect();
        requests.push(Request::Score { text: ScoredText::Ids(window), from: 1 });
    }
    let mut done = first;
    while done < ids.len() {
        let predicted = (ids.len() - done).min(length);
        let end = done + predicted;
        let window = &ids[end.saturating_sub(length + 1)..end];
        let from = window.len() - predicted;
        requests.push(Request::Score { text: ScoredText::Ids(window.to_vec()), from });
        done = end;
    }
    requests
}

/// Cuts tokens into overlapping windows of `block` targets, one every `stride` tokens (`SlidingWindowEvalDataset`). Each
/// scores only what the one before did not reach. Like upstream, the rest that does not fill a window is not scored; only
/// a text that is shorter than a window is one window.
pub(super) fn sliding_windows(ids: &[u32], block: usize, stride: usize) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut reached = 0;
    let length = (block + 1).min(ids.len());
    for begin in (0..ids.len()).step_by(stride.max(1)) {
        let end = begin + length;
        if end > ids.len() {
            break;
        }
        // The first token of all has no context.
        let from = length.saturating_sub(end - reached).max(1);
        if from < length {
            requests.push(Request::Score { text: ScoredText::Ids(ids[begin..end].to_vec()), from });
        }
        reached = end;
    }
    requests
}

/// Cuts a text into pieces of at most `length` bytes at the boundaries of characters. A byte-level tokenizer never
/// produces more tokens than bytes, so each piece fits.
pub(super) fn text_pieces(text: &str, length: usize) -> Vec<Request> {
    let length = length.max(4);
    let mut requests = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(length));
        requests.push(Request::Score { text: ScoredText::Text(piece.to_owned()), from: 0 });
        rest = tail;
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(request: &Request) -> (&[u32], usize) {
        match request {
            Request::Score { text: ScoredText::Ids(ids), from } => (ids.as_slice(), *from),
            other => panic!("ids were asked for, found {other:?}"),
        }
    }

    /// The places of the scored tokens, which are numbered from 1.
    fn scored(requests: &[Request]) -> Vec<u32> {
        let own = |request| {
            let (ids, from): (&[u32], usize) = ids(request);
            ids[from.max(1)..].to_vec()
        };
        requests.iter().flat_map(own).collect()
    }

    #[test]
    fn text_pieces_join_to_the_text_at_character_boundaries() {
        let text = "ä€😀b".repeat(100);
        let pieces = text_pieces(&text, 14);
        let joined: String = pieces
            .iter()
            .map(|piece| match piece {
                Request::Score { text: ScoredText::Text(text), from: 0 } => {
                    assert!(text.len() <= 14, "{}", text.len());
                    text.as_str()
                }
                other => panic!("text was asked for, found {other:?}"),
            })
            .collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn runs_and_rolling_windows_score_every_token_once() {
        let all: Vec<u32> = (1..=23).collect();
        for length in [1, 5, 22, 23, 40] {
            assert_eq!(scored(&token_runs(&all, 0, length)), all, "{length}");
            let rolling = rolling_windows(&all, 0, length);
            assert_eq!(scored(&rolling), all, "{length}");
            assert!(rolling.iter().all(|request| ids(request).0.len() <= length + 1), "{length}");
        }
        // The last window of the harness has context from before it.
        assert_eq!(ids(&rolling_windows(&all, 0, 10)[2]), (&all[12..], 8));
        assert!(rolling_windows(&[], 0, 10).is_empty());
    }

    #[test]
    fn sliding_windows_score_what_the_one_before_did_not_reach() {
        let all: Vec<u32> = (1..=23).collect();
        let windows = sliding_windows(&all, 9, 5);
        // floor((23 - 10) / 5 + 1) windows; the last 3 tokens fill no further one.
        assert_eq!(windows.len(), 3);
        assert_eq!((ids(&windows[0]), ids(&windows[1])), ((&all[..10], 1), (&all[5..15], 5)));
        assert_eq!(scored(&windows), all[1..20]);
        assert_eq!(scored(&sliding_windows(&all, 100, 5)), all[1..]);
        assert!(sliding_windows(&all[..1], 9, 5).is_empty());
    }
}

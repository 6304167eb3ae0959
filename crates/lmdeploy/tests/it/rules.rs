//! Rules of requests through the engine: bias, bad words, penalties, minimum length, repetitions, shown stop strings.

use internlm_model::TokenId;
use internlm_model::sampling::{SamplingConfig, sample_row};
use internlm_model::tokenizer::Special;
use lmdeploy::engine::{
    End, Engine, EngineConfig, EngineFault, Executor, Finished, GenerateRequest, LogitRules, Output, Piece,
    SchedulerConfig, StopCause,
};
use lmdeploy::testing::{MockExecutor, MockModel, MockReply, tokenizer};
use proptest::prelude::*;

use super::sampler::{Irregular, Rows, ids, requests, sampling, start};

/// A scripted reply of ids, without text; id 2 ends it.
fn scripted(reply: &[u32]) -> Engine {
    let reply = MockReply::script(reply.iter().copied().map(TokenId).collect());
    let executor = MockExecutor::new(reply, MockExecutor::default().capacity());
    let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity()));
    Engine::start(Box::new(executor), config)
}

/// A scripted reply of text.
fn telling(text: &str) -> Engine {
    let executor = MockModel::from(text).executor();
    let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity())).with_tokenizer(tokenizer());
    Engine::start(Box::new(executor), config)
}

/// A request for up to 40 ids after a short prompt.
fn request(stop_ids: Vec<TokenId>) -> GenerateRequest {
    GenerateRequest::new(vec![TokenId(3), TokenId(4)]).with_max_new(40).with_stop_ids(stop_ids)
}

/// All pieces, their text with what was held back until the end, and the end.
fn run(engine: &Engine, request: GenerateRequest) -> (Vec<Piece>, String, Finished) {
    let mut generation = engine.handle().submit(request);
    let mut pieces: Vec<Piece> = Vec::new();
    loop {
        match generation.wait().expect("an end comes before nothing") {
            Output::Prompt(_) => {}
            Output::Pieces(more) => pieces.extend(more),
            Output::Finished(finished) => {
                let text = pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
                return (pieces, text + &finished.rest, finished);
            }
        }
    }
}

fn numbers(pieces: &[Piece]) -> Vec<u32> {
    pieces.iter().map(|piece| piece.id.0).collect()
}

/// What a request asks for, applied in the stated order to the whole text at once.
struct Naive<'a> {
    request: &'a GenerateRequest,
}

impl Naive<'_> {
    fn row(&self, text: &[TokenId]) -> Vec<f32> {
        let GenerateRequest { rules, prompt, sampling, .. } = self.request;
        let mut row = Irregular::row(text[text.len() - 1], text.len() - 1);
        row.truncate(tokenizer().vocab_size());
        for (id, bias) in &rules.bias {
            row[id.index()] += bias;
        }
        let generated = &text[prompt.len()..];
        let ends = self.request.stop_ids.iter().filter(|_| generated.len() < self.request.min_new);
        let bad = rules.bad_words.iter().filter_map(|word| {
            let (last, before) = word.split_last()?;
            text.ends_with(before).then_some(last)
        });
        for id in ends.chain(bad) {
            row[id.index()] = f32::NEG_INFINITY;
        }
        for (id, logit) in (0..).map(TokenId).zip(&mut row) {
            if text.contains(&id) {
                let weaker = sampling.repetition_penalty;
                *logit = if *logit > 0.0 { *logit / weaker } else { *logit * weaker };
            }
            let count = generated.iter().filter(|other| **other == id).count();
            *logit -= rules.frequency_penalty * count as f32;
            *logit -= if count > 0 { rules.presence_penalty } else { 0.0 };
        }
        row
    }

    /// The ids up to a stop id or to the end of the request's length.
    fn ids(&self) -> Vec<TokenId> {
        let mut text = self.request.prompt.clone();
        for position in 0..self.request.max_new as u64 {
            let id = sample_row(&self.row(&text), &self.request.sampling, position).expect("ids are allowed");
            if self.request.stop_ids.contains(&id) {
                break;
            }
            text.push(id);
        }
        text.split_off(self.request.prompt.len())
    }
}

/// Numbers that are added and subtracted without rounding.
fn eighths() -> impl Strategy<Value = f32> {
    (-16_i8..=16).prop_map(|eighths| f32::from(eighths) / 8.0)
}

fn rules() -> impl Strategy<Value = LogitRules> {
    let bias = prop::collection::vec((0_u32..300, eighths()), 0..5);
    let penalties = prop::option::of((eighths(), eighths()));
    (bias, penalties).prop_map(|(bias, penalties)| {
        let (presence, frequency) = penalties.unwrap_or((0.0, 0.0));
        LogitRules::default()
            .with_bias(bias.into_iter().map(|(id, bias)| (TokenId(id), bias)))
            .with_presence_penalty(presence)
            .with_frequency_penalty(frequency)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ids_follow_the_rules_in_their_order(
        rules in rules(),
        sampling in sampling(),
        repetition in prop::sample::select(vec![1.0_f32, 2.0, 0.5]),
        // Parts of the text that comes without them: words that matter.
        words in prop::collection::vec((0_usize..12, 1_usize..4), 0..4),
        end in 0_usize..12,
        min_new in 0_usize..9,
    ) {
        let engine = start(Rows::Top);
        for mut request in requests(&sampling.with_repetition_penalty(repetition)) {
            request.rules = rules.clone();
            let free = ids(engine.handle().submit(request.clone()));
            prop_assert_eq!(&free, &Naive { request: &request }.ids());
            let words = words.iter().map(|(start, length)| {
                free[*start..(start + length).min(free.len())].to_vec()
            });
            request.rules = request.rules.with_bad_words(words);
            request.stop_ids = vec![free[end]];
            request.min_new = min_new;
            let found = ids(engine.handle().submit(request.clone()));
            prop_assert_eq!(&found, &Naive { request: &request }.ids());
            prop_assert!(found.len() >= min_new);
            for word in request.rules.bad_words.iter().filter(|word| !word.is_empty()) {
                prop_assert!(!found.windows(word.len()).any(|ids| ids == word.as_slice()));
            }
        }
    }

    #[test]
    fn rules_of_one_request_do_not_reach_its_neighbors(rules in rules(), sampling in sampling()) {
        let engine = start(Rows::Top);
        let requests = || {
            // The second, the fourth and so on have rules.
            (0..).zip(requests(&sampling)).map(|(place, mut request): (usize, _)| {
                if place % 2 == 1 {
                    request.rules = rules.clone();
                    request.min_new = 3;
                }
                request
            })
        };
        let alone: Vec<_> = requests().map(|request| ids(engine.handle().submit(request))).collect();
        let together: Vec<_> = requests().map(|request| engine.handle().submit(request)).collect();
        prop_assert_eq!(together.into_iter().map(ids).collect::<Vec<_>>(), alone);
    }

    /// Stop strings are not looked for in the text of the first ids.
    #[test]
    fn stop_strings_wait_for_the_minimum_length(
        text in "[abc ]{1,24}", stop in "[abc]{1,2}", min_new in 0_usize..30, shown in any::<bool>(),
    ) {
        let engine = telling(&text);
        let ids = tokenizer().encode_with_special(&text);
        let mut request = request(tokenizer().turn_ends()).with_stop([stop.clone()]);
        request.min_new = min_new.min(ids.len());
        request.include_stop = shown;
        let (head, tail) = ids.split_at(request.min_new);
        let (head, tail) = (tokenizer().decode(head, Special::Skip), tokenizer().decode(tail, Special::Skip));
        let cut = tail.find(&stop).map(|start| if shown { start + stop.len() } else { start });
        let (_, found, finished) = run(&engine, request);
        prop_assert_eq!(found, head + &tail[..cut.unwrap_or(tail.len())]);
        prop_assert_eq!(finished.stop_string, cut.map(|_| stop));
        prop_assert_eq!(finished.end == End::Stop(StopCause::Text), cut.is_some());
    }
}

#[test]
fn a_stop_id_is_not_sampled_before_the_minimum_length() {
    let engine = scripted(&[5, 6]);
    let mut request = request(vec![TokenId(2)]);
    request.min_new = 4;
    let (pieces, _, finished) = run(&engine, request);
    // Where the end is forbidden, the smallest of equal ids is the next.
    assert_eq!(numbers(&pieces), [5, 6, 0, 0]);
    assert_eq!(finished.end, End::Stop(StopCause::Id(TokenId(2))));
    assert_eq!(finished.generated_tokens, 4, "the id that ends the text is not part of it");
}

#[test]
fn a_sequence_without_an_allowed_token_fails_alone() {
    let engine = scripted(&[5, 6, 7]);
    let mut nothing = request(vec![TokenId(2)]);
    nothing.rules = LogitRules::default().with_bias((0..64).map(|id| (TokenId(id), f32::NEG_INFINITY)));
    let other = engine.handle().submit(request(vec![TokenId(2)]));
    let (pieces, _, finished) = run(&engine, nothing);
    let End::Error(EngineFault::Execution(message)) = finished.end else { panic!("{finished:?}") };
    assert!(pieces.is_empty() && message.starts_with("no token is allowed"), "{message}");
    assert_eq!(ids(other), [TokenId(5), TokenId(6), TokenId(7)]);
}

#[test]
fn a_repeated_ngram_ends_the_text_and_releases_what_was_held_back() {
    let engine = telling("xyxyxyxyxyxy");
    let mut request = request(tokenizer().turn_ends()).with_stop(["yz"]);
    request.rules = LogitRules::default().with_ngram_stop(2, 3);
    let (pieces, text, finished) = run(&engine, request.clone());
    assert_eq!((text.as_str(), pieces.len()), ("xyxyxy", 6));
    assert_eq!((finished.end, finished.stop_string), (End::Stop(StopCause::Text), None));
    request.min_new = 9;
    assert_eq!(run(&engine, request).1, "xyxyxyxyx", "the minimum length holds");
}

#[test]
fn scores_are_those_of_the_row_before_the_rules() {
    let engine = scripted(&[5]);
    let mut request = request(vec![TokenId(2)]).with_max_new(1).with_logprobs(2);
    request.rules = LogitRules::default().with_bias([(TokenId(9), 100.0)]);
    request.sampling = SamplingConfig::greedy().with_temperature(0.5).with_top_k(1);
    let (pieces, _, _) = run(&engine, request);
    assert_eq!(numbers(&pieces), [9]);
    let scores = pieces[0].scores.as_ref().expect("they were asked for");
    assert!(scores.chosen.logprob < -50.0 && scores.top[0].id == TokenId(5), "{scores:?}");
    assert!(scores.top[0].logprob.abs() < 1e-6);
}

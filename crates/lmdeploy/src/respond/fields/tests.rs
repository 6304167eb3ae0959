//! The shared fields: their defaults, their ranges, and what reaches the engine.

use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

use super::*;

fn check(request: &ChatRequest) -> Result<GenerateRequest> {
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
    let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
    let model = ServedModel::new("tiny", tokenizer, None, &[]);
    Fields::from(request).check(&model, 0)
}

fn error(request: ChatRequest) -> String {
    check(&request).expect_err("out of range").to_string()
}

#[test]
fn numbers_are_shown_in_a_few_digits() {
    let timeout = ChatRequest { timeout: Some(1e300), ..ChatRequest::new([]) };
    assert_eq!(error(timeout), "timeout: found 1e300, expected a number of seconds above 0");
    let hot = ChatRequest::new([]).with_temperature(2.5);
    assert_eq!(error(hot), "temperature: found 2.5, expected a number in [0, 2]");
}

#[test]
fn no_fields_are_the_defaults_and_each_field_reaches_the_engine() {
    let request = check(&ChatRequest::new([])).expect("nothing is wrong");
    assert!(request.rules.is_empty() && !request.include_stop && request.cache_salt.is_none());
    assert_eq!((request.min_new, request.priority, request.timeout), (0, 0, None));
    let fields = ChatRequest {
        min_new_tokens: Some(3),
        include_stop_str_in_output: Some(true),
        cache_salt: Some("a".to_owned()),
        presence_penalty: Some(0.5),
        frequency_penalty: Some(-0.5),
        repetition_ngram_size: Some(2),
        repetition_ngram_threshold: Some(4),
        logit_bias: Some([("7".to_owned(), 1.0)].into()),
        bad_words: Some(vec!["the".to_owned()]),
        ignore_eos: Some(true),
        stop_token_ids: Some(vec![9]),
        priority: Some(-2),
        ..ChatRequest::new([])
    };
    let request = check(&fields).expect("nothing is wrong");
    assert_eq!((request.min_new, request.include_stop, request.priority), (3, true, -2));
    assert_eq!((request.cache_salt.as_deref(), request.stop_ids), (Some("a"), vec![TokenId(9)]));
    let rules = request.rules;
    assert_eq!((rules.presence_penalty, rules.frequency_penalty), (0.5, -0.5));
    assert_eq!((rules.ngram_size, rules.ngram_threshold, rules.bias.len()), (2, 4, 1));
    assert!(!rules.bad_words.is_empty());
}

#[test]
fn the_numbers_of_choices_and_ids_fit_together() {
    let choices = |n, best_of| {
        Fields::from(&ChatRequest { n, best_of, ..ChatRequest::new([]) })
            .choices()
            .map_err(|error| error.to_string())
    };
    assert_eq!((choices(None, None), choices(Some(128), None)), (Ok(1), Ok(128)));
    assert_eq!((choices(None, Some(1)), choices(Some(3), Some(3))), (Ok(1), Ok(3)));
    for n in [0, 129] {
        let wrong = format!("n: found {n}, expected a whole number from 1 to 128");
        assert_eq!(choices(Some(n), None), Err(wrong));
    }
    let best = "best_of: found 3, expected 1, which is `n`: all choices are answered".to_owned();
    assert_eq!(choices(None, Some(3)), Err(best));
    let min = |min_new_tokens, max_completion_tokens| ChatRequest {
        min_new_tokens,
        max_completion_tokens,
        ..ChatRequest::new([]).with_max_tokens(5)
    };
    let wrong = "min_new_tokens: found 6, expected at most the 5 of `max_tokens`";
    assert_eq!(error(min(Some(6), None)), wrong);
    assert_eq!(check(&min(Some(6), Some(6))).expect("the newer name wins").min_new, 6);
}

//! Costs of rounds against sums worked out by hand.

use internlm_kit::config;
use internlm_model::ModelSize;

use super::*;

/// Twelve answers of at most 8 tokens, in two steps; prompts of at most 16 tokens fit in front of them.
const GRPO: &str = "kind = 'grpo'\nanswers = 3\nrewards = [{ kind = 'number' }]\nanswer = { max-tokens = 8 }\n\
                    rounds = { prompts = 4, steps = 2, valid-prompts = 5 }\n\
                    rollout = { engine = 'local', batch = 6 }\n";

fn costs(objective: &str, pass_tokens: usize) -> Result<RoundCosts> {
    let text = format!(
        "[run]\nout = 'run'\npass-tokens = {pass_tokens}\n[model]\npath = 'base'\nmethod = 'full'\n\
         [objective]\n{objective}[dataset]\npaths = ['prompts']\nmax-length = 20\n[optim]\nlr = 1e-3\n"
    );
    let config: FinetuneConfig = config::parse(&text, "test.toml").expect("a valid config");
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 48, vocab: 384 };
    let model = ModelConfig::new(size).with_kv_heads(1).with_max_position(24);
    RoundCosts::of(&config, &model).map(|costs| costs.expect("an objective with rounds"))
}

#[test]
fn a_round_is_counted_with_the_longest_prompts_and_answers() {
    let found = costs(GRPO, 100).expect("fits");
    assert_eq!(found.passes, Passes { tokens: 100, count: 2 });
    assert_eq!((found.critic, found.reward_models), (None, 0));
    assert_eq!(found.answers, 48 * 12 * 8 + 28 * 12 * 24);
    // Six sequences at a time; the prompts of five validation requests; 400 floats per token of a pass.
    let floats = 6 * 24 * (2 * 2 * 16) + 5 * 16 * 400 + 3 * 6 * 384;
    assert_eq!(found.rollout, 4 * floats);
}

#[test]
fn passes_hold_what_a_step_has_and_never_divide_a_row() {
    let passes = |limit| costs(GRPO, limit).expect("fits").passes;
    assert_eq!(passes(4096), Passes { tokens: 6 * 24, count: 1 });
    assert_eq!(passes(10), Passes { tokens: 24, count: 2 });
}

#[test]
fn a_server_has_the_keys_and_answers_must_fit_the_model() {
    let served = GRPO.replace("engine = 'local', batch = 6", "engine = 'served', url = 'http://localhost:1'");
    assert_eq!(costs(&served, 100).expect("fits").rollout, 0);
    let error = costs(&GRPO.replace("max-tokens = 8", "max-tokens = 24"), 100).expect_err("too long");
    assert!(error.to_string().starts_with("objective.answer.max-tokens: found 25"), "{error}");
}

//! How long a sequence may be before its length changes the rotation of its keys.

use internlm_model::ModelConfig;
use internlm_model::config::RopeScaling;

/// Number of known tokens up to which the keys of a sequence are those of any other one with the same beginning.
///
/// Beyond it, dynamic NTK scaling and LongRoPE rotate every key of a prompt by the prompt's length.
pub(super) fn rotary_limit(config: &ModelConfig) -> usize {
    match config.rope_scaling {
        RopeScaling::Dynamic { .. } => config.max_position,
        RopeScaling::LongRope { original_max_position, .. } => original_max_position,
        _ => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::ModelSize;

    use super::*;

    #[test]
    fn only_scalings_that_follow_the_length_have_a_limit() {
        let size = ModelSize { hidden: 64, layers: 1, heads: 4, inter: 64, vocab: 300 };
        let config = ModelConfig::new(size).with_max_position(128);
        assert_eq!(rotary_limit(&config), usize::MAX);
        let linear = config.clone().with_rope_scaling(RopeScaling::Linear { factor: 2.0 });
        assert_eq!(rotary_limit(&linear), usize::MAX);
        let dynamic = config.with_rope_scaling(RopeScaling::Dynamic { factor: 2.0 });
        assert_eq!(rotary_limit(&dynamic), 128);
    }
}

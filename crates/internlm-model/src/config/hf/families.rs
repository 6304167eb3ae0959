//! The architectures of Hugging Face files that this crate implements.

use crate::config::Family;

/// `architectures[0]`, `model_type`, family.
pub(super) const FAMILIES: [(&str, &str, Family); 6] = [
    ("InternLM2ForCausalLM", "internlm2", Family::InternLm2),
    ("InternLM2ForRewardModel", "internlm2", Family::InternLm2Reward),
    ("InternLM3ForCausalLM", "internlm3", Family::InternLm3),
    ("LlamaForCausalLM", "llama", Family::Llama),
    ("MistralForCausalLM", "mistral", Family::Mistral),
    ("Qwen2ForCausalLM", "qwen2", Family::Qwen2),
];

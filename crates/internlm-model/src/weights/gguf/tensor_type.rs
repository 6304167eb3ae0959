//! The numbers that stand for tensor types in a GGUF file: `ggml_type` of llama.cpp's `ggml.h`.

use crate::weights::Encoding;

/// The types that are read, for messages.
pub(super) const KNOWN: &str = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K";

/// Types that are not read: number, llama.cpp's name.
const FOREIGN: [(u32, &str); 20] = [
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

/// The encoding of a type; `None` for types that are not read.
pub(super) fn encoding(kind: u32) -> Option<Encoding> {
    Some(match kind {
        0 => Encoding::F32,
        1 => Encoding::F16,
        2 => Encoding::Q4_0,
        3 => Encoding::Q4_1,
        6 => Encoding::Q5_0,
        7 => Encoding::Q5_1,
        8 => Encoding::Q8_0,
        12 => Encoding::Q4K,
        13 => Encoding::Q5K,
        14 => Encoding::Q6K,
        24 => Encoding::I8,
        25 => Encoding::I16,
        26 => Encoding::I32,
        27 => Encoding::I64,
        28 => Encoding::F64,
        30 => Encoding::Bf16,
        _ => return None,
    })
}

/// A type that is not read, in words: `IQ4_XS (type 23)`.
pub(super) fn name(kind: u32) -> String {
    match FOREIGN.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => format!("{name} (type {kind})"),
        None => format!("type {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_or_named_but_not_both() {
        for (kind, _) in FOREIGN {
            assert!(encoding(kind).is_none(), "{kind}");
        }
        assert_eq!(name(23), "IQ4_XS (type 23)");
        assert_eq!(name(4000), "type 4000");
    }
}

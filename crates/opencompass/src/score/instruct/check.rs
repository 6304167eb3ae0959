//! The instructions by name.

use super::arguments::Arguments;
use super::{format, keywords, language, length};

/// Says whether a text follows an instruction. The error says that the instruction is unknown or lacks an argument.
pub(super) fn follows(instruction: &str, arguments: Arguments<'_>, text: &str) -> Result<bool, String> {
    match instruction {
        "keywords:existence" => keywords::existence(text, arguments),
        "keywords:frequency" => keywords::frequency(text, arguments),
        "keywords:forbidden_words" => keywords::forbidden(text, arguments),
        "keywords:letter_frequency" => keywords::letter(text, arguments),
        "language:response_language" => language::is_in(text, arguments),
        "length_constraints:number_sentences" => length::sentences(text, arguments),
        "length_constraints:number_paragraphs" => length::paragraphs(text, arguments),
        "length_constraints:number_words" => length::words(text, arguments),
        "length_constraints:nth_paragraph_first_word" => length::first_word(text, arguments),
        "detectable_content:number_placeholders" => format::placeholders(text, arguments),
        "detectable_content:postscript" => format::postscript(text, arguments),
        "detectable_format:number_bullet_lists" => format::bullets(text, arguments),
        "detectable_format:constrained_response" => Ok(format::constrained(text)),
        "detectable_format:number_highlighted_sections" => format::highlights(text, arguments),
        "detectable_format:multiple_sections" => format::sections(text, arguments),
        "detectable_format:json_format" => Ok(format::json(text)),
        "detectable_format:title" => Ok(format::title(text)),
        "combination:two_responses" => Ok(format::two_responses(text)),
        "combination:repeat_prompt" => format::repeats_prompt(text, arguments),
        "startend:end_checker" => format::end(text, arguments),
        "change_case:capital_word_frequency" => language::capital_words(text, arguments),
        "change_case:english_capital" => Ok(language::is_english_upper(text)),
        "change_case:english_lowercase" => Ok(language::is_english_lower(text)),
        "punctuation:no_comma" => Ok(!text.contains(',')),
        "startend:quotation" => Ok(format::quoted(text)),
        other => Err(format!("instruction: found `{other}`, expected one of IFEval's 25")),
    }
}

/// Says whether the verdict needs a model of sentences, words or languages, which here is not upstream's.
pub(super) fn is_approximate(instruction: &str) -> bool {
    matches!(
        instruction,
        "length_constraints:number_sentences"
            | "language:response_language"
            | "change_case:capital_word_frequency"
            | "change_case:english_capital"
            | "change_case:english_lowercase"
    )
}

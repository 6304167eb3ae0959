//! The stage `abnormal-characters`: limits on characters that no text should hold, the second of InternLM2's
//! three families of heuristic rules (arXiv 2403.17297, section 3.1). InternLM2 publishes no numbers: these are ours.

use serde::{Deserialize, Serialize};

use super::words::ratio;
use super::{Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `abnormal-characters`: shares of the characters of the text; 1 switches a rule off.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct AbnormalCharactersConfig {
    /// Maximum share of U+FFFD, which stands for bytes that could not be decoded. Ours: 0.002.
    pub max_replacement: f64,
    /// Maximum share of control characters other than tab, line feed and carriage return. Ours: 0.002.
    pub max_control: f64,
    /// Maximum share of private-use characters: icons of web fonts. Ours: 0.005.
    pub max_private_use: f64,
    /// Maximum share of UTF-8 that was read as Windows-1252, like `Ã©` and `â€™`. Ours: 0.005.
    pub max_mojibake: f64,
    /// Limits that differ for Chinese text.
    pub chinese: ChineseAbnormalConfig,
}

/// Limits that differ for Chinese text.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseAbnormalConfig {
    /// Maximum share of characters that come from bytes read in the wrong encoding: 锟斤拷 (U+FFFD read as GBK),
    /// 烫烫烫 and 屯屯屯 (memory that was never written, read as GBK). Ours: 0.005.
    pub max_mojibake: f64,
}

impl Default for AbnormalCharactersConfig {
    fn default() -> Self {
        Self {
            max_replacement: 0.002,
            max_control: 0.002,
            max_private_use: 0.005,
            max_mojibake: 0.005,
            chinese: ChineseAbnormalConfig::default(),
        }
    }
}

impl Default for ChineseAbnormalConfig {
    fn default() -> Self {
        Self { max_mojibake: 0.005 }
    }
}

/// Drops texts with too many characters that no text should hold.
#[derive(Clone, Debug, Default)]
pub struct AbnormalCharacters {
    config: AbnormalCharactersConfig,
}

impl AbnormalCharacters {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: AbnormalCharactersConfig) -> Self {
        Self { config }
    }

    fn rules(&self, view: &View<'_>) -> Option<Reason> {
        let (text, config) = (view.plain_text(), &self.config);
        let (mut replacement, mut control, mut private) = (0, 0, 0);
        for c in text.chars() {
            replacement += usize::from(c == '\u{fffd}');
            control += usize::from(c.is_control() && !matches!(c, '\n' | '\t' | '\r'));
            private += usize::from(matches!(c,
                '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}'));
        }
        let (mojibake, max_mojibake) = match view.writing() {
            Writing::Spaced => (latin_mojibake(text), config.max_mojibake),
            Writing::Chinese => (chinese_mojibake(text), config.chinese.max_mojibake),
        };
        let rules = [
            ("replacement-characters", replacement, config.max_replacement),
            ("control-characters", control, config.max_control),
            ("private-use-characters", private, config.max_private_use),
            ("mojibake", mojibake, max_mojibake),
        ];
        rules.into_iter().find_map(|(rule, found, limit)| {
            let share = ratio(found, view.plain_characters());
            (share > limit).then(|| Reason::above(rule, share, limit))
        })
    }
}

/// Characters in pairs that UTF-8 read as Windows-1252 gives: `Ã` or `Â` and a continuation byte, `â€`.
fn latin_mojibake(text: &str) -> usize {
    let is_continuation =
        |c: char| matches!(c, '\u{80}'..='\u{bf}') || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(c);
    let pairs = text.chars().zip(text.chars().skip(1));
    2 * pairs
        .filter(|(lead, next)| match lead {
            'Ã' | 'Â' => is_continuation(*next),
            'â' => *next == '€',
            _ => false,
        })
        .count()
}

fn chinese_mojibake(text: &str) -> usize {
    3 * ["锟斤拷", "烫烫烫", "屯屯屯"].iter().map(|mark| text.matches(mark).count()).sum::<usize>()
}

impl RuleSet for AbnormalCharacters {
    fn decide(&self, view: &View<'_>) -> Decision {
        Decision::from_reason(self.rules(view))
    }
}

impl Stage for AbnormalCharacters {
    fn name(&self) -> &'static str {
        "abnormal-characters"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_named() {
        let rule = |text: &str| {
            let decision = AbnormalCharacters::default().decide(&View::new(text));
            decision.reason().map(|reason| reason.rule.clone().into_owned())
        };
        for (text, expected) in [
            ("Tabs\tand\r\nline ends; déjà vu, São Paulo, a château’s “Ÿ”.", None),
            ("A \u{fffd} here", Some("replacement-characters")),
            ("A \u{1} here", Some("control-characters")),
            ("An \u{e012} icon", Some("private-use-characters")),
            ("It wasnâ€™t dÃ©jÃ\u{a0} vu", Some("mojibake")),
            ("今天天气锟斤拷很好", Some("mojibake")),
            ("水太烫了，烫烫的", None),
        ] {
            assert_eq!(rule(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_at_the_threshold_passes() {
        let text = "\u{fffd}".to_owned() + &"a".repeat(499);
        assert_eq!(AbnormalCharacters::default().decide(&View::new(&text)), Decision::Keep);
        assert!(AbnormalCharacters::default().decide(&View::new(&text[..text.len() - 1])).reason().is_some());
    }
}

//! One prompt per label, whose common beginning is scored once.
//!
//! The options of a multiple-choice question have nearly all of their tokens in common. With the model's tokenizer, the
//! common beginning becomes one request, and each label one that scores only what is its own. The beginning is common in
//! *tokens*, so the sums are those of the whole prompts. The requests of the labels follow the one of the beginning,
//! because a server finds in its prefix cache what it has computed before. Examples that are the same for every question
//! are a beginning of their own, which all items of a set have in common and which is therefore asked once.

use internlm_model::tokenizer::Tokenizer;

use super::shots::{Asker, Separator};
use super::{Ask, AskPart, Item};
use crate::dataset::{Dataset, Retriever};
use crate::model::{Profile, Request, ScoredText};
use crate::prompt::{PromptList, Purpose, render_text};

/// Minimum number of common tokens that are worth a request of their own; nearly all prompts begin with `<s>`.
const WORTH_SHARING: usize = 2;
/// Minimum number of tokens of examples that are worth a request of their own, which the first items wait for.
const WORTH_WAITING: usize = 32;

/// The prompt of one label.
pub(super) struct LabelPrompt {
    /// The label as the template names it.
    pub(super) label: String,
    /// The whole prompt with examples and answer.
    pub(super) text: String,
}

/// The prompts of all labels of a row.
pub(super) struct LabelPrompts {
    /// One prompt per label, in the order of the template.
    pub(super) prompts: Vec<LabelPrompt>,
    /// The examples as text.
    pub(super) shots: String,
    /// Number of examples that the longest prompt leaves out.
    pub(super) dropped: usize,
    /// Whether every question of the set has the same examples.
    pub(super) fixed: bool,
}

/// Renders the prompt of every label of row `index`.
pub(super) fn label_prompts(
    dataset: &Dataset,
    index: usize,
    profile: &Profile,
    separator: Separator,
) -> Result<LabelPrompts, String> {
    let asker = Asker::new(dataset, separator)?;
    let meta = profile.meta_template.as_ref();
    let fixed = dataset.config.few_shot.retriever == Retriever::Fixk;
    let mut all = LabelPrompts { prompts: Vec::new(), shots: String::new(), dropped: 0, fixed };
    for label in asker.labels() {
        let render = |list: &PromptList, _| {
            let text = render_text(list, meta, Purpose::Score)?;
            Ok((text.clone(), text))
        };
        let fitted = asker.fit(index, Some(&label), (profile, profile.max_seq_len), render)?;
        all.shots = render_text(&fitted.shots, meta, Purpose::Score)?;
        all.dropped = all.dropped.max(fitted.dropped);
        all.prompts.push(LabelPrompt { label, text: fitted.prompt });
    }
    Ok(all)
}

impl LabelPrompts {
    /// Number of the first tokens of `ids` that the same examples make of every question; 0 when examples differ.
    fn examples(&self, profile: &Profile, ids: &[u32]) -> usize {
        let end = |prompt: &LabelPrompt| prompt.text.find(&self.shots).map(|start| start + self.shots.len());
        let Some(prompt) = self.prompts.first().filter(|_| self.fixed && !self.shots.is_empty()) else {
            return 0;
        };
        let (Some(tokenizer), Some(end)) = (profile.tokenizer.as_ref(), end(prompt)) else { return 0 };
        let alone = ids_of(tokenizer, &prompt.text[..end]);
        // The last token may be cut otherwise where a question follows.
        let certain = alone.len().saturating_sub(1);
        alone[..certain].iter().zip(ids).take_while(|(a, b)| a == b).count()
    }
}

/// Returns a prompt without its examples.
pub(super) fn without(prompt: &str, shots: &str) -> String {
    if shots.is_empty() { prompt.to_owned() } else { prompt.replace(shots, "") }
}

/// Returns the ids of a text as the model reads it.
pub(super) fn ids_of(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode_prompt(text).into_iter().map(|id| id.0).collect()
}

/// Fills `item` with the requests that score the whole prompt of every label.
pub(super) fn whole_prompts(item: &mut Item, all: LabelPrompts, profile: &Profile) {
    item.dropped_shots = all.dropped;
    item.shots.clone_from(&all.shots);
    let ids: Option<Vec<Vec<u32>>> = profile
        .tokenizer
        .as_ref()
        .map(|tokenizer| all.prompts.iter().map(|prompt| ids_of(tokenizer, &prompt.text)).collect());
    let shared = ids.as_deref().map_or(0, common);
    if shared >= WORTH_SHARING
        && let Some(first) = ids.as_ref().and_then(|ids| ids.first())
    {
        let prefix = |end: usize, from| {
            let request = Request::Score { text: ScoredText::Ids(first[..end].to_vec()), from };
            Ask { part: AskPart::Prefix, ..Ask::new(request, profile) }
        };
        match all.examples(profile, &first[..shared - 1]) {
            examples if examples >= WORTH_WAITING => {
                item.asks.push(prefix(examples, 0));
                item.later.push(prefix(shared, examples));
            }
            _ => item.asks.push(prefix(shared, 0)),
        }
    }
    let mut ids = ids.into_iter().flatten();
    for prompt in all.prompts {
        let bytes = without(&prompt.text, &item.shots).len();
        let own = ids.next().filter(|_| shared >= WORTH_SHARING);
        let request = match own {
            Some(ids) => Request::Score { text: ScoredText::Ids(ids), from: shared },
            None => Request::Score { text: ScoredText::Text(prompt.text.clone()), from: 0 },
        };
        let ask = Ask::new(request, profile);
        let ask = Ask { label: Some(prompt.label), bytes, prompt: Some(prompt.text), ..ask };
        let list = if shared >= WORTH_SHARING { &mut item.later } else { &mut item.asks };
        list.push(ask);
    }
}

/// Counts the first tokens that all prompts have in common. At least one token of every prompt is its own.
fn common(prompts: &[Vec<u32>]) -> usize {
    let [first, rest @ ..] = prompts else { return 0 };
    if rest.is_empty() {
        return 0;
    }
    let same = |other: &Vec<u32>| first.iter().zip(other).take_while(|(a, b)| a == b).count();
    let shortest = prompts.iter().map(Vec::len).min().unwrap_or(0);
    rest.iter().map(same).min().unwrap_or(0).min(shortest.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_keeps_a_token_of_its_own() {
        for (prompts, expected) in [
            (vec![vec![1, 5, 6, 7], vec![1, 5, 6, 8]], 3),
            (vec![vec![1, 5, 6], vec![1, 5, 6, 8]], 2),
            (vec![vec![1, 5], vec![1, 5]], 1),
            (vec![vec![1], vec![2]], 0),
            (vec![vec![1, 2, 3]], 0),
            (vec![Vec::new(), vec![1]], 0),
            (Vec::new(), 0),
        ] {
            assert_eq!(common(&prompts), expected, "{prompts:?}");
        }
    }
}

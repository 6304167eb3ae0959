//! The examples (shots) of a question, fewer of them if the prompt would be too long.

use crate::Error;
use crate::dataset::{Dataset, Retriever};
use crate::model::Profile;
use crate::prompt::{PromptList, Template, python_str};

/// The templates of a dataset with its rule for examples.
pub(crate) struct Asker<'a> {
    dataset: &'a Dataset,
    question: Template,
    shot: Template,
}

/// A rendered prompt with the examples in it.
pub(super) struct Fitted<T> {
    /// The prompt, as text or as a request.
    pub(super) prompt: T,
    /// The examples before the meta template is applied.
    pub(super) shots: PromptList,
    /// Number of examples that were left out.
    pub(super) dropped: usize,
}

/// What becomes of the mark between context and answer in a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Separator {
    /// It stays in the prompt, so that the prompt can be cut there.
    Kept,
    /// It is taken out.
    Removed,
}

/// Where the row's own answer is in a prompt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    /// In the place of its mark.
    Shown,
    /// Nowhere: the model is asked for it.
    Hidden,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(dataset: &'a Dataset, separator: Separator) -> Result<Self, String> {
        let prompt = &dataset.config.prompt;
        let message = |error: Error| error.to_string();
        let question = prompt.template().map_err(message)?;
        let shot = prompt.shot_template().map_err(message)?;
        let Some(mark) = prompt.sep_token.as_deref() else {
            return Ok(Self { dataset, question, shot });
        };
        let question = match separator {
            Separator::Kept => question,
            Separator::Removed => question.without(mark),
        };
        // Upstream forgets to take the mark out of examples.
        let shot = if dataset.config.score.compat { shot } else { shot.without(mark) };
        Ok(Self { dataset, question, shot })
    }

    /// Returns the labels of the question's template.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.question.labels()
    }

    /// Returns the rows of the examples of row `index`.
    fn ids(&self, index: usize) -> Result<&'a [usize], String> {
        examples_of(self.dataset, index)
    }

    /// Renders examples in front of a question.
    pub(crate) fn shots(&self, ids: &[usize]) -> Result<PromptList, String> {
        let config = &self.dataset.config;
        if config.few_shot.retriever == Retriever::Zero {
            // Upstream's zero retriever adds neither separator nor eos.
            return Ok(PromptList::Text(String::new()));
        }
        let token = config.prompt.ice_token.as_deref();
        let shots = ids.iter().map(|id| {
            let row = self.dataset.train.get(*id).ok_or_else(|| {
                format!("few_shot: found the example {id}, expected a row below {}", self.dataset.train.len())
            })?;
            let label = python_str(&row.gold(&config.reader));
            self.shot.shot(&row.visible, &label, token)
        });
        let shots = shots.collect::<Result<Vec<_>, String>>()?;
        Ok(self.shot.join(shots, &config.few_shot.separator, &config.few_shot.eos))
    }

    /// Renders the prompt of row `index` for `label`. Examples are dropped from the end, one at a time, until the
    /// prompt has at most `limit` tokens. Without the model's tokenizer none is dropped.
    ///
    /// `render` gets the prompt and the number of dropped examples; it returns the prompt and the text to count.
    pub(super) fn fit<T>(
        &self,
        index: usize,
        label: Option<&str>,
        (profile, limit): (&Profile, usize),
        render: impl Fn(&PromptList, usize) -> Result<(T, String), String>,
    ) -> Result<Fitted<T>, String> {
        let ids = self.ids(index)?;
        let mut count = ids.len();
        loop {
            let shots = self.shots(&ids[..count])?;
            let list = self.question(index, label, &shots)?;
            let (prompt, text) = render(&list, ids.len() - count)?;
            let length = profile.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(&text).len() + 1);
            if count == 0 || length <= limit {
                return Ok(Fitted { prompt, shots, dropped: ids.len() - count });
            }
            count -= 1;
        }
    }

    /// Renders the question of row `index` behind `shots`. Without a label the row's own answer is left out.
    pub(crate) fn question(
        &self,
        index: usize,
        label: Option<&str>,
        shots: &PromptList,
    ) -> Result<PromptList, String> {
        let answer = if label.is_some() { Answer::Shown } else { Answer::Hidden };
        let row = visible(self.dataset, index, answer);
        let token = self.dataset.config.prompt.ice_token.as_deref();
        self.question.question(&row, label, token, shots)
    }
}

/// The columns of a row that templates see.
fn visible(dataset: &Dataset, index: usize, answer: Answer) -> serde_json::Map<String, serde_json::Value> {
    let mut row = dataset.test[index].visible.clone();
    if answer == Answer::Hidden
        && let Some(output) = &dataset.config.reader.output
    {
        // The answer must not be in the prompt that asks for it.
        row.insert(output.clone(), "".into());
    }
    row
}

/// Returns the rows of `train` that are the examples of row `index`.
pub(super) fn examples_of(dataset: &Dataset, index: usize) -> Result<&[usize], String> {
    match (dataset.config.few_shot.retriever, &dataset.examples) {
        (Retriever::Zero, _) => Ok(&[]),
        (Retriever::Fixk, _) => Ok(&dataset.config.few_shot.ids),
        (_, Ok(examples)) => match examples.get(index) {
            Some(ids) => Ok(ids),
            None => Err("few_shot.retriever: found no examples, expected those of every row".to_owned()),
        },
        (_, Err(reason)) => Err(format!("few_shot.retriever: {reason}")),
    }
}

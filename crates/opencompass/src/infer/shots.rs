//! The examples (shots) of a question, fewer of them if the prompt would be too long.

use crate::Error;
use crate::dataset::{Dataset, Retriever};
use crate::model::Profile;
use crate::prompt::{PromptList, Template, python_str};

/// The templates of a dataset with its rule for examples.
pub(super) struct Asker<'a> {
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

impl<'a> Asker<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Result<Self, String> {
        let prompt = &dataset.config.prompt;
        let message = |error: Error| error.to_string();
        let question = prompt.template().map_err(message)?;
        Ok(Self { dataset, question, shot: prompt.shot_template().map_err(message)? })
    }

    /// Returns the labels of the question's template.
    pub(super) fn labels(&self) -> Vec<String> {
        self.question.labels()
    }

    fn shots(&self, count: usize) -> Result<PromptList, String> {
        let config = &self.dataset.config;
        if config.few_shot.retriever == Retriever::Zero {
            // Upstream's zero retriever adds neither separator nor eos.
            return Ok(PromptList::Text(String::new()));
        }
        let token = config.prompt.ice_token.as_deref();
        let shots = config.few_shot.ids.iter().take(count).map(|id| {
            let row = &self.dataset.train[*id];
            let label = python_str(&row.gold(&config.reader));
            self.shot.shot(&row.visible, &label, token)
        });
        let shots = shots.collect::<Result<Vec<_>, _>>()?;
        Ok(self.shot.join(shots, &config.few_shot.separator, &config.few_shot.eos))
    }

    /// Renders the prompt of row `index` for `label`. Examples are dropped from the end, one at a time, until the
    /// prompt has at most `limit` tokens. Without the model's tokenizer none is dropped.
    pub(super) fn fit<T>(
        &self,
        index: usize,
        label: Option<&str>,
        profile: &Profile,
        limit: usize,
        render: impl Fn(&PromptList) -> Result<(T, String), String>,
    ) -> Result<Fitted<T>, String> {
        let config = &self.dataset.config;
        let mut row = self.dataset.test[index].visible.clone();
        if label.is_none()
            && let Some(output) = &config.reader.output
        {
            // The answer must not be in the prompt that asks for it.
            row.insert(output.clone(), "".into());
        }
        let token = config.prompt.ice_token.as_deref();
        let mut count = config.few_shot.ids.len();
        loop {
            let shots = self.shots(count)?;
            let list = self.question.question(&row, label, token, &shots)?;
            let (prompt, text) = render(&list)?;
            let length = profile.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(&text).len() + 1);
            if count == 0 || length <= limit {
                return Ok(Fitted { prompt, shots, dropped: config.few_shot.ids.len() - count });
            }
            count -= 1;
        }
    }
}

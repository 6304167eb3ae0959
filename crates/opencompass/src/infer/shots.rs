//! The shots of a question, fewer of them when the prompt would be too long.

use crate::dataset::{Dataset, Retriever};
use crate::model::Profile;
use crate::prompt::{PromptList, Template, python_str};

/// Templates of a dataset, and the shots it wants.
pub(super) struct Asker<'a> {
    dataset: &'a Dataset,
    question: Template,
    shot: Template,
}

/// A rendered prompt and the shots in it.
pub(super) struct Fitted<T> {
    /// The prompt.
    pub(super) prompt: T,
    /// The shots before the meta template.
    pub(super) shots: PromptList,
    /// How many shots were left out.
    pub(super) dropped: usize,
}

impl<'a> Asker<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Result<Self, String> {
        let prompt = &dataset.config.prompt;
        Ok(Self { dataset, question: prompt.template()?, shot: prompt.shot_template()? })
    }

    /// The labels of the question's template.
    pub(super) fn labels(&self) -> Vec<String> {
        self.question.labels()
    }

    fn shots(&self, count: usize) -> Result<PromptList, String> {
        let config = &self.dataset.config;
        if config.few_shot.retriever == Retriever::Zero {
            // Upstream's zero retriever has neither separator nor eos.
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

    /// The prompt of row `index` for `label`. Shots are dropped from the end, one at a time, until `render`'s
    /// result is at most `limit` tokens long; without the model's tokenizer none is dropped.
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

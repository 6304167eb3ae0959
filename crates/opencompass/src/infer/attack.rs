//! `attack`: the question is asked behind prompts whose words are changed (`AttackInferencer`).
//!
//! Upstream lets promptbench search for the change that costs most; here every change that needs no model is asked, and
//! the scorer compares them. Each form of a prompt is one answer of the row: the prompts in their order, each first as
//! it is and then attacked.

use serde_json::{Map, Value, json};

use super::perturb::perturbed;
use super::shots::{Asker, Separator};
use super::speaker::Speaker;
use super::{Ask, Item, Outcome, Prediction, generate};
use crate::dataset::{AttackConfig, AttackKind, Dataset};
use crate::model::Profile;
use crate::prompt::{PromptList, Purpose, render_text};

/// All attacks, which are used if the dataset names none.
const ALL: [AttackKind; 4] =
    [AttackKind::StressTest, AttackKind::CheckList, AttackKind::DeepWordBug, AttackKind::TextBugger];

/// One form of a prompt.
struct Form<'a> {
    /// Place of the prompt in the list.
    prompt: usize,
    /// The attack with the number of its change; absent for the prompt as it is.
    attack: Option<(AttackKind, u64)>,
    config: &'a AttackConfig,
}

fn attacks(config: &AttackConfig) -> &[AttackKind] {
    if config.attacks.is_empty() { &ALL } else { &config.attacks }
}

/// Number of forms of each prompt.
fn forms_per_prompt(config: &AttackConfig) -> usize {
    1 + attacks(config).len() * config.variants.max(1)
}

/// Returns the number of forms that every row is asked in.
pub(super) fn forms(dataset: &Dataset) -> usize {
    let config = dataset.config.infer.attack.as_ref();
    config.map_or(1, |config| config.original_prompt_list.len() * forms_per_prompt(config)).max(1)
}

impl<'a> Form<'a> {
    fn new(dataset: &'a Dataset, replica: usize) -> Result<Self, String> {
        let config = dataset.config.infer.attack.as_ref();
        let config = config.ok_or("infer.attack: found none, expected the prompts that are attacked")?;
        if config.adv_key.is_empty() || config.original_prompt_list.is_empty() {
            return Err("infer.attack: found no adv_key or no original_prompt_list, expected both".to_owned());
        }
        let per_prompt = forms_per_prompt(config);
        let (prompt, form) = (replica / per_prompt, replica % per_prompt);
        let variants = config.variants.max(1);
        let attack =
            form.checked_sub(1).map(|form| (attacks(config)[form / variants], (form % variants) as u64));
        Ok(Self { prompt, attack, config })
    }

    fn text(&self) -> Result<String, String> {
        let prompt = self.config.original_prompt_list.get(self.prompt);
        let prompt = prompt.ok_or_else(|| format!("infer.attack: found no prompt {}", self.prompt))?;
        Ok(match self.attack {
            None => prompt.clone(),
            Some((attack, variant)) => perturbed(prompt, attack, self.config.seed, variant),
        })
    }
}

/// Creates the request of row `index` in the form `replica`.
pub(super) fn item(
    dataset: &Dataset,
    (index, replica): (usize, usize),
    speaker: Speaker<'_>,
    profile: &Profile,
) -> Result<Item, String> {
    let form = Form::new(dataset, replica)?;
    let column: Map<String, Value> =
        std::iter::once((form.config.adv_key.clone(), json!(form.text()?))).collect();
    let asker = Asker::new(dataset, Separator::Removed)?;
    let render = |list: &PromptList, _| speaker.request(&list.clone().format(&column), 0);
    let fitted = asker.fit(index, None, (profile, speaker.limit()), render)?;
    Ok(Item {
        asks: vec![Ask::new(fitted.prompt, profile)],
        shots: render_text(&fitted.shots, None, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold: dataset.test[index].gold(&dataset.config.reader),
        ..Item::default()
    })
}

/// Takes the answer as it is and notes the form of the prompt.
pub(super) fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome]) -> Prediction {
    let mut prediction = generate::conclude(item, outcomes);
    if let Ok(form) = Form::new(dataset, item.replica)
        && let Some(record) = prediction.record.as_object_mut()
    {
        let attack = form.attack.map(|(attack, variant)| json!({ "name": attack, "variant": variant }));
        record.insert("prompt".to_owned(), json!(form.prompt));
        record.insert("attack".to_owned(), json!(attack));
    }
    prediction
}

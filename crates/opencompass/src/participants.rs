//! Who a run needs besides its models: the judges and the sandbox that evaluators ask. A plan refuses the cells that lack
//! one of them.

use crate::ask::{Failures, Lookup, outcome};
use crate::counted::counted;
use crate::dataset::Dataset;
use crate::infer::{InferContext, Prediction};
use crate::plan::{Plan, Work};
use crate::score::{FollowUp, Helper, Participant, Scorer};
use crate::{Evaluation, Part, Result, Store};

impl Evaluation {
    /// Plans every cell for answers and evidence. Nothing is asked and nothing is written.
    #[must_use]
    pub fn plan(&self, context: InferContext) -> Plan {
        self.plan_part(context, Part::AnswersAndEvidence)
    }

    /// Like [`plan`](Self::plan), but only for a part of what the run needs. With evidence, cells are refused whose
    /// evaluator may ask a judge or a sandbox that the run lacks.
    #[must_use]
    pub fn plan_part(&self, context: InferContext, part: Part) -> Plan {
        let mut plan = Plan::new(&self.profiles(), self.datasets(), context);
        if part == Part::AnswersAndEvidence {
            let lacks: Vec<Option<String>> = self.datasets().iter().map(|set| self.lack(set)).collect();
            for cell in &mut plan.cells {
                if let Some(reason) = &lacks[cell.dataset]
                    && matches!(cell.work, Work::Ready(_))
                {
                    cell.work = Work::Refused(reason.clone());
                }
            }
        }
        plan
    }

    /// Refuses the cells with an answer in `store` that waits for a judge or a sandbox that the run lacks. What was judged
    /// by a rule, or was never answered, needs nobody.
    ///
    /// # Errors
    /// The same as [`conclude`](Self::conclude).
    pub fn refuse_unjudged(&self, plan: &mut Plan, store: &Store) -> Result<()> {
        let failures = Failures::new();
        let answers = |key: &str| outcome(store, &failures, key);
        let context = plan.context;
        for cell in &mut plan.cells {
            let dataset = &self.datasets()[cell.dataset];
            let Some(reason) = self.lack(dataset) else { continue };
            let scorer = Scorer::new(dataset)?;
            let lacks = |ask: &FollowUp| self.absence(ask.participant()).is_some();
            let waits = |prediction: &Prediction| self.waits(&scorer, prediction, &answers).iter().any(lacks);
            if self.settled(cell, context, &answers).iter().any(waits) {
                cell.work = Work::Refused(reason);
            }
        }
        Ok(())
    }

    /// Says whether a judge would be asked about the answers that `store` has.
    ///
    /// # Errors
    /// The same as [`conclude`](Self::conclude).
    pub fn lacks_judgements(&self, plan: &Plan, store: &Store) -> Result<bool> {
        let failures = Failures::new();
        let answers = |key: &str| outcome(store, &failures, key);
        for cell in &plan.cells {
            let scorer = Scorer::new(&self.datasets()[cell.dataset])?;
            if scorer.participants().iter().all(|participant| *participant == Participant::Sandbox) {
                continue;
            }
            let is_judged = |ask: &FollowUp| matches!(ask.to, Helper::Judge(_));
            let waits =
                |prediction: &Prediction| self.waits(&scorer, prediction, &answers).iter().any(is_judged);
            if self.settled(cell, plan.context, &answers).iter().any(waits) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns what a prediction waits for before it can be judged.
    fn waits(&self, scorer: &Scorer<'_>, prediction: &Prediction, answers: Lookup<'_>) -> Vec<FollowUp> {
        let lookup = |ask: &FollowUp| self.follow_up_key(ask).and_then(|key| answers(&key));
        scorer.follow_ups(prediction, &lookup)
    }

    /// Says whom the run lacks to judge the answers to a dataset; `None` if everyone is there. Of several judges it is the
    /// last one, so that the message says how many there have to be.
    fn lack(&self, dataset: &Dataset) -> Option<String> {
        let scorer = match Scorer::new(dataset) {
            Ok(scorer) => scorer,
            Err(error) => return Some(error.to_string()),
        };
        let participants = scorer.participants();
        let reason = participants.into_iter().rev().find_map(|participant| self.absence(participant))?;
        Some(format!("evaluator `{}` {reason}", dataset.config.score.evaluator.name()))
    }

    /// Says why a participant cannot be asked.
    fn absence(&self, participant: Participant) -> Option<String> {
        match participant {
            Participant::Sandbox => self.helper(Helper::Sandbox).is_none().then(|| {
                "runs programs: found no sandbox, expected a build with the feature `sandbox`".to_owned()
            }),
            Participant::Judge(place) => self.absent_judge(place),
            Participant::Vectors(place) => self.absent_judge(place).or_else(|| {
                let (_, judge) = self.helper(Helper::Judge(place))?;
                let reason = judge.profile().embeddings.as_ref().err()?;
                let name = &judge.profile().name;
                Some(format!("needs sentence vectors of judge {place} (`{name}`), but {reason}"))
            }),
        }
    }

    fn absent_judge(&self, place: usize) -> Option<String> {
        let judges = self.judge_profiles().len();
        (place >= judges).then(|| {
            let (found, expected) = (counted(judges, "table"), place + 1);
            format!("asks judge {place}: found {found} [[judges]], expected {expected} or more")
        })
    }
}

//! Asks task by task, as the partitioner of the run says.

use internlm_kit::context::RunContext;

use crate::partition::{Partitioner, SetSize, restricted};
use crate::plan::{Cell, Plan, Work};
use crate::{Evaluation, EvaluationConfig, Failures, Part, Result, Store};

/// Asks everything in the plan that the store does not have yet. Tasks of a partitioner follow each other.
pub(super) async fn ask(
    evaluation: &Evaluation,
    plan: &Plan,
    (store, part): (&mut Store, Part),
    (config, context): (&EvaluationConfig, &RunContext),
) -> Result<Failures> {
    let how = (config.run.workers, context);
    if config.run.partitioner == Partitioner::Naive {
        return evaluation.ask_part(plan, store, part, how).await;
    }
    let sizes: Vec<SetSize> = evaluation.datasets().iter().map(SetSize::of).collect();
    let mut failures = Failures::new();
    for model in 0..evaluation.profiles().len() {
        for task in config.run.partitioner.tasks(&sizes) {
            let plan = restricted(plan, model, &task);
            failures.extend(evaluation.ask_part(&plan, store, part, how).await?);
        }
    }
    Ok(failures)
}

/// Returns the items whose first requests are all answered.
pub(super) fn answered(plan: &Plan, store: &Store) -> Plan {
    let cells = plan.cells.iter().map(|cell| {
        let stored = |item: &&crate::infer::Item| item.known_asks().all(|ask| store.get(&ask.key).is_some());
        let work = match &cell.work {
            Work::Ready(items) => Work::Ready(items.iter().filter(stored).cloned().collect()),
            refused @ Work::Refused(_) => refused.clone(),
        };
        Cell { work, ..cell.clone() }
    });
    Plan { cells: cells.collect(), context: plan.context }
}

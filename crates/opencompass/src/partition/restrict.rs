//! The plan of one task.

use super::TaskPart;
use crate::plan::{Cell, Plan, Work};

/// Returns the plan of one task: the cells of `model` with only the rows that the task asks. Keys of requests do not
/// change, so the answers are those of the whole plan.
#[must_use]
pub fn restricted(plan: &Plan, model: usize, task: &[TaskPart]) -> Plan {
    let mut cells = Vec::new();
    for part in task {
        let of_part = |cell: &&Cell| cell.model == model && cell.dataset == part.set;
        for cell in plan.cells.iter().filter(of_part) {
            let items = cell.items().iter().filter(|item| part.rows.contains(&item.row)).cloned().collect();
            cells.push(Cell { work: Work::Ready(items), ..cell.clone() });
        }
    }
    Plan { cells, context: plan.context }
}

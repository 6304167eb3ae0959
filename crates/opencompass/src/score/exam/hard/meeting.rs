//! Schedules of meetings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::solution::{Solution, whole};

/// Verifies a schedule: every meeting has slots in a row that its participants have free, and nobody is in two meetings.
pub(super) fn schedule(problem: &Value, answer: &Solution) -> Option<bool> {
    let slots = slots(answer)?;
    let meetings = problem["meetings"].as_array()?;
    let participants = problem["participants"].as_object()?;
    let total = problem["time_slots"].as_i64()?;
    for meeting in meetings {
        let id = meeting["id"].as_i64()?;
        let Some(taken) = slots.get(&id) else { return Some(false) };
        let fits = taken.len() == usize::try_from(meeting["duration"].as_i64()?).ok()?
            && taken.iter().all(|slot| *slot < total)
            && taken.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let attends = |person: &&Value| numbers(&person["meetings"]).contains(&id);
        let free = participants.values().filter(attends).all(|person| {
            let available = numbers(&person["available_slots"]);
            taken.iter().all(|slot| available.contains(slot))
        });
        if !fits || !free {
            return Some(false);
        }
    }
    let known: BTreeSet<i64> = meetings.iter().filter_map(|meeting| meeting["id"].as_i64()).collect();
    if slots.keys().any(|id| !known.contains(id)) {
        return Some(false);
    }
    Some(participants.values().all(|person| {
        let own = numbers(&person["meetings"]);
        let mut taken = slots.iter().filter(|(id, _)| own.contains(id)).flat_map(|(_, slots)| slots);
        let mut seen = BTreeSet::new();
        taken.all(|slot| seen.insert(*slot))
    }))
}

/// The slots of each meeting.
fn slots(answer: &Solution) -> Option<BTreeMap<i64, Vec<i64>>> {
    let meeting = |(id, slots): (&String, &Value)| -> Option<(i64, Vec<i64>)> {
        Some((id.trim().parse().ok()?, slots.as_array()?.iter().map(whole).collect::<Option<_>>()?))
    };
    answer.0.iter().map(meeting).collect()
}

fn numbers(value: &Value) -> BTreeSet<i64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

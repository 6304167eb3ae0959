//! The loader of NPHardEval (Fan et al. 2023, arXiv:2312.14890): nine problems of graphs, tours, schedules and texts become
//! questions. The texts of the questions are from OpenCompass 0.5.4 (Apache-2.0).

mod grid;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{arguments, expand, integer, list, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;
use grid::Grid;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[LoaderEntry {
    name: "nphardeval",
    upstream: &[
        "HardGCPDataset",
        "Hard_TSP_Dataset",
        "Hard_MSP_Dataset",
        "CMP_GCP_D_Dataset",
        "CMP_TSP_D_Dataset",
        "CMP_KSP_Dataset",
        "P_BSP_Dataset",
        "P_EDP_Dataset",
        "P_SPP_Dataset",
    ],
    load: nphardeval,
}];

/// Number of files of tours per level.
const TOURS_PER_LEVEL: usize = 10;

/// The texts of one problem.
#[derive(Deserialize)]
struct Texts {
    /// Introduction and question, whose marks are replaced.
    question: String,
    /// What the answer has to look like, and the line before the data.
    form: String,
}

static TEXTS: LazyLock<BTreeMap<String, Texts>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("hard_problems/prompts.json")).expect("the embedded texts are JSON")
});

/// The problems by upstream's short names.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Task {
    Bsp,
    Edp,
    Spp,
    Ksp,
    Msp,
    Gcp,
    GcpD,
    Tsp,
    TspD,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Self::Bsp => "bsp",
            Self::Edp => "edp",
            Self::Spp => "spp",
            Self::Ksp => "ksp",
            Self::Msp => "msp",
            Self::Gcp => "gcp",
            Self::GcpD => "gcp_d",
            Self::Tsp => "tsp",
            Self::TspD => "tsp_d",
        }
    }

    /// The question with the data after it.
    fn prompt(self, marks: &[(&str, String)], data: &str) -> String {
        let Some(texts) = TEXTS.get(self.name()) else { return data.to_owned() };
        let mut question = texts.question.clone();
        for (name, value) in marks {
            question = question.replace(&format!("{{{name}}}"), value);
        }
        format!("{question}{}{data}", texts.form)
    }
}

/// `nphardeval`: one question per problem, with its level from 1 to 10. Graphs and tours are read from whole files.
fn nphardeval(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        task: Task,
    }
    let Arguments { task } = arguments(named)?;
    expand(rows, |place, columns| match task {
        Task::Gcp | Task::GcpD => graphs(task, place + 1, text(&columns, "text")?),
        Task::Tsp | Task::TspD => {
            tour(task, place / TOURS_PER_LEVEL + 1, text(&columns, "text")?).map(|row| vec![row])
        }
        _ => problem(task, &columns).map(|row| vec![row]),
    })
}

/// A row with the level and the problem as the expected answer, from which a solution is verified.
fn row(level: i64, prompt: String, problem: &str) -> Columns {
    Columns::from_iter([
        ("prompt".to_owned(), Value::from(prompt)),
        ("q".to_owned(), Value::from(format!("{level}####\n{problem}"))),
        ("level".to_owned(), Value::from(level)),
    ])
}

/// The graphs of a file, which end with empty lines.
fn graphs(task: Task, level: usize, file: &str) -> Result<Vec<Columns>, String> {
    let file = file.replace("\r\n", "\n");
    let mut parts: Vec<&str> = file.split("\n\n").collect();
    parts.pop();
    parts.into_iter().map(|graph| self::graph(task, level, graph)).collect()
}

fn graph(task: Task, level: usize, graph: &str) -> Result<Columns, String> {
    let lines: Vec<&str> = graph.split('\n').collect();
    let word = |line: usize, place: usize| {
        let found = lines.get(line).and_then(|line| line.split(' ').nth(place));
        found
            .map(str::to_owned)
            .ok_or_else(|| format!("text: found a graph without word {place} in line {line}"))
    };
    let first = lines.first().copied().unwrap_or_default();
    let vertices = word(1, 2)?;
    let marks = if task == Task::GcpD {
        let colors = first.split_whitespace().rev().nth(1).unwrap_or_default();
        vec![("total_vertices", vertices), ("number_of_colors", colors.to_owned())]
    } else {
        let colors = first.chars().next_back().map_or_else(String::new, String::from);
        vec![("max_vertices", vertices), ("max_colors", colors)]
    };
    let mut data = String::new();
    for line in 2..lines.len() {
        data += &format!("Vertex {} is connected to vertex {}.\n", word(line, 1)?, word(line, 2)?);
    }
    Ok(row(level as i64, task.prompt(&marks, &data), graph))
}

/// The table of distances of a file. For the decision its last row has the limit.
fn tour(task: Task, level: usize, file: &str) -> Result<Columns, String> {
    let grid = Grid::parse(file)?;
    let cities = grid.height() - usize::from(task == Task::TspD && grid.height() > 0);
    let mut marks = vec![("total_cities", cities.to_string())];
    if task == Task::TspD {
        marks.push(("distance_limit", grid.cell(cities, 0)));
    }
    let mut data = String::new();
    for from in 0..cities {
        for to in from + 1..grid.width() {
            data += &match task {
                Task::TspD => {
                    format!("The distance between City {from} and City {to} is {}.\n", grid.common(from, to))
                }
                _ => {
                    format!(
                        "The path between City {from} and City {to} is with distance {}.\n",
                        grid.cell(from, to)
                    )
                }
            };
        }
    }
    let problem = Value::from(grid.json()).to_string();
    Ok(row(level as i64, task.prompt(&marks, &data), &problem))
}

/// A problem that is a JSON object.
fn problem(task: Task, columns: &Columns) -> Result<Columns, String> {
    let shown = |name: &str| value(columns, name).map(python_str);
    let (level, marks, data) = match task {
        Task::Bsp => {
            let mut array = list(columns, "array")?.to_vec();
            array.sort_by(|one, other| number(one).total_cmp(&number(other)));
            let shown_array: Vec<String> = array.iter().map(python_str).collect();
            (array.len() as i64 - 2, vec![("target_value", shown("target")?)], shown_array.join(", ") + "\n")
        }
        Task::Edp => {
            let length = text(columns, "string_a")?.chars().count() as i64;
            let marks = vec![("string_a", shown("string_a")?), ("string_b", shown("string_b")?)];
            (length - 2, marks, String::new())
        }
        Task::Spp => {
            let nodes = list(columns, "nodes")?;
            let node = |node: Option<&Value>| node.map(python_str).unwrap_or_default();
            let marks = vec![("start_node", node(nodes.first())), ("end_node", node(nodes.last()))];
            let edges = lines(columns, "edges", "Edge from {from} to {to} has a weight of {weight}.\n")?;
            (integer(columns, "complexity_level")?, marks, edges)
        }
        Task::Ksp => {
            let marks = vec![("knapsack_capacity", shown("knapsack_capacity")?)];
            let items = lines(columns, "items", "Item {id} has weight {weight} and value {value}.\n")?;
            (list(columns, "items")?.len() as i64 - 3, marks, items)
        }
        _ => {
            let marks = vec![
                ("total_participants", shown("participants")?),
                ("total_timeslots", shown("time_slots")?),
            ];
            (integer(columns, "complexity_level")?, marks, meetings(columns)?)
        }
    };
    Ok(row(level, task.prompt(&marks, &data), &dumps(&json!(columns))))
}

/// The meetings and their participants. Upstream prints the whole table of participants in place of their number.
fn meetings(columns: &Columns) -> Result<String, String> {
    let mut data = lines(columns, "meetings", "Meeting {id} is with duration {duration}.\n")?;
    let participants = value(columns, "participants")?;
    let table = participants.as_object();
    let table = table.ok_or_else(|| format!("participants: found {participants}, expected an object"))?;
    for (name, participant) in table {
        data += &format!(
            "Participant {name} is available at time slots {} and has meetings {}.\n",
            python_str(&participant["available_slots"]),
            python_str(&participant["meetings"]),
        );
    }
    Ok(data)
}

/// One line per object of a list; marks are its members.
fn lines(columns: &Columns, place: &str, form: &str) -> Result<String, String> {
    let mut data = String::new();
    for item in list(columns, place)? {
        let members = item.as_object().ok_or_else(|| format!("{place}: found {item}, expected objects"))?;
        let mut line = form.to_owned();
        for (name, member) in members {
            line = line.replace(&format!("{{{name}}}"), &python_str(member));
        }
        data += &line;
    }
    Ok(data)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// JSON with the spaces of Python's `json.dumps`.
fn dumps(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(dumps).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| format!("{}: {}", json!(name), dumps(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;

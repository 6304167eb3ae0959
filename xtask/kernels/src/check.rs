//! Runs the workloads, compiles what they launch, prints the table and says what does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use cubecl_cuda::{Architecture, Launched, record};
use internlm_kit::outln;

use crate::kernel_list::{Entry, KernelList};
use crate::table::{self, Row};
use crate::toolchain::{Compiled, Toolchain};
use crate::workloads;

/// Registers that the hardware can give one thread.
const MOST_REGISTERS: u32 = 255;
/// Loads and stores of local memory.
const LOCAL: [&str; 2] = ["LDL", "STL"];

/// Checks all kernels, or those whose path contains `only`.
pub(crate) fn run(list: &KernelList, toolchain: &Toolchain, only: Option<&str>) -> Result<()> {
    let mut functions = BTreeSet::new();
    let checked = Mutex::new(BTreeMap::new());
    let mut count = 0;
    // One thread records what the workloads launch, the others compile it.
    rayon::in_place_scope(|scope| {
        for kernel in kernels() {
            functions.insert((kernel.launched.function.clone(), kernel.workload.clone()));
            if only.is_some_and(|words| !kernel.launched.function.contains(words)) {
                continue;
            }
            let (place, checked) = (count, &checked);
            count += 1;
            scope.spawn(move |_| {
                let result = check(&kernel, list, toolchain);
                checked.lock().unwrap_or_else(PoisonError::into_inner).insert(place, result);
            });
        }
    });
    let checked = checked.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut problems = if only.is_none() { never_launched(list, &functions) } else { Vec::new() };
    problems.extend(checked.values().flat_map(|checked| checked.problems.clone()));
    let rows: Vec<Row> = checked.into_values().filter_map(|checked| checked.row).collect();
    table::print(&rows)?;
    for problem in &problems {
        outln!("{problem}")?;
    }
    if !problems.is_empty() {
        bail!("kernel-check: {} problem(s)", problems.len());
    }
    outln!("kernel-check: {} kernels compiled, no problems", rows.len())?;
    Ok(())
}

/// A kernel and the workload that launched it first.
#[derive(Debug)]
struct Kernel {
    launched: Launched,
    workload: String,
}

/// What the workloads launch on every card, workload by workload.
fn kernels() -> impl Iterator<Item = Kernel> {
    let workloads = Architecture::ALL
        .into_iter()
        .flat_map(|architecture| workloads::all().into_iter().map(move |workload| (architecture, workload)));
    workloads.flat_map(|(architecture, workload)| {
        let device = workloads::device(architecture);
        let launched = record(architecture, || (workload.run)(&device));
        tracing::info!("{}, {}: {} new kernels", architecture.name(), workload.name, launched.len());
        launched.into_iter().map(move |launched| Kernel { launched, workload: workload.name.clone() })
    })
}

/// What came out of one kernel.
#[derive(Debug)]
struct Checked {
    /// Its line of the table, if it compiles.
    row: Option<Row>,
    problems: Vec<String>,
}

/// Compiles one kernel and judges it.
fn check(kernel: &Kernel, list: &KernelList, toolchain: &Toolchain) -> Checked {
    let Kernel { launched, workload } = kernel;
    let place = format!("{} ({workload}, {})", launched.function, launched.architecture.name());
    let failed = |error: String| Checked { row: None, problems: vec![format!("{place}: {error}")] };
    let text = match &launched.text {
        Ok(text) => text,
        Err(error) => return failed(error.clone()),
    };
    let compiled = match toolchain.compile(text, launched.architecture) {
        Ok(compiled) => compiled,
        Err(error) => return failed(format!("{error:#}")),
    };
    let shared = text.shared + compiled.resources.shared;
    let problems = problems(kernel, list, &compiled, shared);
    Checked {
        row: Some(row(kernel, &compiled, shared)),
        problems: problems.into_iter().map(|problem| format!("{place}: {problem}")).collect(),
    }
}

/// What does not hold for a kernel that asks for so much shared memory.
fn problems(kernel: &Kernel, list: &KernelList, compiled: &Compiled, shared: usize) -> Vec<String> {
    let Kernel { launched, workload } = kernel;
    let mut problems = Vec::new();
    let entry = list.find(&launched.function, workload);
    if entry.is_none() && list.is_ours(&launched.function) {
        problems.push("is not in the list of kernels".to_owned());
    }
    let resources = compiled.resources;
    let most = entry.map_or(MOST_REGISTERS, |kernel| kernel.registers);
    if resources.registers > most {
        problems.push(format!("has {} registers, expected at most {most}", resources.registers));
    }
    let most = entry.map_or(0, |kernel| kernel.spills);
    if resources.spills > most {
        problems.push(format!("spills {} bytes, expected at most {most}", resources.spills));
    }
    let local: usize = LOCAL.iter().map(|name| compiled.instructions.count(name)).sum();
    if most == 0 && (local > 0 || resources.stack > 0) {
        let stack = resources.stack;
        problems.push(format!("{local} loads and stores of local memory ({stack} bytes), expected 0"));
    }
    let most = launched.architecture.shared_memory();
    if shared > most {
        problems.push(format!("{shared} bytes of shared memory, expected at most {most}"));
    }
    let opcodes = entry.map_or(&[][..], |kernel| &kernel.opcodes);
    let absent = opcodes.iter().filter(|name| compiled.instructions.count(name) == 0);
    problems.extend(absent.map(|name| format!("has no {name} instruction")));
    problems
}
fn row(kernel: &Kernel, compiled: &Compiled, shared: usize) -> Row {
    let Kernel { launched, workload } = kernel;
    // The crate and the function: what is between them repeats on every line.
    let names: Vec<&str> = launched.function.split("::").collect();
    let end = names.len().saturating_sub(2);
    let name = format!("{}: {}", names[0], names[end.max(1).min(names.len() - 1)..].join("::"));
    Row([
        name,
        workload.clone(),
        launched.architecture.name().to_owned(),
        launched.units.to_string(),
        compiled.resources.registers.to_string(),
        shared.to_string(),
        compiled.resources.spills.to_string(),
        compiled.ptx_bytes.to_string(),
        compiled.instructions.bytes().to_string(),
    ])
}

/// Entries of the crates, and those for one workload, that nothing was launched for; `functions` are functions with
/// the workload that launched them.
fn never_launched(list: &KernelList, functions: &BTreeSet<(String, String)>) -> Vec<String> {
    let launched = |entry: &Entry| {
        let mut names = functions.iter().filter(|(function, _)| *function == entry.function);
        names.any(|(_, workload)| entry.workload.as_ref().is_none_or(|name| name == workload))
    };
    let expected = list.entries().filter(|entry| entry.workload.is_some() || list.is_ours(&entry.function));
    let absent = expected.filter(|entry| !launched(entry));
    let workload = |entry: &Entry| entry.workload.clone().unwrap_or_else(|| "any workload".to_owned());
    absent.map(|entry| format!("{}: not launched by {}", entry.function, workload(entry))).collect()
}

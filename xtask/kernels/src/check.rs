//! Runs the workloads, compiles what they launch, prints the table and says what does not hold.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cubecl_cuda::{Architecture, Launched, record};
use internlm_kit::outln;

use crate::kernel_list::{Kernel, KernelList};
use crate::table::{self, Row};
use crate::toolchain::{Compiled, Toolchain};
use crate::workloads::{self, Workload};

/// Registers that the hardware can give one thread.
const MOST_REGISTERS: u32 = 255;
/// Loads and stores of local memory.
const LOCAL: [&str; 2] = ["LDL", "STL"];

/// Checks all kernels, or those whose path contains `only`.
pub(crate) fn run(list: &KernelList, toolchain: &Toolchain, only: Option<&str>) -> Result<()> {
    let mut check = Check { list, toolchain, only, rows: Vec::new(), problems: Vec::new() };
    let mut functions = BTreeSet::new();
    for architecture in Architecture::ALL {
        for workload in workloads::all() {
            let device = workloads::device(architecture);
            for launched in record(architecture, || (workload.run)(&device)) {
                functions.insert((launched.function.clone(), workload.name.clone()));
                check.kernel(&launched, &workload);
            }
        }
    }
    if only.is_none() {
        check.problems.extend(never_launched(list, &functions));
    }
    table::print(&check.rows)?;
    for problem in &check.problems {
        outln!("{problem}")?;
    }
    if !check.problems.is_empty() {
        bail!("kernel-check: {} problem(s)", check.problems.len());
    }
    outln!("kernel-check: {} kernels compiled, no problems", check.rows.len())?;
    Ok(())
}

#[derive(Debug)]
struct Check<'a> {
    list: &'a KernelList,
    toolchain: &'a Toolchain,
    only: Option<&'a str>,
    rows: Vec<Row>,
    problems: Vec<String>,
}

impl Check<'_> {
    /// Compiles one kernel, adds its row and its problems.
    fn kernel(&mut self, launched: &Launched, workload: &Workload) {
        if self.only.is_some_and(|words| !launched.function.contains(words)) {
            return;
        }
        let place = format!("{} ({}, {})", launched.function, workload.name, launched.architecture.name());
        let text = match &launched.text {
            Ok(text) => text,
            Err(error) => return self.problems.push(format!("{place}: {error}")),
        };
        match self.toolchain.compile(text, launched.architecture) {
            Ok(compiled) => {
                let shared = text.shared + compiled.resources.shared;
                self.rows.push(row(launched, workload, &compiled, shared));
                let problems = self.problems_of(launched, &workload.name, &compiled, shared);
                self.problems.extend(problems.into_iter().map(|problem| format!("{place}: {problem}")));
            }
            Err(error) => self.problems.push(format!("{place}: {error:#}")),
        }
    }

    fn problems_of(
        &self,
        launched: &Launched,
        workload: &str,
        compiled: &Compiled,
        shared: usize,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let entry = self.list.find(&launched.function, workload);
        if entry.is_none() && self.list.is_ours(&launched.function) {
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
}

fn row(launched: &Launched, workload: &Workload, compiled: &Compiled, shared: usize) -> Row {
    // The crate and the function: what is between them repeats on every line.
    let names: Vec<&str> = launched.function.split("::").collect();
    let end = names.len().saturating_sub(2);
    let kernel = format!("{}: {}", names[0], names[end.max(1).min(names.len() - 1)..].join("::"));
    Row([
        kernel,
        workload.name.clone(),
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
    let launched = |kernel: &Kernel| {
        let mut names = functions.iter().filter(|(function, _)| *function == kernel.function);
        names.any(|(_, workload)| kernel.workload.as_ref().is_none_or(|name| name == workload))
    };
    let expected =
        list.entries().filter(|kernel| kernel.workload.is_some() || list.is_ours(&kernel.function));
    let absent = expected.filter(|kernel| !launched(kernel));
    let workload = |kernel: &Kernel| kernel.workload.clone().unwrap_or_else(|| "any workload".to_owned());
    absent.map(|kernel| format!("{}: not launched by {}", kernel.function, workload(kernel))).collect()
}

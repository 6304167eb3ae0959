//! Computer algebra: `maxima`, `qalc` and `sympy`, each in its own language.

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::{PYTHON, Program};
use crate::action::ResultItem;
use crate::action::parameter::text;

/// What maxima prints after a failure, although it ends with success.
const MAXIMA_ERRORS: [&str; 2] = ["-- an error.", "incorrect syntax:"];
/// Evaluates the expression in `expression.txt`; unknown names are symbols.
const SYMPY: &str = r#"
import sympy
print(sympy.sympify(open("expression.txt", encoding="utf-8").read().strip()))
"#;

pub(super) const MAXIMA: Definition = Definition {
    name: "maxima",
    group: "mathematics",
    description: "Runs commands of the computer algebra system Maxima, for instance integrate(x^2, x); or solve(x^2 = 2, x);",
    parameters: &[text("commands", "Commands of Maxima, each with ; at its end.")],
    means: Means::Programs(&[Program::named("maxima")]),
    needs: "maxima",
    consent: Consent::NotNeeded,
    run: maxima,
};

pub(super) const QALC: Definition = Definition {
    name: "qalc",
    group: "mathematics",
    description: "Computes an expression with units, percentages and physical constants, for instance 60 mph to km/h.",
    parameters: &[text("expression", "One expression of Qalculate.")],
    means: Means::Programs(&[Program::named("qalc")]),
    needs: "qalc",
    consent: Consent::NotNeeded,
    run: qalc,
};

pub(super) const SYMPY_TOOL: Definition = Definition {
    name: "sympy",
    group: "mathematics",
    description: "Evaluates one expression of SymPy, for instance integrate(x**2, x) or solve(x**2 - 2, x).",
    parameters: &[text("expression", "One expression; unknown names are symbols.")],
    means: Means::Programs(&[
        Program::of(PYTHON, "python3"),
        Program::of("/usr/lib/python3/dist-packages/sympy", "python3-sympy"),
    ]),
    needs: "python3-sympy",
    consent: Consent::NotNeeded,
    run: sympy,
};

fn maxima(call: &Call<'_>) -> Made {
    let commands = call.text("commands")?.trim();
    // A command without an end would wait for more input.
    let end = if commands.ends_with([';', '$']) { "" } else { ";" };
    let task =
        Task::new("maxima").args(["--very-quiet"]).stdin(format!("display2d:false$\n{commands}{end}\n"));
    let printed = call.run("maxima", &task)?.stdout.trim().to_owned();
    if MAXIMA_ERRORS.iter().any(|error| printed.contains(error)) {
        return Err(Failure::tool(format!("maxima: {printed}")));
    }
    Ok(vec![ResultItem::text(printed)])
}

fn qalc(call: &Call<'_>) -> Made {
    let expression = call.text("expression")?;
    if expression.trim().is_empty() || expression.contains('\n') {
        return Err(Failure::arguments("expression: found another number of lines, expected one line"));
    }
    let task = Task::new("qalc")
        .args(["-file", "expression.txt"])
        .file("expression.txt", expression)
        // Otherwise it asks the system for the home of a user that does not exist.
        .variable("QALCULATE_USER_DIR", ".");
    let printed = call.run("qalc", &task)?.stdout;
    let (errors, results): (Vec<&str>, Vec<&str>) = printed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('>'))
        .partition(|line| line.starts_with("error:"));
    match errors.first() {
        Some(error) => Err(Failure::tool(format!("qalc: {error}"))),
        None => Ok(vec![ResultItem::text(results.join("\n"))]),
    }
}

fn sympy(call: &Call<'_>) -> Made {
    let task = Task::new(PYTHON).args(["-I", "-c", SYMPY]).file("expression.txt", call.text("expression")?);
    Ok(vec![ResultItem::text(call.run("sympy", &task)?.stdout.trim_end())])
}

//! [`Template`]: a prompt text with its name, and the table of all of them.

use super::autogpt_texts::{AUTOGPT_CALL_PROTOCOL, AUTOGPT_PREFIX, AUTOGPT_SCHEMA, AUTOGPT_TRIGGER};
use super::internlm2_texts::{
    INTERNLM2_API_PREFIX, INTERNLM2_INTERPRETER, INTERNLM2_META, INTERNLM2_PLUGIN, MATHCODER,
};
use super::quoted_texts::{QUOTED_CIBENCH, QUOTED_MATH};
use super::react_texts::{REACT_CN, REACT_CN_FORCE_STOP, REACT_EN, REACT_EN_FORCE_STOP};
use super::rewoo_texts::{
    REWOO_PLANNER_CN, REWOO_PLANNER_EN, REWOO_REFORMAT_CN, REWOO_REFORMAT_EN, REWOO_SOLVER_CN,
    REWOO_SOLVER_EN, REWOO_WORKER_CN, REWOO_WORKER_EN,
};
use super::task_texts::{
    CIBENCH_FORCE_STOP, CIBENCH_IPYTHON, CIBENCH_REACT, CIBENCH_USER, MATH_REACT, MATH_SOLUTION,
};

/// The names of all templates, sorted. The texts have the same order.
pub const NAMES: &[&str] = &[
    "autogpt_call_protocol",
    "autogpt_prefix",
    "autogpt_schema",
    "autogpt_trigger",
    "cibench_force_stop",
    "cibench_ipython_description",
    "cibench_react",
    "cibench_user",
    "internlm2_api_prefix",
    "internlm2_interpreter",
    "internlm2_meta",
    "internlm2_plugin",
    "math_react",
    "math_solution_system",
    "mathcoder",
    "react_cn",
    "react_cn_force_stop",
    "react_en",
    "react_en_force_stop",
    "rewoo_planner_cn",
    "rewoo_planner_en",
    "rewoo_reformat_cn",
    "rewoo_reformat_en",
    "rewoo_solver_cn",
    "rewoo_solver_en",
    "rewoo_worker_cn",
    "rewoo_worker_en",
];

/// The texts of [`NAMES`], in the same order.
const TEXTS: [&str; 27] = [
    AUTOGPT_CALL_PROTOCOL,
    AUTOGPT_PREFIX,
    AUTOGPT_SCHEMA,
    AUTOGPT_TRIGGER,
    CIBENCH_FORCE_STOP,
    CIBENCH_IPYTHON,
    CIBENCH_REACT,
    CIBENCH_USER,
    INTERNLM2_API_PREFIX,
    INTERNLM2_INTERPRETER,
    INTERNLM2_META,
    INTERNLM2_PLUGIN,
    MATH_REACT,
    MATH_SOLUTION,
    MATHCODER,
    REACT_CN,
    REACT_CN_FORCE_STOP,
    REACT_EN,
    REACT_EN_FORCE_STOP,
    REWOO_PLANNER_CN,
    REWOO_PLANNER_EN,
    REWOO_REFORMAT_CN,
    REWOO_REFORMAT_EN,
    REWOO_SOLVER_CN,
    REWOO_SOLVER_EN,
    REWOO_WORKER_CN,
    REWOO_WORKER_EN,
];

/// A prompt text that has a name.
///
/// ```
/// let template = lagent::templates::named("react_en").expect("one of the names");
/// assert!(template.text().starts_with("You are a assistant who can utilize external tools."));
/// assert_eq!(template.verbatim(), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Template {
    name: &'static str,
    text: &'static str,
}

/// Returns the template of this name, one of [`NAMES`].
#[must_use]
pub fn named(name: &str) -> Option<Template> {
    let (known, text) = NAMES.iter().zip(TEXTS).find(|(known, _)| **known == name)?;
    Some(Template { name: known, text })
}

impl Template {
    /// Returns the name, which is one of [`NAMES`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the text that agents use, with the fields in braces.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Returns the prompt as it is quoted in print, with what LaTeX left in it; `None` for texts that are not
    /// quoted anywhere.
    #[must_use]
    pub fn verbatim(&self) -> Option<&'static str> {
        match self.name {
            "cibench_react" => Some(QUOTED_CIBENCH),
            "math_react" => Some(QUOTED_MATH),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_text() {
        assert_eq!(NAMES.len(), TEXTS.len());
        assert!(NAMES.is_sorted());
        for name in NAMES {
            let template = named(name).expect(name);
            assert!(template.name() == *name && !template.text().is_empty(), "{name}");
        }
        assert_eq!(named("react"), None);
        let quoted = NAMES.iter().filter(|name| named(name).is_some_and(|found| found.verbatim().is_some()));
        assert_eq!(quoted.copied().collect::<Vec<_>>(), ["cibench_react", "math_react"]);
    }
}

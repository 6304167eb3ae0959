//! The loader of OlympiadBench (He et al. 2024, arXiv:2402.14008): what is asked depends on the kind of the answer. The
//! texts are from OpenCompass 0.5.4 (Apache-2.0).

use serde_json::Value;

use super::cell::{each, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] =
    &[LoaderEntry { name: "olympiadbench", upstream: &["OlympiadBenchDataset"], load: olympiadbench }];

/// The kinds of answers, in the order in which they are looked for, with their English and Chinese names.
const KINDS: [(&str, &str, &str); 4] = [
    ("Numerical", "a numerical value", "数值"),
    ("Expression", "an expression", "表达式"),
    ("Equation", "an equation", "方程"),
    ("Interval", "an interval", "区间"),
];

/// The language of a question.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Language {
    English,
    Chinese,
}

/// `olympiadbench`: the prompt of a question, and its first final answer as the solution.
fn olympiadbench(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let prompt = prompt(columns)?;
        let solution = value(columns, "/final_answer/0")?.clone();
        columns.insert("prompt".to_owned(), Value::String(prompt));
        columns.insert("solution".to_owned(), solution);
        Ok(())
    })
}

/// Writes the prompt of a question: `OlympiadBenchPrompter.make_prompt`.
fn prompt(columns: &Columns) -> Result<String, String> {
    let language =
        if text(columns, "language")? == "Chinese" { Language::Chinese } else { Language::English };
    let is_math = text(columns, "subject")? == "Math";
    let is_proof = text(columns, "question_type")? == "Theorem proof";
    let asked = match (language, is_proof) {
        (Language::Chinese, true) => {
            let subject = if is_math { "数学" } else { "物理" };
            format!(
                "以下是中国{subject}竞赛中的证明题。请根据题目的要求，运用逻辑推理及常用定理证明题目中的命题。证明过程中使用的变量和公式请使用LaTeX格式表示。"
            )
        }
        (Language::English, true) => {
            let subject = if is_math { "Math" } else { "Physics" };
            format!(
                "The following is a theorem proving problem from an International {subject} competition. Please use \
                 logical reasoning and common theorems to prove the proposition in the problem according to the given \
                 requirements. Please use LaTeX format to represent the variables and formulas used in the proof."
            )
        }
        _ => open_question(columns, language)?,
    };
    let end = match language {
        Language::Chinese => "请通过逐步推理来解答问题，并把最终答案放置于\\boxed{}中。",
        Language::English => "Please reason step by step, and put your final answer within \\boxed{}.",
    };
    Ok(format!("{asked}\n{}\n\n{end}", text(columns, "question")?))
}

/// What is asked of a question with a final answer.
fn open_question(columns: &Columns, language: Language) -> Result<String, String> {
    let is_math = text(columns, "subject")? == "Math";
    let several = value(columns, "is_multiple_answer")?.as_bool().unwrap_or_default();
    let has_unit = value(columns, "unit")?.as_str().is_some_and(|unit| !unit.is_empty());
    let kinds = answer_kinds(text(columns, "answer_type")?, language, several)?;
    Ok(match language {
        Language::Chinese => {
            let subject = if is_math { "数学" } else { "物理" };
            let mut boxed =
                if several { "\\boxed{用英文逗号连接的多个答案}" } else { "\\boxed{答案}" }.to_owned();
            let mut unit = "";
            if has_unit {
                boxed.push_str("(单位)");
                unit = "，注意答案的单位不要放在\\boxed{}中";
            }
            format!(
                "以下是中国{subject}竞赛中的解答题{kinds}。请根据题目的要求和所提供的信息计算得出答案。解答过程和结果中使用的变量和公式请使用LaTeX格式表示。请在最后以\"所以最终答案是{boxed}。\"显式给出结果{unit}。"
            )
        }
        Language::English => {
            let subject = if is_math { "Math" } else { "Physics" };
            let boxed =
                if several { "\\boxed{multiple answers connected with commas}" } else { "\\boxed{answer}" };
            let mut boxed = boxed.to_owned();
            let mut unit = "";
            if has_unit {
                boxed.push_str("(unit)");
                unit = ", note that the unit of the answer should not be included in \\boxed{}";
            }
            format!(
                "The following is an open-ended problem from an International {subject} competition. {kinds}Please \
                 calculate the answer according to the given requirements and the information provided. Please use \
                 LaTeX format to represent the variables and formulas used in the solution process and results. \
                 Please end your solution with \"So the final answer is {boxed}.\" and give the result \
                 explicitly{unit}."
            )
        }
    })
}

/// Says of which kinds the answers are: `get_answer_type_text`.
fn answer_kinds(kinds: &str, language: Language, several: bool) -> Result<String, String> {
    if kinds.contains("Need_human_evaluate") || kinds.contains("Tuple") {
        return Ok(String::new());
    }
    if !several {
        let kind = answer_kind(kinds, language)?;
        return Ok(match language {
            Language::Chinese => format!("，答案类型为{kind}"),
            Language::English => format!("The answer of The problem should be {kind}. "),
        });
    }
    let names: Vec<&str> =
        kinds.split(',').map(|kind| answer_kind(kind, language)).collect::<Result<_, _>>()?;
    let one = names.iter().all(|name| *name == names[0]);
    Ok(match (language, one) {
        (Language::Chinese, true) => format!("，题目有多个答案，答案类型均为{}", names[0]),
        (Language::English, true) => {
            format!("The problem has multiple answers, each of them should be {}. ", names[0])
        }
        (Language::Chinese, false) => format!("，题目有多个答案，答案类型分别为{}", names.join("、")),
        (Language::English, false) => {
            let names = names.join(", ");
            format!("The problem has multiple answers, with the answers in order being {names}. ")
        }
    })
}

fn answer_kind(kind: &str, language: Language) -> Result<&'static str, String> {
    let kind = kind.split('-').next().unwrap_or_default();
    let known = KINDS.iter().find(|(name, _, _)| kind.contains(name));
    let (_, english, chinese) = known.ok_or_else(|| {
        format!("answer_type: found `{kind}`, expected Numerical, Expression, Equation or Interval")
    })?;
    Ok(if language == Language::Chinese { chinese } else { english })
}

#[cfg(test)]
mod tests;

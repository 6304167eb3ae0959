//! Where the marks of programs go, and how the ends of programs are read.

use super::super::languages::LANGUAGES;
use super::*;
use crate::model::Ending;

fn language(name: &str) -> Language {
    LANGUAGES.into_iter().find(|language| language.name == name).expect("a known language")
}

#[test]
fn the_mark_is_the_last_statement_of_the_tests() {
    for (name, tests, before, after) in [
        ("rs", "fn main() {\n    assert_eq!(1, 1);\n}\n", "    assert_eq!(1, 1);\n", "}\n"),
        (
            "java",
            "class P {\n    static void main() {\n    assert(x);\n    }\n\n}\n",
            "(x);\n    ",
            "}\n\n}\n",
        ),
        ("d", "unittest\n{\n    assert(x);\n}\nvoid main(){}", "    assert(x);\n", "}\nvoid main(){}"),
        ("d", "unittest\n{\n    assert(x);\n}\n", "    assert(x);\n", "}\n"),
        ("lua", "function test()\n  f()\nend\n\nos.exit(lu.run())", "  f()\n", "end\n\nos.exit(lu.run())"),
        ("rb", "class T\n  def test\n    x\n  end\nend\n", "    x\n  ", "end\nend\n"),
        ("js", "f();\n", "f();\n", ""),
    ] {
        let language = language(name);
        let marked = language.marked(tests).expect("has an end");
        let statement = format!("{}{}{}", language.write.0, mark(tests), language.write.1);
        let (head, tail) = marked.split_once(&statement).expect("a statement");
        assert!(head.ends_with(before), "{name}: {head}");
        assert_eq!(tail, after, "{name}");
    }
    assert!(language("rs").marked("no tests").is_none());
}

#[test]
fn only_the_mark_passes() {
    let ran = |stdout: &str, stderr: &str| {
        let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
        Ok(Answer::Ran { ending: Ending::Exit(0), stdout, stderr })
    };
    let own = format!("ok!\n{}\n", mark("x"));
    let result = |name: &str, outcome: &Outcome| language(name).verdict("x", outcome).result;
    assert_eq!(result("pl", &ran(&own, "")), TestResult::Pass);
    assert_eq!(result("go", &ran("=== RUN\n", &own)), TestResult::Pass);
    assert_eq!(result("pl", &ran("ok!", "")), TestResult::Failed);
    assert_eq!(result("pl", &ran(&format!("{}\n", mark("y")), "")), TestResult::Failed);
    assert_eq!(result("rkt", &ran(&own, "FAILURE\n")), TestResult::WrongAnswer);
    let stderr = "Unhandled Exception:\nSystem.DivideByZeroException\n";
    assert_eq!(result("cs", &ran(&own, stderr)), TestResult::WrongAnswer);
    let ending = Ok(Answer::Ran { ending: Ending::Exit(1), stdout: own, stderr: String::new() });
    assert_eq!(result("pl", &ending), TestResult::Failed);
    assert!(!language("pl").verdict("x", &Err("unavailable".to_owned())).ran);
}

#[test]
fn what_is_missing_is_named() {
    let follow_up = language("lua").follow_up("function test()\nend\nos.exit(lu.run())").expect("has an end");
    let Request::Run { program } = follow_up.request else { panic!("a program") };
    assert!(
        program.command[2].starts_with("command -v lua > /dev/null 2>&1 || { echo 'unavailable: needs lua'")
    );
    assert!(program.command[2].contains("'unavailable: needs lua-unit'"), "{}", program.command[2]);
    let names: std::collections::BTreeSet<&str> = LANGUAGES.iter().map(|language| language.name).collect();
    assert_eq!(names.len(), LANGUAGES.len());
}

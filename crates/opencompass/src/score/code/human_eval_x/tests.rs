//! Answers of HumanEval-X cut as upstream's `_clean_up_code` cuts them.

use super::*;

#[test]
fn answers_are_cut_as_upstream_cuts_them() {
    let class = "class Solution {\n    public int add(int a, int b) {\n";
    for (language, declaration, answer, expected) in [
        (
            "python",
            "def add(a, b):\n",
            "```python\ndef add(a, b):\n    return a + b\n```",
            "    return a + b\n",
        ),
        ("python", "def add(a, b):\n", "return a + b\nprint(1)", "    return a + b"),
        (
            "java",
            class,
            "```java\nclass Solution {\n    public int add(int a, int b) {\n        return a + b;\n    }\n    public \
             static void main(String[] args) {\n    }\n}\n```",
            "        return a + b;\n    }\n    }",
        ),
        ("java", class, "        return a + b;\n    }\n}\nDone", "        return a + b;\n    }\n}"),
        (
            "cpp",
            "#include<x>\nint add(int a,int b){\n",
            "int add(int a,int b){\n  return a+b;\n}\nint main() {\n return 0;\n}\n",
            "  return a+b;\n}",
        ),
        (
            "go",
            "func Add(a int, b int) int {\n",
            "    return a + b\n}\n\nfunc main() {\n}\n",
            "    return a + b\n}",
        ),
        ("js", "const add = (a, b) => {\n", "  return a + b;\n}\nconsole.log(1)", "  return a + b;\n}"),
        ("js", "const add = (a, b) => {\n", "```\nreturn 1", "\nreturn 1"),
    ] {
        assert_eq!(cleaned(answer, language, declaration), expected, "{language}: {answer}");
    }
}

#[test]
fn packages_of_go_are_imported_once() {
    let setup = "package main\n\nimport (\n    \"testing\"\n    \"fmt\"\n)\n";
    assert_eq!(go_imports(setup, "fmt.Println(x)"), "");
    let expected = "import (\n\"math\"\n    \"strings\"\n)\n";
    assert_eq!(go_imports(setup, "strings.ToUpper(x); math.Abs(y)"), expected);
}

//! The languages of MultiPL-E and HumanEval-X, each with the commands of MultiPL-E's own evaluation.

use super::language::{End, FAST, Failure, Language, SLOW};

/// What a language of [`LANGUAGES`] has unless it says otherwise.
const PLAIN: Language = Language {
    name: "",
    needs: &[],
    script: "",
    write: ("", ""),
    end: End::Text,
    failure: Failure::Ends,
    milliseconds: FAST,
};

/// C++ with OpenSSL for the task that computes an MD5 sum.
const CPP: &str = "cat > main.cpp && libs= && if grep -q '<openssl/' main.cpp; then \
    echo '#include <openssl/md5.h>' | g++ -x c++ -fsyntax-only - > /dev/null 2>&1 || \
    { echo 'unavailable: needs libssl-dev' >&2; exit 127; }; libs=-lcrypto; fi; \
    g++ -w -std=c++17 -o main main.cpp $libs && rm main.cpp && ./main";
/// Java in little memory, with the library of tuples that MultiPL-E's programs import.
const JAVA: &str = "cat > Problem.java && export MALLOC_ARENA_MAX=1 && \
    jar=$(ls /usr/share/java/javatuples*.jar /usr/multiple/javatuples*.jar 2> /dev/null | head -n 1) && \
    options='-Xmx256m -Xss8m -XX:+UseSerialGC -XX:ReservedCodeCacheSize=64m -XX:CompressedClassSpaceSize=64m' && \
    for option in $options; do compiler=\"$compiler -J$option\"; done && \
    javac $compiler -encoding UTF8 -cp \"$jar\" -d . Problem.java && rm Problem.java && \
    java $options -ea -cp \".:$jar\" Problem";
/// Java of HumanEval-X, which needs no further library.
const JAVA_MAIN: &str = "cat > Main.java && export MALLOC_ARENA_MAX=1 && \
    options='-Xmx256m -Xss8m -XX:+UseSerialGC -XX:ReservedCodeCacheSize=64m -XX:CompressedClassSpaceSize=64m' && \
    for option in $options; do compiler=\"$compiler -J$option\"; done && \
    javac $compiler -encoding UTF8 -d . Main.java && rm Main.java && java $options -ea -cp . Main";
const GO: &str = "cat > main_test.go && export GO111MODULE=off GOCACHE=\"$PWD/cache\" && \
    go test -c -o main main_test.go && rm main_test.go && ./main -test.v";
const GO_END: (&str, &str) = ("\n\tif !t.Failed() {\n\t\tprintln(\"\\n", "\")\n\t}\n");

/// The languages of MultiPL-E apart from Python, whose answers the judge keeps apart from their tests.
pub(super) const LANGUAGES: [Language; 18] = [
    Language {
        name: "cpp",
        needs: &[("command -v g++", "g++")],
        script: CPP,
        write: ("std::cout << \"", "\" << std::endl;\n"),
        end: End::LastBrace,
        ..PLAIN
    },
    Language {
        name: "cs",
        needs: &[("command -v mcs", "mcs"), ("command -v mono", "mono")],
        script: "cat > main.cs && mcs -d:DEBUG -r:System.Numerics.dll -out:main.exe main.cs && rm main.cs && \
            MONO_TRACE_LISTENER=Console.Error mono main.exe",
        write: ("System.Console.WriteLine(\"\\n", "\");\n"),
        end: End::InnerBrace,
        failure: Failure::Texts(&["DefaultTraceListener.Fail", "Fail:", "Unhandled Exception"]),
        milliseconds: SLOW,
    },
    Language {
        name: "d",
        needs: &[("command -v rdmd", "rdmd")],
        script: "cat > main.d && if grep -q 'void main' main.d; then main=; else main=-main; fi && \
            rdmd -unittest $main --build-only -ofmain.out main.d && rm main.d && ./main.out",
        write: ("{ import std.stdio : writeln; writeln(\"\\n", "\"); }\n"),
        end: End::Before("void main", "}"),
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "go",
        needs: &[("command -v go", "go")],
        script: GO,
        write: GO_END,
        end: End::LastBrace,
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "java",
        needs: &[
            ("command -v javac", "javac"),
            ("ls /usr/share/java/ /usr/multiple/ 2> /dev/null | grep javatuples", "javatuples.jar"),
        ],
        script: JAVA,
        write: ("System.out.println(\"\\n", "\");\n"),
        end: End::InnerBrace,
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "jl",
        needs: &[("command -v julia", "julia")],
        script: "julia -",
        write: ("\nprintln(\"\\n", "\")\n"),
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "js",
        needs: &[("command -v node", "node")],
        script: "node -",
        write: ("\nconsole.log(\"\\n", "\");\n"),
        ..PLAIN
    },
    Language {
        name: "lua",
        needs: &[("command -v lua", "lua"), ("lua -e 'require(\"luaunit\")'", "lua-unit")],
        script: "lua -",
        write: ("\n    io.write(\"\\n", "\\n\")\n"),
        end: End::Before("os.exit(", "end"),
        ..PLAIN
    },
    Language {
        name: "php",
        needs: &[("command -v php", "php")],
        script: "php",
        write: ("\necho \"\\n", "\\n\";\n"),
        ..PLAIN
    },
    Language {
        name: "pl",
        needs: &[("command -v perl", "perl"), ("perl -MTest::Deep -e 1", "libtest-deep-perl")],
        script: "perl -",
        write: ("\nprint \"\\n", "\\n\";\n"),
        ..PLAIN
    },
    Language {
        name: "r",
        needs: &[("command -v R", "R")],
        script: "R --vanilla -s -f /dev/stdin",
        write: ("\ncat(\"\\n", "\\n\")\n"),
        ..PLAIN
    },
    Language {
        name: "rb",
        needs: &[("command -v ruby", "ruby"), ("ruby -e 'require \"test/unit\"'", "ruby-test-unit")],
        script: "ruby -",
        write: ("\n    puts \"\\n", "\"\n  "),
        end: End::InnerKeyword,
        ..PLAIN
    },
    Language {
        name: "rkt",
        needs: &[("command -v racket", "racket")],
        script: "cat > main.rkt && racket main.rkt",
        write: ("\n(display \"\\n", "\\n\")\n"),
        failure: Failure::AnyText,
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "rs",
        needs: &[("command -v rustc", "rustc")],
        script: "rustc -A warnings --edition 2021 -o main - && ./main",
        write: ("println!(\"", "\");\n"),
        end: End::LastBrace,
        ..PLAIN
    },
    Language {
        name: "scala",
        needs: &[("command -v scalac", "scalac"), ("command -v scala", "scala")],
        script: "cat > main.scala && scalac -d . main.scala && rm main.scala && scala -cp . Problem",
        write: ("println(\"\\n", "\")\n"),
        end: End::InnerBrace,
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "sh",
        needs: &[("command -v bash", "bash")],
        script: "bash -s",
        write: ("\necho \"\n", "\"\n"),
        ..PLAIN
    },
    Language {
        name: "swift",
        needs: &[("command -v swiftc", "swiftc")],
        script: "cat > main.swift && swiftc main.swift -o main && rm main.swift && ./main",
        write: ("\nprint(\"\\n", "\")\n"),
        milliseconds: SLOW,
        ..PLAIN
    },
    Language {
        name: "ts",
        needs: &[("command -v tsc", "tsc"), ("command -v node", "node")],
        script: "cat > main.ts && tsc --target esnext main.ts && rm main.ts && node main.js",
        write: ("\nconsole.log(\"\\n", "\");\n"),
        milliseconds: SLOW,
        ..PLAIN
    },
];

/// The compiled languages of HumanEval-X, whose tests have other ends than those of MultiPL-E.
pub(super) const HUMAN_EVAL_X: [Language; 4] = [
    LANGUAGES[0],
    Language {
        needs: &[
            ("command -v go", "go"),
            (
                "GO111MODULE=off go list github.com/stretchr/testify/assert",
                "golang-github-stretchr-testify-dev",
            ),
        ],
        ..LANGUAGES[3]
    },
    Language { needs: &[("command -v javac", "javac")], script: JAVA_MAIN, ..LANGUAGES[4] },
    // `console.assert` only writes a message, and the program continues.
    Language { failure: Failure::AnyText, ..LANGUAGES[6] },
];

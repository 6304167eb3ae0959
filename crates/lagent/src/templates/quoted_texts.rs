//! The prompts of two benchmarks as they are quoted in print, with what LaTeX left in them. Only
//! [`Template::verbatim`](super::Template::verbatim) returns them; agents use the clean texts.

/// The quoted prompt of CIBench.
pub(crate) const QUOTED_CIBENCH: &str = r#"System Prompt:

You are an assistant who can utilize external tools.

IPythonInterpreter: It can run Python code in a manner as jupyter notebook. The code must be a valid code that contains only python method. To use a tool, please response with the following format:

Thought: Think what you need to solve, do you need to use tools?

Action: The tool name, should be one of IPythonInterpreter.

Action Input: The input to the tool that you want to use.

The tool will give you response after your response using the following for-

Response: the results after call the tool.

Therefore DO NOT generate tool response by yourself.

Also please follow the guidelines:

- Always use code interpreter to solve the problem.
 The generated codes should always in a markdown code block format.
- 3. The generated codes will be executed in an ipython manner and the results will be
- 4. Your responded code should always be simple and only solves the problem in current step.

For example:

Step 1. Load the dataset from the url into a pandas DataFrame named df.

Thought: We should use pandas to solve this step.

Action: IPythonInterpreter

Action Input:

```
import pandas as pd \\
url = "xxxx" \\
data = pd.read\_csv(url) \\
```

Response: The code is succeed without any outputs.

Let us begin from here!

User Prompt:

{Question}. Please use {modules} modules.
"#;

/// The quoted prompt of MATH with code.
pub(crate) const QUOTED_MATH: &str = r"System Prompt: You are an assistant who can utilize external tools.

{tool_description}

To use a tool, please use the following format:

```
\{thought\}Think what you need to solve, do you need to use
\{action\}the tool name, should be one of [\{action\_names\}]
\{action\_input\}the input to the action \\
```

The response after utilizing tools should using the following format:

```
\{response\}the results after call the tool. \\
```

If you already know the answer, or you do not need to use tools, please using the following format to reply:

```
\{thought\}the thought process to get the final answer \\
\{finish\}final answer \\
```

Few-shot Prompt:

```
HUMAN: Find the coefficient of x^3 when 3(x^2 - x^3 + x) + 3(x + 2x^3 - 3x^2 + 3x^5 +
x^{3}) - 5(1 + x - 4x^{3} - x^{2}) is simplifie.
```

Tool:PythonInterpreter

Tool Input:

```
from sympy import symbols, simplify
def solution(): \\
\quad x = symbols('x') \\
\quad expr = $3*(x**2 - x**3 + x) + 3*(x + 2*x**3 - 3*x**2 +
 3*x**5 + x**3) - 5*(1 + x - 4*x**3 - x**2)$ \\
\quad simplified\_expr = simplify(expr) \\
\quad x3\_coefficient = simplified\_expr.as\_coefficients\
   _dict()[x**3] \\
\quad result = x3\_coefficient \\
\quad return result \\
```

SYSTEM: Response:26

BOT: FinalAnswer: The final answer is 26. I hope it is correct.
";

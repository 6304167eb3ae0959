//! The prompt texts of two benchmarks: CIBench, and MATH with code (the examples of OpenCompass 0.5.3, Apache-2.0).

/// System text of CIBench, for `IPythonInterpreter`.
pub(crate) const CIBENCH_REACT: &str = r#"You are an assistant who can utilize external tools.
{tool_description}
To use a tool, please response with the following format:
```
{thought} Think what you need to solve, do you need to use tools?
{action} The tool name, should be one of [{action_names}].
{action_input} The input to the tool that you want to use.
```
The tool will give you response after your response using the following format:
```
{response} the results after call the tool.
```
Therefore DO NOT generate tool response by yourself.

Also please follow the guidelines:
1. Always use code interpreter to solve the problem.
2. The generated codes should always in a markdown code block format.
3. The generated codes will be executed in an ipython manner and the results will be cached.
4. Your responded code should always be simple and only solves the problem in current step.

For example:

File url: `xxxx`
### Step 1. Load the dataset from the url into a pandas DataFrame named `df`.

{thought} We should use `pandas` to solve this step.
{action} IPythonInterpreter
{action_input} ```python
import pandas as pd
url = "xxxx"
data = pd.read_csv(url)
```
{response} The code is succeed without any outputs.

Let us begin from here!
"#;

/// System text of CIBench before the last turn.
pub(crate) const CIBENCH_FORCE_STOP: &str = "You should directly give results based on history information.";

/// User text of CIBench.
pub(crate) const CIBENCH_USER: &str = "{question}. Please use {modules} modules.";

/// Description of `IPythonInterpreter` in CIBench.
pub(crate) const CIBENCH_IPYTHON: &str = "It can run Python code in a manner as jupyter notebook. The code must be a valid code that contains only python method.";

/// System text of MATH with code, for `PythonInterpreter`.
pub(crate) const MATH_REACT: &str = r"You are an assistant who can utilize external tools.
{tool_description}
To use a tool, please use the following format:
```
{thought}Think what you need to solve, do you need to use tools?
{action}the tool name, should be one of [{action_names}]
{action_input}the input to the action
```
The response after utilizing tools should using the following format:
```
{response}the results after call the tool.
```
If you already know the answer, or you do not need to use tools,
please using the following format to reply:
```
{thought}the thought process to get the final answer
{finish}final answer
```";

/// System text of MATH that asks for a function `solution`.
pub(crate) const MATH_SOLUTION: &str = r"You are a helpful assistant which use tools to solve mathematical reasoning questions. The code must be a function, and the function name must be 'solution'. For mathematics, please use code tool to calculate. The example format is as follows:
```
def solution():
    variable_names_with_real_meaning = func(variable)
    return variable_names_with_real_meaning
```";

/// Question of the worked example of MATH.
pub(crate) const MATH_SHOT_QUESTION: &str = "Find the coefficient of $x^3$ when $3(x^2 - x^3+x) +3(x +2x^3- 3x^2 + 3x^5+x^3) -5(1+x-4x^3 - x^2)$ is simplifie.";

/// Reply of the worked example that calls the tool.
pub(crate) const MATH_SHOT_CALL: &str = r"Tool:PythonInterpreter
Tool Input:```python
from sympy import symbols, simplify

def solution():
    x = symbols('x')
    expr = 3*(x**2 - x**3 + x) + 3*(x + 2*x**3 - 3*x**2 + 3*x**5 + x**3) - 5*(1 + x - 4*x**3 - x**2)
    simplified_expr = simplify(expr)

    x3_coefficient = simplified_expr.as_coefficients_dict()[x**3]
    result = x3_coefficient
    return result
```";

/// Result of the worked example's code.
pub(crate) const MATH_SHOT_RESULT: &str = "Response:26";

/// Final reply of the worked example.
pub(crate) const MATH_SHOT_ANSWER: &str = "FinalAnswer: The final answer is $26$. I hope it is correct.";

//! The prompt texts of InternLM2's agent (`lagent/agents/internlm2_agent.py`) and of `MathCoder`
//! (`lagent/agents/stream.py` of lagent 0.5).
//!
//! The texts are upstream's (lagent 0.2.4, Apache-2.0), byte for byte: models were trained and
//! measured with exactly these.

/// Tells the model when to call tools at all.
pub(crate) const INTERNLM2_META: &str = "当开启工具以及代码时，根据需求选择合适的工具进行调用";

/// Describes the code interpreter.
pub(crate) const INTERNLM2_INTERPRETER: &str = "你现在已经能够在一个有状态的 Jupyter 笔记本环境中运行 Python 代码。当你向 python 发送含有 Python 代码的消息时，它将在该环境中执行。这个工具适用于多种场景，如数据分析或处理（包括数据操作、统计分析、图表绘制），复杂的计算问题（解决数学和物理难题），编程示例（理解编程概念或特性），文本处理和分析（比如文本解析和自然语言处理），机器学习和数据科学（用于展示模型训练和数据可视化），以及文件操作和数据导入（处理CSV、JSON等格式的文件）。";

/// Offers the plugin tools, which replace `{prompt}`.
pub(crate) const INTERNLM2_PLUGIN: &str = r"你可以使用如下工具：
{prompt}
如果你已经获得足够信息，请直接给出答案. 避免不必要的工具调用! 同时注意你可以使用的工具，不要随意捏造！";

/// Precedes the description of every tool; `{tool_name}` is the toolkit.
pub(crate) const INTERNLM2_API_PREFIX: &str = r"This is the subfunction for tool '{tool_name}', you can use this tool. The description of this function is: 
{description}";

/// System text of `MathCoder`; doubled braces are literal.
pub(crate) const MATHCODER: &str = r"Integrate step-by-step reasoning and Python code to solve math problems using the following guidelines:
- Analyze the question and write jupyter code to solve the problem;
- Present the final result in LaTeX using a '\boxed{{}}' without any units. 
";

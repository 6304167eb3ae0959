"""Evaluates the right side of the assertion in `line`, or `line` itself, as OpenCompass 0.5.4 does (Apache-2.0)."""
import ast


def right_side(line):
    if 'assert' not in line:
        return line
    statement = ast.parse(line).body[0]
    comparison = statement.test
    if not isinstance(statement, ast.Assert) or not isinstance(comparison.ops[0], ast.Eq):
        raise ValueError('expected an assertion of equality')
    return ast.get_source_segment(line, comparison.comparators[0])


value_of_the_answer = eval(right_side(line))

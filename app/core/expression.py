"""The expression language: ``parse`` an expression once, evaluate it often.

Values in, value out: an expression sees the scope and the time it is given, nothing else.
Everything that can go wrong is an ``ExpressionError`` that names the sub-expression.
"""

from app.core.expression_error import ExpressionError, shown
from app.core.expression_program import Expression, parse, truth
from app.core.expression_template import (
    Template,
    condition,
    evaluate_config,
    has_expression,
    names_in,
    parse_template,
)

__all__ = [
    "Expression",
    "ExpressionError",
    "Template",
    "condition",
    "evaluate_config",
    "has_expression",
    "names_in",
    "parse",
    "parse_template",
    "shown",
    "truth",
]

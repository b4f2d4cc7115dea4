"""The small language in which TicketSearch reads a CustomerID: ``*`` ``%`` ``||`` ``&&`` ``+`` ``!`` and brackets."""

import re
from collections.abc import Callable

Test = Callable[[str], bool]
_TOKEN = re.compile(r"\s*(&&|\|\||[()!]|(?:(?!&&|\|\|)[^()!])+)")
_OPERATORS = frozenset({"&&", "||", "(", ")", "!"})


class NotAnExpression(ValueError):
    """Brackets or operators that do not fit; the search then finds nothing."""


def wildcard(pattern: str) -> Test:
    """Whole text, case ignored, ``*`` and ``%`` standing for anything."""
    parts = (re.escape(part) for part in re.split(r"[*%]+", pattern))
    compiled = re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def expression(source: str) -> Test:
    """The test that ``source`` describes. Raises NotAnExpression."""
    tokens = [token.strip() for token in _TOKEN.findall(source.replace("+", "&&"))]
    parser = _Parser([token for token in tokens if token])
    test = parser.alternatives()
    if parser.tokens:
        raise NotAnExpression(source)
    return test


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def alternatives(self) -> Test:
        tests = [self.conjunction()]
        while self._take("||"):
            tests.append(self.conjunction())
        return lambda text: any(test(text) for test in tests)

    def conjunction(self) -> Test:
        tests = [self.factor()]
        while self._take("&&"):
            tests.append(self.factor())
        return lambda text: all(test(text) for test in tests)

    def factor(self) -> Test:
        if self._take("!"):
            refused = self.factor()
            return lambda text: not refused(text)
        if self._take("("):
            test = self.alternatives()
            if not self._take(")"):
                raise NotAnExpression("a bracket is not closed")
            return test
        if not self.tokens or self.tokens[0] in _OPERATORS:
            raise NotAnExpression("a word is missing")
        return wildcard(self.tokens.pop(0))

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            del self.tokens[0]
            return True
        return False

"""Sentences for input that could not be taken: nothing that somebody has written is lost with it."""

from django.utils.translation import gettext as _


def with_input(sentence: str, *texts: str) -> str:
    """The sentence and, below it, what the person had written, to be copied."""
    written = "\n".join(text.strip() for text in texts if text.strip())
    return f"{sentence} {_('What you wrote: “%(text)s”') % {'text': written}}" if written else sentence

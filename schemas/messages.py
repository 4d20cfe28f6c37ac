"""Messages that are written where a rule is, and translated where they are shown."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark an English message, so that it gets into the catalogue. Parameters are ``%(name)s``."""
    return message

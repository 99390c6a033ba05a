"""What redactlib raises: every message says what was expected, what came, and what to do."""


class RedactlibError(Exception):
    """Base of every error that redactlib raises on purpose."""


class ScanError(RedactlibError):
    """A file cannot be read as a page scan; the message names the file and the remedy."""


class ReportError(RedactlibError):
    """A page report does not have the form that the schema asks for."""


class ReaderError(RedactlibError):
    """No text reader can be had on this machine; the message says what to install."""

"""The one exception that users see: bad input, told in one clear sentence.

Every package raises `BadInput` (or a subclass) when the caller's object cannot be treated; the command line
prints its message on one line and exits with code 2. The message names the object, the witness and the way out.
"""


class BadInput(ValueError):
    """The input cannot be treated; the message names the object, the witness and the way out."""

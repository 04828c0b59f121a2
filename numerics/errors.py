"""What the enclosed layer says when it cannot prove a number: never an unproved one."""

from theory.errors import BadInput


class NotCertified(BadInput):
    """No proved enclosure was found; the message names the integral, what stood in the way, and the way out."""

"""What keeps a card from becoming live, apart from the person and the device."""

from __future__ import annotations


class IssueError(Exception):
    """The transaction cannot go on; the journal says how far it came."""


class SignerUnavailable(IssueError):
    """Nobody answers who may sign: the record waits and gets a ticket; nothing was lost."""


class SignerNotReached(SignerUnavailable):
    """Nothing that was asked can have reached the signer: nobody signed."""


class SignerRefused(IssueError):
    """The signer will not sign this, or what it signed is not for this card; `reason` is a key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IssueBroken(IssueError):
    """The card is not what was written to it: only `Transaction.lost` leads on from here."""

    def __init__(self, check: str, detail: str = "") -> None:
        super().__init__(f"{check}: {detail}" if detail else check)
        self.check = check


class OutOfOrder(IssueError):
    """A call that the journal's stage does not allow: the caller has a bug."""

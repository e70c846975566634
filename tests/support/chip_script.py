"""A link that knows what will be said: the worked examples of the standards."""

from __future__ import annotations


class Script:
    """Expects these commands in this order and gives these answers; both in hex."""

    def __init__(self, *exchanges: tuple[str, str]) -> None:
        self._exchanges = list(exchanges)

    @property
    def finished(self) -> bool:
        return not self._exchanges

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        wanted, answer = self._exchanges.pop(0)
        assert apdu.hex().upper() == wanted.upper()
        return bytes.fromhex(answer)

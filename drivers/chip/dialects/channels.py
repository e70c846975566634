"""The two channels of a card under SCP03: the issuer's, which personalises, and the guard's, which reads.

One is open at a time. The guard's begins with a reset, as at a border; the issuer's with SELECT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.chip.access import CARD_ACCESS_SFI, Offer, open_with, read_card_access
from drivers.chip.apdu import SHORT_NC
from drivers.chip.bac import AccessKeys
from drivers.chip.blocks import BlockMemory, Blocks, CardType, card_type
from drivers.chip.dialects.profile import Profile, Scp03Words
from drivers.chip.errors import CardError, MalformedData
from drivers.chip.key_store import KeyStore, KeyStoreError
from drivers.chip.lds import LdsFiles
from drivers.chip.processor import Plain
from drivers.chip.scp03 import Scp03, fitting, open_scp03
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.select import Ef, read_free_start, select_application

if TYPE_CHECKING:
    from drivers.api import ChipReader


class Channels:
    """Opens what is asked for, closes the other, and knows what the card takes in one command.

    `plain` counts every APDU; `protocol` says what the guard's channel was opened with last.
    """

    def __init__(
        self,
        reader: ChipReader,
        profile: Profile,
        words: Scp03Words,
        key_store: KeyStore,
        memory: BlockMemory,
    ) -> None:
        self._reader = reader
        self._profile = profile
        self._words = words
        self._key_store = key_store
        self._memory = memory
        self._card = CardType()
        self._keys: AccessKeys | None = None
        self._unlocked = False  # the issuer's channel was open in this session
        self._issuer: Scp03 | None = None
        self._files: LdsFiles | None = None
        self._offer = Offer(None, None)  # what the guard's channel was opened with last
        self.plain = Plain(reader)
        self.protocol: str | None = None

    def begin(self, keys: AccessKeys) -> None:
        """A new session with the card that lies there: reset it and ask what it takes."""
        self._keys = keys
        self._unlocked = False
        self._memory.begin()
        self._card = card_type(self.plain, self._reset())
        self.plain.extended = self._card.extended is not False

    def select(self) -> None:
        """The application in the clear: ends both channels."""
        self.close()
        select_application(self.plain, self._profile.aid, self._profile.select_p2)

    def close(self) -> None:
        self._issuer = self._files = None

    def issuer(self) -> Scp03:
        """The channel of personalisation. CardRefused once it is locked: ConditionsNotSatisfied by most."""
        if self._issuer is None or not self._issuer.alive:
            self.select()
            self._issuer = self._authenticated()
            self._unlocked = True
        return self._issuer

    def files(self) -> LdsFiles:
        """The files through the guard's channel. ConditionsNotSatisfied for a card without access keys."""
        if self._files is None or not self._files.channel.alive:
            self.close()
            self._files = LdsFiles(self._opened, self._reading(), self._profile.timeouts_s.apdu)
        return self._files

    def card_access(self) -> bytes | None:
        """EF.CardAccess as it opened the guard's channel that is open now, or is opened for it.

        It lies under the master file (Doc 9303-10, 3.11): what is read inside the application is not what a
        border goes by. As the issuer's channel closes the guard's, it is never older than what was written.
        """
        self.files()
        return self._offer.card_access

    @property
    def extended(self) -> bool:
        """Whether the card says that it takes extended APDUs."""
        return self._card.extended is True

    @property
    def payload(self) -> int:
        """Bytes of one write, by the profile, the card and what it turned out to take."""
        size = min(self.writing.size, self._profile.write_block)
        return size if size > SHORT_NC else min(size, fitting(self._words.level, SHORT_NC))

    @property
    def writing(self) -> Blocks:
        return self._memory.writing(self._card)

    def _reading(self) -> Blocks:
        sizes = self._profile.read_blocks
        return Blocks(sizes) if sizes else self._memory.reading(self._card)

    def _reset(self) -> bytes:
        self.close()
        self._reader.disconnect()
        return self._reader.connect()

    def _authenticated(self) -> Scp03:
        words, aid = self._words, self._profile.aid
        wait_s = self._profile.timeouts_s.authenticate
        channel = open_scp03(self.plain, self._key_store, words.kvn, words.level, aid, timeout_s=wait_s)
        if channel.aes_bits != words.aes:
            raise KeyStoreError(f"KVN {words.kvn:02X}: AES-{channel.aes_bits}, the profile says {words.aes}")
        return channel

    def _opened(self) -> SecureMessaging:
        if self._keys is None:
            raise CardError("no card was identified")
        self._reset()
        self._offer = self._offered()
        aid, wait_s = self._profile.aid, self._profile.timeouts_s.authenticate
        channel = open_with(self.plain, self._keys, self._offer, aid, wait_s)
        self.protocol = channel.protocol
        return channel

    def _offered(self) -> Offer:
        """What EF.CardAccess offers; nothing while that is torn, on a card not yet locked."""
        try:
            return Offer.of(read_card_access(self.plain))
        except MalformedData:
            if not self._unlocked:
                raise
        return Offer(read_free_start(self.plain, Ef.CARD_ACCESS, CARD_ACCESS_SFI), None)

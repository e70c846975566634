"""What a card is given follows from its dialect's profile, and a whole chip of it can be made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.people import CAPTURED, PERSON, jp2

from drivers.chip.dialects.profile import CARDS, load_profile
from firmware.document.chip_keys import Features
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.features import features_of

NAMES = sorted(path.stem for path in CARDS.glob("*.toml"))


def test_the_plain_applet_takes_the_labs_key_and_nothing_else() -> None:
    assert features_of(load_profile("lds-plain")) == Features(aa="rsa1024")


@pytest.mark.parametrize("name", ["iso7816-scp03", "store-data"])
def test_a_field_card_takes_all_that_a_chip_may_have(name: str) -> None:
    assert features_of(load_profile(name)) == Features(aa="p256", ca="p256", pace=True, can=True, dg3=True)


def test_a_profile_that_says_less_gets_less() -> None:
    field = load_profile("iso7816-scp03")
    less = replace(field, keys=frozenset({"ca:brainpoolP256r1"}), guarded=frozenset())
    assert features_of(less) == Features(ca="brainpoolP256r1", pace=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_in_the_house_names_a_chip_that_can_be_made(name: str) -> None:
    profile = load_profile(name)
    image = CardImage.of(PERSON, jp2(), CAPTURED, features_of(profile))
    assert not profile.unreadable & image.files.keys()
    assert all(len(content) <= profile.largest_file for content in image.files.values())
    assert (Fid.CARD_ACCESS in image.files) == ("PACE" in profile.access)

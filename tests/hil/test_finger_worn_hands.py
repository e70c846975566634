"""Hands that worked hard, dry and worn: hints change, the best is kept, the visit ends with a card."""

from __future__ import annotations

import pytest
from support import torture
from support.kiosk import Story, story

from config.rulepack import rule_packs
from firmware.quality.best import FingerRules
from firmware.sim.citizen import Habits
from statemachine.states import S
from ui_fb import screens as ui

HARD_WORK = Habits(pause_s=0.0, dry=0.75, worn=0.6)


def hints_until_the_portrait(s: Story) -> list[str]:
    """What the fingers' screen said, each change of it."""
    said: list[str] = [""]

    def there() -> bool:
        if isinstance(s.screen, ui.Fingers) and s.screen.hint != said[-1]:
            said.append(s.screen.hint)
        return s.state is S.PORTRAIT

    s.until(there)
    return [hint for hint in said if hint]


@pytest.mark.torture
@pytest.mark.skipif(
    not torture.TORTURE, reason="a minute: `make torture`, or `make demo ARGS=--worn-fingers`"
)
def test_hints_change_and_the_step_ends_with_the_best_of_every_finger() -> None:
    with story(at="FINGERS", habits=HARD_WORK) as s:
        hints = hints_until_the_portrait(s)
        assert "moisten" in hints
        assert len(hints) > 2, "a hint goes when it is no longer needed"
        s.until(S.FAREWELL)
        s.comes(lambda: s.record in ("ACKED", "PURGED"))
        (record,) = s.centre.records()
    rules = FingerRules.of(rule_packs()["7/2024"])
    for finger in record.manifest["fingers"]:
        scores = [attempt["score"] for attempt in finger["attempts"] if attempt["score"] is not None]
        assert finger["score"] == max(scores), finger["position"]
        below = finger["score"] < rules.least[finger["position"]]
        assert len(finger["attempts"]) == rules.attempts or not below, finger["position"]
    assert any(len(finger["attempts"]) > 1 for finger in record.manifest["fingers"])
    assert record.manifest["chip"]["locked"]

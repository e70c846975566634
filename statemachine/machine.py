"""Runs the table: an event goes in, effects come out, nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from transitions import Machine

from statemachine import effects as fx
from statemachine.events import Event
from statemachine.flow import STATES, STEPS, TABLE, Row
from statemachine.session import Session
from statemachine.states import S

STAFF = (S.ASSISTED, S.TECHNICIAN, S.SWAP)


class Flow:
    """The visit's present `state`, `session` and `entry` (the number of the present entry of a state)."""

    state: S

    def __init__(self, table: Sequence[Row] = TABLE) -> None:
        self.session = Session()
        self.entry = 0
        self.taken = False
        """Whether a row was taken for the last event."""
        self._effects: list[fx.Effect] = []
        self.state = S.ATTRACT
        self._machine = Machine(
            model=None,
            states=[state.value for state in STATES],
            initial=S.ATTRACT.value,
            auto_transitions=False,
            ignore_invalid_triggers=True,
        )
        for row in table:
            self._machine.add_transition(
                trigger=row.event.__name__,
                source=row.source.value,
                dest=row.target.value if row.target else None,
                conditions=self._guard(row),
                before=self._note(row),
                after=self._enter(row),
            )

    def feed(self, event: Event) -> list[fx.Effect]:
        """Return what the shell must do now. An event of an earlier entry only yields `Late`."""
        self.taken = False
        if event.entry is not None and event.entry != self.entry:
            return [fx.Late(self.entry, event)]
        self._effects = []
        trigger = self._machine.events.get(type(event).__name__)
        if trigger is not None and self.state.value in trigger.transitions:  # else the library warns
            self.taken = bool(trigger.trigger(self, event))
        return self._effects

    def begin(self) -> list[fx.Effect]:
        """The effects of standing in the first state."""
        self._effects = []
        self._arrive(S.ATTRACT)
        return self._effects

    def _guard(self, row: Row) -> Callable[[Event], bool]:
        def holds(event: Event) -> bool:
            return row.guard is None or row.guard(self.session, event)

        return holds

    def _note(self, row: Row) -> Callable[[Event], None]:
        def take(event: Event) -> None:
            if row.target is not None:
                self._effects.append(fx.StopWork(self.entry))
                if self.session.reason is not None:
                    self.session = replace(self.session, reason=None)
            if row.note is not None:
                self.session = row.note(self.session, event)

        return take

    def _enter(self, row: Row) -> Callable[[Event], None]:
        def arrive(_: Event) -> None:
            if row.target is not None:
                self._arrive(row.target)
            self._ask(row.asks)

        return arrive

    def _arrive(self, state: S) -> None:
        self.state = state
        if state is S.ATTRACT and self.session.step is not S.ATTRACT:
            self._effects.append(fx.EndVisit(self.entry, self.session.outcome))
            self.session = self.session.fresh()
        elif state in STEPS and state is not self.session.step:
            self.session = replace(self.session, step=state, tries=0)
        if state not in STAFF and self.session.officer is not None:
            self.session = replace(self.session, officer=None)
        self.entry += 1
        self._effects.append(fx.Enter(self.entry, state))
        timeout_s = STATES[state].timeout_s
        if timeout_s is not None:
            self._effects.append(fx.StartTimer(self.entry, timeout_s))
        self._ask(STATES[state].asks)

    def _ask(self, asks: Sequence[Callable[[int, Session], fx.Effect | None]]) -> None:
        wanted = (asking(self.entry, self.session) for asking in asks)
        self._effects.extend(effect for effect in wanted if effect is not None)

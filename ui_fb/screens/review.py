"""REVIEW: the person reads every field and marks the wrong ones; CONFIRM: the last look before the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import TARGET, Weight
from ui_fb.widgets import Button, footer, rows_of, stacked

SHORT = frozenset(  # fields of which two fit side by side
    (
        "birth_date",
        "sex",
        "nationality",
        "ethnicity",
        "religion",
        "issue_date",
        "expiry_date",
        "old_number",
    )
)
LINES_A_PAGE = 2


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field to check: `key` as in the record, `value` as a person reads it; `wrong` once they said so."""

    key: str
    value: str
    wrong: bool = False


def pages_of(rows: Sequence[FieldRow]) -> tuple[tuple[FieldRow, ...], ...]:
    """Split fields into pages that fit: two lines each, a line being one long field or two short ones."""
    lines = _lines(rows)
    return tuple(
        tuple(row for line in lines[n : n + LINES_A_PAGE] for row in line)
        for n in range(0, len(lines), LINES_A_PAGE)
    )


def _lines(rows: Sequence[FieldRow]) -> list[list[FieldRow]]:
    lines: list[list[FieldRow]] = []
    for row in rows:
        last = lines[-1] if lines else []
        if row.key in SHORT and len(last) == 1 and last[0].key in SHORT:
            last.append(row)
        else:
            lines.append([row])
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Screen):
    """One page of `pages_of` the record's fields; `wrong:KEY` marks a field or takes the mark back."""

    rows: tuple[FieldRow, ...]
    page: int = 1
    pages: int = 1

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("review.title"))
        lines = _lines(self.rows)
        for area, line in zip(rest.rows(LINES_A_PAGE, gap=GAP), lines, strict=False):
            for box, row in zip(area.columns(len(line), gap=GAP), line, strict=True):
                _field(page, box, row)
        any_wrong = any(row.wrong for row in self.rows)
        label = page.say("review.next_wrong" if any_wrong else "review.next")
        free = footer(page, Button(label, "ok", "next" if any_wrong else "check"), back=True)
        count = page.say("review.page", page=self.page, pages=self.pages)
        page.text(free, count, 30, least=24, lines=2, align="centre", colour=page.colours.quiet)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        name = "Nguyễn Thị Phương Thảo"
        one = (FieldRow("number", "001 085 012 345"), FieldRow("full_name", name))
        two = (
            FieldRow("birth_date", "02/09/1985"),
            FieldRow("sex", "Nữ"),
            FieldRow("ethnicity", "Kinh"),
            FieldRow("religion", "Không"),
        )
        home = "Số 12, ngõ 34 phố Huế, phường Hai Bà Trưng, thành phố Hà Nội"
        three = (
            FieldRow("place_of_origin", "Xã Vĩnh Quỳnh, huyện Thanh Trì, thành phố Hà Nội"),
            FieldRow("residence", home, wrong=True),
        )
        marks = "Nốt ruồi cách 1,5 cm dưới phía sau đuôi mắt trái"
        four = (FieldRow("identifying_marks", marks), FieldRow("father_name", "Nguyễn Văn Khoẻ"))
        five = (FieldRow("mother_name", "Trần Thị Ngữ"), FieldRow("spouse_name", "Lê Đình Quyền"))
        six = (
            FieldRow("nationality", "Việt Nam"),
            FieldRow("old_number", "012345678"),
            FieldRow("issue_date", "01/07/2021"),
            FieldRow("expiry_date", "02/09/2025"),
        )
        pages = (one, two, three, four, five, six)
        names = ("number", "short", "wrong", "marks", "family", "dates")
        return {
            name: cls(rows=rows, page=n, pages=len(pages))
            for n, (name, rows) in enumerate(zip(names, pages, strict=True), start=1)
        }


def _field(page: Page, box: Box, row: FieldRow) -> None:
    colours = page.colours
    page.card(
        box,
        colours.alert_soft if row.wrong else colours.card,
        colours.alert if row.wrong else colours.line,
        radius=14,
        thick=3 if row.wrong else 2,
    )
    mark, words = box.take_right(TARGET, gap=8)
    key = "review.wrong" if row.wrong else "review.mark"
    action = f"wrong:{row.key}"
    stacked(page, mark, Button(page.say(key), action, "cross"), "wrong" if row.wrong else "quiet", 22)
    words = Box(words.x + 18, words.y + 6, words.w - 18, words.h - 12)
    label, value = words.take_top(30, gap=0)
    page.text(label, page.say(f"field.{row.key}"), 23, least=18, colour=colours.quiet)
    page.text(value, row.value, 36, least=23, lines=2, weight=Weight.STRONG, private=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Screen):
    """The last look back: the portrait (preview), name, number, and what was taken."""

    full_name: str
    number: str
    good: int = 10
    excepted: int = 0
    corrections: int = 0
    eid: bool = False

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("confirm.title"))
        face, rows = rest.take_left(rest.h * 0.75, gap=22)
        page.preview(face, "still")
        key = "confirm.fingers_excepted" if self.excepted else "confirm.fingers"
        fingers = page.say(key, good=self.good, excepted=self.excepted)
        eid = page.say("confirm.eid_yes" if self.eid else "confirm.eid_no")
        lines = [
            (page.say("confirm.name"), self.full_name),
            (page.say("confirm.number"), self.number),
            (page.say("confirm.fingers_label"), fingers),
            (page.say("confirm.eid_label"), eid),
        ]
        if self.corrections:
            text = page.say("confirm.corrections", count=self.corrections)
            lines.append((page.say("confirm.corrections_label"), text))
        rows_of(page, rows, lines)
        footer(page, Button(page.say("confirm.ok"), "ok", "check"), back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        name, number = "Nguyễn Thị Phương Thảo", "001 085 012 345"
        return {
            "whole": cls(full_name=name, number=number, eid=True),
            "excepted": cls(full_name=name, number=number, good=8, excepted=2, corrections=1),
        }

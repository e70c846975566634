"""Made-up people: names, numbers and fingers drawn from a seed. Nobody lives under them."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương")
MIDDLE = {"F": ("Thị", "Ngọc", "Thu", "Mai"), "M": ("Văn", "Hữu", "Đức", "Quốc")}
GIVEN = {
    "F": ("Hoa", "Lan", "Hương", "Ánh Tuyết", "Diệu", "Thảo", "Yến"),
    "M": ("Bình", "Dũng", "Khôi", "Thành", "Tuấn", "Phước", "Vinh"),
}
PLACES = ("xã Mẫu Một, tỉnh Mẫu", "phường Thử Hai, thành phố Mẫu", "xã Giả Định Ba, tỉnh Thử")
PROVINCES = ("001", "031", "038", "048", "056", "068", "079", "092")
ETHNIC = ("Kinh", "Tày", "Thái", "Mường", "Khmer")
PROVEN_BY = ("right_index", "left_index")

Template = Callable[[int, str], bytes]


@dataclass(frozen=True, slots=True)
class Citizen:
    """A made-up person: `seed` is also the seed of their fingers and face."""

    seed: int
    fields: dict[str, str]

    @property
    def number(self) -> str:
        return self.fields["number"]

    def qr(self) -> str:
        """The text of the QR code on their old card: seven fields (fact sheet: Vietnam's chip card)."""
        f = self.fields
        parts = (
            f["number"], f["old_number"], f["full_name"], _ddmmyyyy(f["birth_date"]),
            {"M": "Nam", "F": "Nữ"}[f["sex"]], f["residence"], _ddmmyyyy(f["issue_date"]),
        )  # fmt: skip
        return "|".join(parts)


def citizen(seed: int, today: date) -> Citizen:
    """Return the made-up person of this seed, between 24 and 70 on `today`."""
    rng = random.Random(seed)  # noqa: S311  made-up people must be the same again
    sex = rng.choice("MF")
    born = today - timedelta(days=rng.randrange(24 * 365, 70 * 365))
    century = {19: 0, 20: 2}[born.year // 100] + (sex == "F")
    number = f"{rng.choice(PROVINCES)}{century}{born.year % 100:02}{rng.randrange(10**6):06}"
    name = f"{rng.choice(FAMILY)} {rng.choice(MIDDLE[sex])} {rng.choice(GIVEN[sex])}"
    fields = {
        "number": number,
        "full_name": name,
        "birth_date": born.isoformat(),
        "sex": sex,
        "nationality": "Việt Nam",
        "ethnicity": rng.choice(ETHNIC),
        "religion": "Không",
        "place_of_origin": rng.choice(PLACES),
        "residence": f"Số {rng.randrange(1, 200)}, {rng.choice(PLACES)}",
        "identifying_marks": "Nốt ruồi cách 2 cm dưới mắt trái",
        "issue_date": (today - timedelta(days=rng.randrange(400, 3000))).isoformat(),
        "expiry_date": (today + timedelta(days=rng.randrange(1, 300))).isoformat(),
        "father_name": f"{name.split()[0]} Văn {rng.choice(GIVEN['M'])}",
        "mother_name": f"{rng.choice(FAMILY)} Thị {rng.choice(GIVEN['F'])}",
        "old_number": f"{rng.randrange(10**8, 10**9)}",
    }
    return Citizen(seed, fields)


def registry_row(person: Citizen, template: Template | None) -> dict[str, Any]:
    """The person as the centre's registry imports them; `template` makes a finger's minutiae record."""
    fingers = {}
    if template is not None:
        fingers = {
            position: base64.b64encode(template(person.seed, position)).decode() for position in PROVEN_BY
        }
    return {**person.fields, "fingers": fingers}


def _ddmmyyyy(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d%m%Y")

"""Made-up people with Vietnamese names, and pictures that are JPEG 2000 in form only."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime

from hypothesis import strategies as st

CAPTURED = datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Đỗ", "Đặng", "Huỳnh", "Vũ", "Bùi", "Ngô", "Ksor", "H'Hen")
MIDDLE = ("Thị", "Văn", "Hữu", "Thị Ánh", "Đức", "Quỳnh", "Xuân", "Bảo", "Ngọc Như", "Tôn Nữ Hoàng")
GIVEN = ("Nghiệm", "Thử", "Ư", "Đăng", "Kiều", "Hậu", "Oanh", "Ỷ", "Niê Kđăm", "Thảo Nguyên")

PERSON = {
    "number": "001304000017",
    "full_name": "Nguyễn Thị Thử Nghiệm",
    "birth_date": "2004-05-06",
    "sex": "F",
    "nationality": "Việt Nam",
    "ethnicity": "Kinh",
    "religion": "Không",
    "place_of_origin": "Xã Thử, Hà Nội",
    "residence": "Số 1, ngõ Mẫu, Hà Nội",
    "identifying_marks": "Nốt ruồi cách 1 cm sau đuôi mắt",
    "issue_date": "2026-03-02",
    "expiry_date": "2029-05-06",
    "father_name": "Nguyễn Văn Giả",
    "mother_name": "Trần Thị Định",
    "spouse_name": "",
    "old_number": "012345678",
}


def jp2(width: int = 48, height: int = 64, body: bytes = b"\xff\xd9" * 40) -> bytes:
    """A JP2 file as far as its header boxes go (ISO/IEC 15444-1, annex I)."""
    ihdr = _box(b"ihdr", struct.pack(">IIHBBBB", height, width, 3, 7, 7, 0, 0))
    signature = _box(b"jP  ", bytes.fromhex("0D0A870A"))
    return signature + _box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + _box(b"jp2h", ihdr) + _box(b"jp2c", body)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _names() -> st.SearchStrategy[str]:
    parts = st.tuples(st.sampled_from(FAMILY), st.sampled_from(MIDDLE), st.sampled_from(GIVEN))
    return parts.map(" ".join)


def _dates() -> st.SearchStrategy[str]:
    return st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(date.isoformat)


def _texts() -> st.SearchStrategy[str]:
    letters = st.sampled_from("aăâbcdđeêghiklmnoôơpqrstuưvxyÀỆỮỲỘ 0123456789,.-/")
    return st.text(letters, max_size=80).map(str.strip)


def people() -> st.SearchStrategy[dict[str, str]]:
    """Subjects as the registry has them; optional fields may be missing."""
    number = st.text("0123456789", min_size=12, max_size=12)
    needed = {
        "number": number,
        "full_name": _names(),
        "birth_date": _dates(),
        "sex": st.sampled_from(("M", "F")),
        "nationality": st.just("Việt Nam"),
        "expiry_date": _dates() | st.just(""),
    }
    optional = {
        "ethnicity": _texts(),
        "religion": _texts(),
        "place_of_origin": _texts(),
        "residence": _texts(),
        "identifying_marks": _texts(),
        "issue_date": _dates(),
        "father_name": _names(),
        "mother_name": _names(),
        "spouse_name": _names(),
        "old_number": st.text("0123456789", min_size=9, max_size=9),
    }
    return st.fixed_dictionaries(needed, optional=optional)

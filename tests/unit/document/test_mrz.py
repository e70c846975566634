"""The machine readable zone: Vietnamese names in A-Z, check digits, and what contradicts itself."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.people import PERSON, people

from firmware.document.errors import MrzError
from firmware.document.mrz import BacKeys, access_keys, check_digit, parse, td1
from firmware.document.names import name_field, transliterate

# Doc 9303-5, appendix B (the specimen of Utopia)
SPECIMEN_1 = "I<UTOD231458907<<<<<<<<<<<<<<<"
SPECIMEN_2 = "7408122F1204159UTO<<<<<<<<<<<6"


@pytest.mark.parametrize(
    ("field", "digit"),
    [
        ("520727", "3"),  # Doc 9303-3, 4.9
        ("AB2134<<<", "5"),  # Doc 9303-3, 4.9
        ("D23145890", "7"),
        ("740812", "2"),
        ("120415", "9"),
        (SPECIMEN_1[5:30] + SPECIMEN_2[0:7] + SPECIMEN_2[8:15] + SPECIMEN_2[18:29], "6"),
    ],
)
def test_check_digits_are_those_of_the_standard(field: str, digit: str) -> None:
    assert check_digit(field) == digit


def test_the_zone_stands_as_the_vietnamese_card_has_it() -> None:
    assert td1(PERSON) == "".join(
        (
            "IDVNM3040000175001304000017<<6",
            "0405063F2905062VNM<<<<<<<<<<<6",
            "NGUYEN<<THI<THU<NGHIEM<<<<<<<<",
        )
    )
    assert access_keys(td1(PERSON)) == BacKeys("304000017", "040506", "290506")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Nguyễn Thị Ánh", "NGUYEN<<THI<ANH"),
        ("ĐẶNG ĐỨC ĐƯỢC", "DANG<<DUC<DUOC"),
        ("Ư Ỷ", "U<<Y"),
        ("H'Hen Niê Kđăm", "HHEN<<NIE<KDAM"),
        ("Y Ƀlŏ Êban", "Y<<BLO<EBAN"),
        ("Lê  Văn-An", "LE<<VAN<AN"),
        ("Kiều", "KIEU"),
        ("Nguye\u0302\u0303n An", "NGUYEN<<AN"),  # letters and marks apart
        ("Straße Ærø Łódź", "STRASSE<<AEROE<LODZ"),
        ("Ångström Þór Ĳsbrand", "AANGSTROM<<THOR<IJSBRAND"),
        ("Əliyev ŀl Ŋa", "ELIYEV<<LL<NA"),
        ("Ksor H’Bia–Y`Wan", "KSOR<<HBIA<YWAN"),
        ("Ơi Ŭp, Ỡm", "OI<<UP<OM"),
    ],
)
def test_names_are_transliterated(name: str, field: str) -> None:
    assert name_field(name, 30) == field.ljust(30, "<")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Công Tằng Tôn Nữ Phương Thảo Nguyên", "CONG<<TANG<TON<NU<PHUON<THAO<N"),
        ("Nguyễn " + "Hoàng " * 8, "NGUYEN<<HOANG<HOANG<HOANG<HOAN"),
        ("A" * 40 + " Bình", "A" * 27 + "<<B"),
        ("A" * 40, "A" * 30),
        ("Nguyễn " + "X " * 12, "NGUYE<<X<X<X<X<X<X<X<X<X<X<X<X"),
        ("Nilavadhanananda Chayapa Dejthamrong Krasuang", "NILAVADHANANANDA<<CHAYAPA<DEJT"),
        ("Papandropoulous Jonathon Alec", "PAPANDROPOULOUS<<JONATHON<ALEC"),
        ("Nguyễn Phương Anh Thư Bình An Nhiên Lạc", "NGUYEN<<PHUONG<ANH<THU<BINH<AN"),
    ],
)
def test_a_truncated_name_ends_in_a_letter(name: str, field: str) -> None:
    assert len(field) == 30
    assert name_field(name, 30)[-1].isalpha()
    assert name_field(name, 30) == field


@given(
    st.lists(
        st.sampled_from(("Ư", "Đỗ", "Y", "H'Hen", "Phương", "Quỳnh-Anh", "Nguyễn", "Xuân" * 9)), min_size=1
    )
)
def test_a_field_of_any_length_is_full_of_letters_or_ends_in_fillers(parts: list[str]) -> None:
    name = " ".join(parts)[:200]
    whole = "<".join(transliterate(name)).replace("<", "<<", 1)
    field = name_field(name, 30)
    assert len(field) == 30
    if len(whole) <= 30:
        assert field == whole.ljust(30, "<")
    else:
        assert field[-1].isalpha()
        assert len(transliterate(name)) == 1 or re.match("[A-Z]+<<[A-Z]", field)
        assert re.fullmatch("[A-Z]+(<<[A-Z]+(<[A-Z]+)*)?", field)


@pytest.mark.parametrize("name", ["", "  ", "'", "Nguyễn/An", "Нгуен", "阮氏", "Nguyễn 2", "A" * 201])
def test_a_name_without_a_place_in_the_zone_is_refused(name: str) -> None:
    with pytest.raises(MrzError):
        transliterate(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "12345678901"),
        ("number", "٠٠١٣٠٤٠٠٠٠١٧"),
        ("birth_date", "1990-02-30"),
        ("birth_date", "19900203"),
        ("birth_date", ""),
        ("expiry_date", "soon"),
        ("sex", "X"),
        ("full_name", ""),
    ],
)
def test_a_field_that_cannot_stand_in_a_zone_is_named(field: str, value: str) -> None:
    with pytest.raises(MrzError) as caught:
        td1({**PERSON, field: value})
    assert caught.value.field == {"full_name": "name"}.get(field, field)


def test_a_card_without_an_end_date_has_the_one_that_means_none() -> None:
    assert parse(td1({**PERSON, "expiry_date": ""})).expiry == "991231"


@given(people())
def test_every_zone_reads_back(person: dict[str, str]) -> None:
    zone = td1(person)
    assert re.fullmatch("[A-Z0-9<]{90}", zone)
    fields = parse(zone)
    assert fields.number == person["number"]
    assert fields.document_number == person["number"][-9:]
    assert fields.sex == person["sex"]
    assert fields.birth == date.fromisoformat(person["birth_date"]).strftime("%y%m%d")
    assert fields.name.split("<<")[0] == transliterate(person["full_name"])[0]


CHECKED = [*range(5, 29), *range(30, 37), *range(38, 45), *range(48, 60)]


@given(people(), st.sampled_from(CHECKED), st.integers(1, 9))
def test_a_misread_digit_under_a_check_digit_is_found(person: dict[str, str], at: int, by: int) -> None:
    zone = td1(person)
    if not zone[at].isdigit():
        return
    wrong = zone[:at] + str((int(zone[at]) + by) % 10) + zone[at + 1 :]
    with pytest.raises(MrzError):
        parse(wrong)


@pytest.mark.parametrize("zone", ["", SPECIMEN_1 + SPECIMEN_2 + "A" * 30, "IDVNM" * 18, "x" * 90])
def test_what_is_no_vietnamese_zone_is_refused(zone: str) -> None:
    with pytest.raises(MrzError):
        parse(zone)

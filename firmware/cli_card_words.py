"""What `kiosk card` says: Vietnamese first, English beside it. Nothing here speaks of a person."""

from __future__ import annotations

from collections.abc import Mapping

from firmware.document.errors import Check
from firmware.issue.findings import Extra, Outcome, Verdict
from firmware.issue.inspect import Seen

EXIT: Mapping[Verdict, int] = {
    Verdict.GENUINE: 0,
    Verdict.FORGED: 1,
    Verdict.UNTRUSTED: 3,
    Verdict.EXPIRED: 4,
    Verdict.UNPROTECTED: 5,
    Verdict.TORN: 6,
    Verdict.CLOSED: 7,
    Verdict.BLANK: 8,
    Verdict.NO_EMRTD: 9,
    Verdict.BROKEN: 10,
    Verdict.UNSUPPORTED: 11,
}

VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.GENUINE: (
        "THẺ THẬT: mọi phép kiểm tra làm được đều đạt",
        "GENUINE: every check that could be made held",
    ),
    Verdict.FORGED: (
        "THẺ GIẢ hoặc bị sửa: nội dung không đúng như đã ký",
        "FORGED or altered: it is not what was signed, or not by whom it says",
    ),
    Verdict.UNTRUSTED: (
        "KHÔNG RÕ NƠI CẤP: thẻ nguyên vẹn, nhưng kho tin cậy không có cơ quan đã ký (thẻ nước ngoài, giả)",
        "UNTRUSTED: whole, but the trust store has no such authority (a foreign card, or a forged one)",
    ),
    Verdict.EXPIRED: (
        "CHỨNG THƯ HẾT HẠN: thẻ nguyên vẹn, chứng thư ký không còn hiệu lực",
        "EXPIRED: whole and trusted, but a certificate is not valid now",
    ),
    Verdict.UNPROTECTED: (
        "KHÔNG ĐƯỢC BẢO VỆ: ai cũng đọc được dữ liệu cá nhân",
        "UNPROTECTED: it shows personal data to anybody",
    ),
    Verdict.TORN: (
        "THẺ GHI DỞ: mở được, nhưng việc ghi chưa hoàn tất",
        "TORN: it opens, but its personalisation was never finished",
    ),
    Verdict.CLOSED: (
        "KHÔNG MỞ ĐƯỢC bằng số liệu đã nhập",
        "CLOSED: it does not open with what was given",
    ),
    Verdict.BLANK: ("THẺ TRẮNG: chưa có khoá truy cập", "BLANK: it has no access keys yet"),
    Verdict.NO_EMRTD: (
        "KHÔNG PHẢI thẻ giấy tờ điện tử",
        "NO eMRTD: the card has no such application",
    ),
    Verdict.UNSUPPORTED: (
        "MÁY NÀY CHƯA ĐỌC ĐƯỢC LOẠI THẺ NÀY: thẻ cần cách mở hoặc cách đọc mà máy không có",
        "UNSUPPORTED: it asks for a way to open or read it that this terminal does not have",
    ),
    Verdict.BROKEN: ("THẺ HỎNG: không theo giao thức", "BROKEN: it breaks the protocol"),
}
HELP: Mapping[Verdict, tuple[str, str]] = {
    Verdict.TORN: (
        "Nếu là thẻ của máy này: kiosk card resume, hoặc kiosk card void",
        "If it is a card of this box: kiosk card resume, or kiosk card void",
    ),
    Verdict.CLOSED: (
        "Kiểm tra lại số giấy tờ, ngày sinh, ngày hết hạn, hoặc số CAN",
        "Check the document number, date of birth, date of expiry, or the CAN",
    ),
    Verdict.UNSUPPORTED: (
        "Số trên mặt thẻ (CAN) không mở được thì dùng MRZ, hoặc máy khác; chưa kết luận thẻ giả hay hỏng",
        "If the CAN does not open it try the MRZ, or another terminal; nothing is said against the card",
    ),
    Verdict.UNTRUSTED: (
        "Thêm chứng thư CSCA của nước cấp vào kho tin cậy (--trust) rồi đọc lại",
        "Add the issuing state's CSCA to the trust store (--trust) and read it again",
    ),
}
OUTCOMES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.HELD: ("đạt", "held"),
    Outcome.FAILED: ("HỎNG", "FAILED"),
    Outcome.NOT_MADE: ("không làm", "not made"),
}
SEEN: Mapping[Seen, tuple[str, str]] = {
    Seen.READ: ("đã đọc", "read"),
    Seen.REFUSED: ("bị từ chối", "refused"),
    Seen.MISSING: ("không có", "missing"),
    Seen.UNWRITTEN: ("chưa ghi", "unwritten"),
    Seen.DAMAGED: ("hỏng", "damaged"),
    Seen.NOT_READ: ("không đọc được ở đây", "not read here"),
}
CHECKS: Mapping[Check | Extra, str] = {
    Check.SOD: "EF.SOD đúng dạng",
    Check.ALGORITHM: "thuật toán được phép",
    Check.ONE_SIGNER: "đúng một người ký",
    Check.CONTENT_TYPE: "loại nội dung",
    Check.MESSAGE_DIGEST: "mã băm của nội dung",
    Check.DS: "chứng thư người ký (DS)",
    Check.KEY_USAGE: "mục đích khoá của DS",
    Check.CHAIN: "DS do CSCA tin cậy ký",
    Check.VALIDITY: "chứng thư còn hiệu lực",
    Check.SIGNATURE: "chữ ký của EF.SOD",
    Check.HASHES: "mã băm các nhóm dữ liệu",
    Check.COM: "EF.COM khớp",
    Check.CARD_ACCESS: "EF.CardAccess khớp DG14",
    Check.CHIP_KEY: "khoá của chip trong DG14",
    Extra.PLAIN_READ: "không đọc được khi chưa mở",
    Extra.CLOSED: "đã khoá việc ghi",
    Extra.ACTIVE: "xác thực chủ động (AA)",
    Extra.CHIP: "xác thực chip (CA)",
}


def both(words: tuple[str, str]) -> str:
    return " · ".join(words)

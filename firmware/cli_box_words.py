"""What `kiosk box` says, in Vietnamese and English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.box.export import Exported
    from firmware.box.status import BoxStatus
    from firmware.records.adoption import Adopted

KNOWN_BY = {
    "handover": "theo bàn giao của máy cũ · by the old box's own word",
    "disk": "theo thẻ nhớ của máy cũ · by the old box's storage card",
    "order": "theo lệnh của trung tâm · by the centre's order",
}


def refused(reason: str, detail: str = "") -> str:
    """Code, cause and remedy of a reason, in both languages."""
    from config.catalogue import entry

    found, more = entry(reason), f" [{detail}]" if detail else ""
    if found is None:
        return f"{reason}{more}"
    cause, remedy = found.cause, found.remedy
    return f"{found.code} {cause.vi} · {cause.en}{more}\n  → {remedy.vi} · {remedy.en}"


def exported(done: Exported) -> Iterator[str]:
    closed = f"kỳ {done.epoch} đóng ở hồ sơ {done.closed_at}"
    yield f"{done.box}: {closed} · epoch {done.epoch} is closed at record {done.closed_at}"
    yield f"  {done.records} hồ sơ · records, {done.drafts} đang chờ · waiting visits"
    if done.delivered:
        yield f"  {done.delivered} đã gửi rồi · of these are delivered already"
    if done.carried:
        yield f"  {done.carried} hồ sơ của máy khác · records of other boxes"
    yield f"  {done.blanks_left} phôi thẻ theo sổ · blank cards by the books: count them"
    yield f"  {done.folder}"
    yield "máy này không thu nhận nữa · this box enrols no more"
    yield "cắm USB vào máy thay · put the stick into the spare"


def adopted(done: Adopted) -> Iterator[str]:
    again = " (đã làm rồi · done before)" if done.again else ""
    yield f"thay {done.box}, kỳ {done.epoch} · took the place of {done.box}, epoch {done.epoch}{again}"
    yield f"  {KNOWN_BY[done.known_by]}"
    yield f"  {done.records} hồ sơ sẽ gửi · records to deliver"
    yield f"  {len(done.drafts)} lượt đang chờ · waiting visits"
    for draft in done.drafts:
        if draft.now:
            yield f"  làm tiếp ngay · resume now: {draft.ticket}"
        elif draft.old_ticket:
            yield f"  giấy hẹn đổi số · ticket {draft.old_ticket} → {draft.ticket}"
    if done.blanks_stated is not None and done.blanks_stated != done.blanks_counted:
        stated, counted = done.blanks_stated, done.blanks_counted
        yield f"  phôi lệch: sổ {stated}, đếm {counted} · blanks differ: books {stated}, counted {counted}"
    for line in done.lost:
        yield f"  MẤT · LOST: {line}"


def status(found: BoxStatus) -> Iterator[str]:
    kind = "máy tập huấn · a training box" if found.development else "máy thật · in production"
    yield f"{found.box}, kỳ · epoch {found.epoch}, {kind}"
    if found.closed:
        yield "  ĐÃ BÀN GIAO: không thu nhận nữa · HANDED OVER: enrols no more"
    yield from _station(found)
    for lease in found.leases:
        until = f"{lease.until:%Y-%m-%d %H:%M}Z"
        yield (
            f"  quyền cấp thẻ {lease.serial} ({lease.holder}): còn {lease.left}/{lease.count}, đến {until}"
            f" · lease: {lease.left} of {lease.count} left until {until}"
        )
    yield f"  phôi thẻ còn {found.blanks.left} · blank cards left: {found.blanks.left}"
    yield f"  chưa gửi {found.own.unsent}, bị từ chối {found.own.refused} · unsent, refused by the centre"
    if found.carried.unsent:
        yield f"  của máy khác {found.carried.unsent} · of other boxes, unsent"
    yield f"  lượt đang chờ {found.waiting} · waiting visits"
    for ticket in found.resume_now:
        yield f"  làm tiếp ngay · resume now: {ticket}"
    for epoch, at in found.given:
        yield f"  bàn giao kỳ {epoch} lúc {at[:19]}Z · handed over epoch {epoch}"
    for one in found.adopted:
        told = "trung tâm đã biết · reported" if one.reported else "chưa báo trung tâm · not reported yet"
        yield f"  {one.by} thay {one.box} kỳ {one.epoch} · took its place, epoch {one.epoch}: {told}"


def _station(found: BoxStatus) -> Iterator[str]:
    place = found.assignment
    if place is None:
        yield "  chưa có giấy giao việc · no assignment"
        return
    role = "máy dự phòng · spare" if place.role == "spare" else "máy của đơn vị · a unit's box"
    yield f"  {role}, {place.pool}: {place.capture_unit} {place.team} {place.station}".rstrip()

"""A production box from its first key to a line with the centre, its keys in a TPM: by the commands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support.centre import TestStation
from support.tpm import BADGE, PIN, SoftTpm, soft_tpm
from typer.testing import CliRunner

from centre.cli_box import app as centre_commands
from config.schema import Config, Station, Tpm
from firmware.box.identity import Identity, identity_of
from firmware.box.officers import Officer, hashed, write_officers
from firmware.box.renewal import Renewal
from firmware.cli_box import app as box_commands
from firmware.preflight import _identity, _keys_in_a_tpm, _no_key_in_a_file
from firmware.records.errors import StoreLocked
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreUnreachable

BOX = "BOX-07"


@dataclass
class Bench:
    """A box without keys, its TPM, a centre, and memory."""

    folder: Path
    chip: SoftTpm
    station: TestStation

    @property
    def site(self) -> Path:
        path = self.folder / "site.toml"
        path.write_text(
            f'[station]\ndata = "{self.folder / "box"}"\n'
            f'[tpm]\ntcti = "{self.chip.tcti}"\nruntime = "{self.folder / "run"}"\n'
        )
        return path

    @property
    def identity(self) -> Identity:
        station = Station(data=str(self.folder / "box"), profile="production")
        return identity_of(self.config(station))

    def config(self, station: Station) -> Config:
        return Config(station=station, tpm=Tpm(self.chip.tcti, str(self.folder / "run")))

    def box(self, *arguments: str, typed: str = "") -> str:
        return self._said(box_commands, [*arguments, "--config", str(self.site)], typed)

    def centre(self, command: str, *arguments: str) -> str:
        return self._said(centre_commands, [command, str(self.station.station.folder), *arguments])

    def boot(self) -> None:
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.chip.power_cycle()

    def enrol(self) -> None:
        answer = str(self.folder / "answer.json")
        self.box("init", "--box", BOX, "--tpm", "--badge", BADGE, typed=f"{PIN}\n{PIN}\n")
        request = str(self.identity.folder / "box.csr.pem")
        self.centre("sign-box", "--request", request, "--out", answer)
        self.box("init", "--take", answer)

    def _said(self, commands: object, arguments: list[str], typed: str = "") -> str:
        result = CliRunner().invoke(commands, arguments, input=typed)  # type: ignore[arg-type]
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        return result.output


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with soft_tpm() as chip:
        station = TestStation(tmp_path, datetime.now(UTC) - timedelta(days=1))
        yield Bench(tmp_path, chip, station)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_box_is_made_and_enrolled_by_three_commands(bench: Bench) -> None:
    bench.enrol()
    identity = bench.identity
    assert (identity.box, identity.epoch, identity.development) == (BOX, 1, True)
    identity.keys(simulated=True)
    assert bench.box("officers").split() == [BADGE]


def test_preflight_takes_keys_in_a_tpm_for_production(bench: Bench) -> None:
    bench.enrol()
    config = bench.config(Station(data=str(bench.folder / "box"), profile="production"))
    for locked in (False, True):
        for check in (_identity, _no_key_in_a_file):
            assert list(check(config)) == [], locked
        said = list(_keys_in_a_tpm(config))
        assert all("tmpfs" in reason for reason in said)  # the tests' folder may lie on a disk
        bench.boot()


def test_the_same_step_again_makes_no_second_key(bench: Bench) -> None:
    arguments = ("init", "--box", BOX, "--tpm", "--badge", BADGE)
    bench.box(*arguments, typed=f"{PIN}\n{PIN}\n")
    first = x509.load_pem_x509_csr((bench.identity.folder / "box.csr.pem").read_bytes())
    bench.box(*arguments, typed=f"{PIN}\n{PIN}\n")
    second = x509.load_pem_x509_csr((bench.identity.folder / "box.csr.pem").read_bytes())
    assert first.public_key() == second.public_key()


def test_the_console_unlocks_it_after_a_cold_boot(bench: Bench) -> None:
    bench.enrol()
    bench.boot()
    refused = CliRunner().invoke(
        box_commands, ["unlock", "--badge", BADGE, "--config", str(bench.site)], input="000000\n"
    )
    assert refused.exit_code == 1 and "tries left" in refused.output
    assert bench.identity.locked
    bench.box("unlock", "--badge", BADGE, typed=f"{PIN}\n")
    assert not bench.identity.locked
    bench.box("lock")
    assert bench.identity.locked


def test_a_second_officer_unlocks_it_too(bench: Bench) -> None:
    bench.enrol()
    bench.box("officers", "add", "--badge", "BADGE-02", typed="024680\n024680\n")
    bench.boot()
    bench.box("unlock", "--badge", "BADGE-02", typed="024680\n")
    bench.box("officers", "remove", "--badge", BADGE)
    assert bench.box("officers").split() == ["BADGE-02"]


def test_a_list_of_staff_is_kept_encrypted_and_a_plain_one_is_refused(bench: Bench) -> None:
    bench.enrol()
    plain = bench.identity.folder / "officers.json"
    write_officers(plain, [Officer(BADGE, "OFF-1", "Cán bộ Một", "officer", hashed(PIN))])
    config = bench.config(Station(data=str(bench.folder / "box"), profile="production"))
    assert any("guessed" in reason for reason in _keys_in_a_tpm(config))
    bench.box("officers", "staff", "--file", str(plain))
    plain.unlink()
    assert not any("guessed" in reason for reason in _keys_in_a_tpm(config))
    assert list(bench.identity.officers()) == [BADGE]


def test_the_journal_opens_once_an_officer_has_unlocked_the_box(bench: Bench) -> None:
    """As the store's worker does it: it asks again, and the same process goes on."""
    bench.enrol()
    bench.boot()
    identity = bench.identity
    with pytest.raises(StoreLocked) as locked:
        identity.keys(simulated=True)
    assert locked.value.reason == "box_locked"
    assert identity.lock is not None
    identity.lock.unlock(BADGE, PIN)
    with Journal(bench.folder / "records", identity.keys(simulated=True), now) as journal:
        journal.audit.append("kiosk", "unlocked", None, None)
        assert journal.audit.verify() == []


def test_an_identity_renews_itself_and_its_line_goes_on(bench: Bench) -> None:
    bench.enrol()
    identity, later = bench.identity, lambda: now() + timedelta(days=300)
    before = identity.certificate("box.crt")
    with bench.station.served() as port:
        url = f"https://127.0.0.1:{port}"
        renewal = Renewal(identity, url, later)
        assert renewal.keep() and renewal.identity_is_new
        renewed = identity.certificate("box.crt")
        assert renewed != before and renewed.public_key() == before.public_key()
        with CentreClient(url, identity.tls()) as line:
            assert line.get_json("/v1/health")["status"] == "ok"
    assert identity.keys(simulated=True).signer.certificate == renewed


def test_a_file_keys_identity_renews_itself_too(bench: Bench) -> None:
    identity = Identity(bench.station.enrol("BOX-08").folder)
    with bench.station.served() as port:
        url = f"https://127.0.0.1:{port}"
        with CentreClient(url, identity.tls()) as line:
            assert Renewal(identity, url, lambda: now() + timedelta(days=300)).keep()
            assert line.get_json("/v1/health")["status"] == "ok"


def test_its_line_shows_a_short_lived_certificate_that_renews_itself(bench: Bench) -> None:
    bench.enrol()
    identity = bench.identity
    with bench.station.served() as port:
        url = f"https://127.0.0.1:{port}"
        with CentreClient(url, identity.tls()) as line:
            with pytest.raises(CentreUnreachable):
                line.get_json("/v1/health")
            assert Renewal(identity, url, now).keep()
            assert line.get_json("/v1/health")["status"] == "ok"
        kept = identity.store.line.read_bytes()
        assert Renewal(bench.identity, url, now).keep()
        assert identity.store.line.read_bytes() == kept
        with CentreClient(url, bench.identity.tls()) as after_a_restart:
            assert after_a_restart.get_json("/v1/health")["status"] == "ok"
        assert Renewal(bench.identity, url, lambda: now() + timedelta(days=5)).keep()
        assert identity.store.line.read_bytes() != kept


def test_a_locked_box_asks_for_no_certificate(bench: Bench) -> None:
    bench.enrol()
    bench.boot()
    assert not Renewal(bench.identity, "https://127.0.0.1:1", now).keep()


def test_a_box_enrols_itself_with_a_code(bench: Bench) -> None:
    bench.box("init", "--box", BOX, "--tpm", "--badge", BADGE, typed=f"{PIN}\n{PIN}\n")
    code = bench.station.station.enrolment_code(BOX, 1)
    with bench.station.served() as port:
        site = bench.site
        site.write_text(site.read_text() + f'[centre]\nurl = "https://127.0.0.1:{port}"\n')
        authority = bench.station.station.folder / "pki" / "tls-ca.crt.pem"
        arguments = ["enrol", "--ca", str(authority), "--code", code, "--config", str(site)]
        result = CliRunner().invoke(box_commands, arguments)
        assert result.exit_code == 0, result.output
        identity = bench.identity
        assert Renewal(identity, f"https://127.0.0.1:{port}", now).keep()

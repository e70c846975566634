"""From switched on to a greeting that takes a touch: keys in a file, and in a TPM that an officer unlocks."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.figure import About, Figure, figure, median_s, say
from benchmarks.results import CHECKOUT, FOLDER

STARTS = 3
TAKEN = "LANGUAGE"
LOCKED, ASKED = "StartBox", "OFFICER"
BARE = "bare Python that imports cryptography, NumPy and OpenCV"
SITE = """[station]
profile = "virtual"
data = "{data}"
tools = "{tools}"
home_unit = "UNIT-BENCH"
capture_unit = "UNIT-BENCH"
team = "TEAM-BENCH"
[tpm]
tcti = "{tcti}"
runtime = "{runtime}"
"""


def start() -> list[Figure]:
    """`kiosk run` until the greeting takes a touch; with a TPM until it asks, and from the PIN on."""
    sys.path.insert(0, str(CHECKOUT / "tests"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    bare = median_s(_bare, STARTS)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="start-") as name:
        plain = [_start(_with_file(Path(name)))[TAKEN] for _ in range(STARTS)]
    rows = [figure("box.start_to_ready_s", statistics.median(plain), "s", None, BARE, bare)]
    return rows + _tpm()


def provision() -> list[Figure]:
    """A blank folder and the centre's stick with a training key: one command, until the box may greet."""
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from support.provisioning import BOX, Works

    FOLDER.mkdir(parents=True, exist_ok=True)
    took = []
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="provision-") as folder:
        works = Works(Path(folder)).found()
        works.make()
        seal = works.delivery().seal
        for n in range(STARTS):
            site, data = Path(folder) / f"etc-{n}" / "kiosk.toml", Path(folder) / f"box-{n}"
            words = ["box", "provision", str(works.stick), "--config", str(site), "--data", str(data)]
            words += ["--box", BOX, "--seal", seal, "--no-devices"]
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "firmware", *words], capture_output=True, text=True, cwd=CHECKOUT
            )
            took.append(time.perf_counter() - began)
            if done.returncode:
                raise RuntimeError(f"not provisioned: {done.stdout}{done.stderr}")
    return [figure("box.provision_s", statistics.median(took), "s")]


FIGURES: Sequence[Callable[[], list[Figure]]] = (start, provision)
VIRTUAL = "every device of the kiosk; files are in the page cache"
ABOUT: Mapping[str, About] = {
    "box.start_to_ready_s": About(
        "process start to a greeting that takes a touch, keys in files; `.tpm_locked`: after a cold boot, to"
        " the screen that asks for a badge; `.tpm_unlock`: from the PIN pad to the greeting, the PIN typed"
        " in no time",
        cpu=True,
        simulated=VIRTUAL + "; the TPM is swtpm",
        limit=60,
        limit_of="a team that waits for its box in the morning",
    ),
    "box.provision_s": About(
        "`kiosk box provision STICK` from a blank folder to a box that may greet, by a stick with a training"
        " key; the seal is given, the devices are not examined",
        cpu=True,
        simulated="the stick is a folder",
    ),
}


def _tpm() -> list[Figure]:
    name = "box.start_to_ready_s"
    if shutil.which("swtpm") is None:
        return [figure(f"{name}.tpm_locked", None, "s"), figure(f"{name}.tpm_unlock", None, "s")]
    from support.tpm import BADGE, PIN, TpmBox, soft_tpm

    from firmware.sim.card_keys import write_card_keys

    asked, opened = [], []
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="start-") as folder, soft_tpm() as chip:
        box = TpmBox.make(Path(folder), chip)
        data = Path(folder) / "data"
        data.mkdir()
        box.folder = box.folder.rename(data / "identity")
        write_card_keys(box.folder)
        site = _site(data, chip.tcti, Path(folder) / "run")
        for _ in range(STARTS):
            box.boot()
            said = _start(site, BADGE, PIN)
            asked.append(said[LOCKED])
            opened.append(said[TAKEN] - said[ASKED])
    return [
        figure(f"{name}.tpm_locked", statistics.median(asked), "s"),
        figure(f"{name}.tpm_unlock", statistics.median(opened), "s"),
    ]


def _with_file(folder: Path) -> Path:
    """A new box with its keys in files."""
    from centre.station import Station
    from firmware.box.officers import write_officers
    from firmware.sim.card_keys import write_card_keys
    from firmware.sim.officer import staff

    if not (folder / "centre").exists():
        station, identity = Station(folder / "centre"), folder / "data" / "identity"
        station.init()
        station.enrol_box("BOX-BENCH-01", identity)
        write_officers(identity / "officers.json", staff())
        write_card_keys(identity)
    return _site(folder / "data", "", folder / "run")


def _site(data: Path, tcti: str, runtime: Path) -> Path:
    from config.load import load

    tools = Path(load().station.tools).resolve()
    site = data.parent / "site.toml"
    site.write_text(SITE.format(data=data, tools=tools, tcti=tcti, runtime=runtime), encoding="utf-8")
    return site


def _start(site: Path, *officer: str) -> dict[str, float]:
    """Seconds from the start of the process to each state and screen, when it was first there."""
    seen: dict[str, float] = {}
    command = [sys.executable, "-m", "benchmarks.box_kiosk", str(site), *officer]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    began = time.perf_counter()
    with (
        (FOLDER / "box.log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=CHECKOUT, env=env) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            for name in line.decode().split():
                seen.setdefault(name, time.perf_counter() - began)
            if TAKEN in seen:
                break
        process.terminate()
        process.wait()
    if TAKEN not in seen:
        raise RuntimeError(f"the kiosk took no touch, it showed {seen}: see {FOLDER / 'box.log'}")
    say(", ".join(f"{name} {at:.2f} s" for name, at in seen.items()))
    return seen


def _bare() -> None:
    code = "import cryptography.x509, numpy, cv2"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)

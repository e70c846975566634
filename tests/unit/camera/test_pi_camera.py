"""The picamera2 adapter against a fake that is as strict as the library."""

from __future__ import annotations

import numpy as np
import pytest
from support.picamera import Picamera, fresh

from drivers.api import CameraControls
from drivers.camera.pi import SILENT_S, PiCamera
from drivers.errors import DeviceGone, DeviceRefused, DeviceTimeout


@pytest.fixture
def library() -> type[Picamera]:
    return fresh()


def camera_on(library: type[Picamera]) -> PiCamera:
    return PiCamera(library=lambda: library)


def test_no_camera_is_gone_and_never_an_index_error(library: type[Picamera]) -> None:
    library.cameras = []
    with pytest.raises(DeviceGone), camera_on(library):
        pass
    assert library.opened == []


def test_where_picamera2_is_not_installed_it_says_what_to_install() -> None:
    try:
        import picamera2  # noqa: F401
    except ImportError:
        with pytest.raises(DeviceRefused, match="python3-picamera2"), PiCamera():
            pass
    else:
        pytest.skip("picamera2 is installed here")


def test_one_configuration_serves_stills_and_preview(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        assert camera.still(1.0).bgr.shape == (1232, 1640, 3)
        assert camera.preview(1.0).bgr.shape == (480, 640, 3)
        opened = library.opened[0]
    assert opened.starts == 1
    assert opened.configuration["buffer_count"] == 3
    assert opened.configuration["lores"]["format"] == "YUV420"


def test_only_controls_that_the_camera_has_are_asked_for(library: type[Picamera]) -> None:
    with camera_on(library) as camera:  # this camera has no AeFlickerMode: asking would raise
        assert library.opened[0].configuration["controls"] == {"FrameDurationLimits": (100, 20_000)}
        del library.opened[0].camera_controls["AnalogueGain"]
        assert camera.controls() == {"exposure_us", "white_balance_locked"}
        camera.set_controls(CameraControls(exposure_us=1000, gain=3.0))


def test_the_stride_of_the_preview_is_cut_off_and_its_colours_kept(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        bgr = camera.preview(1.0).bgr
    left, right = bgr[240, 100].astype(int), bgr[240, 620].astype(int)
    assert np.abs(left - (200, 90, 40)).max() <= 4
    assert np.abs(right - (40, 90, 200)).max() <= 4


def test_every_request_is_released(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        for _ in range(10):
            camera.preview(1.0)
            camera.still(1.0)
        assert library.opened[0].held == 0


def test_every_wait_has_an_end(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        camera.preview(0.3)
        camera.still(5.0)
    assert library.opened[0].waits == [0.3, SILENT_S]


def test_a_silent_camera_is_restarted_once(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        library.silent_captures = 1
        assert camera.preview(3.0).bgr.size
        assert library.opened[0].starts == 2


def test_a_camera_that_stays_silent_times_out(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        library.silent_captures = 9
        with pytest.raises(DeviceTimeout):
            camera.preview(3.0)


@pytest.mark.parametrize("capture", ["preview", "still"])
def test_leaving_a_silent_camera_ends_and_lets_go_of_it(library: type[Picamera], capture: str) -> None:
    """The idle probe: its one wait is over, and the supervisor hears of it only once the camera is closed."""

    def clock() -> float:
        return sum(wait or 0.0 for each in library.opened for wait in each.waits)

    with pytest.raises(DeviceTimeout), PiCamera(library=lambda: library, clock=clock) as camera:
        library.silent_captures = 9
        getattr(camera, capture)(SILENT_S)
    assert (library.opened[0].starts, library.opened[0].closed) == (1, True)


def test_a_capture_that_timed_out_is_not_in_the_way_of_the_next(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        library.silent_captures = 2
        with pytest.raises(DeviceTimeout):
            camera.preview(0.5)
        assert camera.still(0.5).bgr.size
        assert library.opened[0].held == 0


def test_a_restart_that_takes_all_the_time_there_is_times_out(library: type[Picamera]) -> None:
    def clock() -> float:
        return 10.0 * sum(each.starts > 1 for each in library.opened)

    with PiCamera(library=lambda: library, clock=clock) as camera:
        library.silent_captures = 1
        with pytest.raises(DeviceTimeout):
            camera.still(3.0)


def test_a_library_that_cannot_take_a_capture_back_is_refused(
    library: type[Picamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Picamera, "cancel_all_and_flush")
    with pytest.raises(DeviceRefused, match=r"0\.3\.20"), camera_on(library):
        pass
    assert library.opened == []


def test_white_balance_is_locked_to_the_gains_of_the_last_frame(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        camera.preview(1.0)
        camera.set_controls(CameraControls(white_balance_locked=True))
        asked = library.opened[0]._asked[-1][1]
    assert asked["AwbEnable"] is False
    assert asked["ColourGains"] == (1.8, 1.5)


def test_leaving_stops_and_closes(library: type[Picamera]) -> None:
    with camera_on(library):
        pass
    assert library.opened[0].closed


def test_metadata_may_lack_every_key(library: type[Picamera]) -> None:
    library.missing = frozenset({"ExposureTime", "AnalogueGain", "ColourGains"})
    with camera_on(library) as camera:
        told = camera.preview(1.0).metadata
        camera.set_controls(CameraControls(white_balance_locked=True))
        asked = library.opened[0]._asked[-1][1]
    assert (told.exposure_us, told.gain) == (None, None)
    assert "ColourGains" not in asked


def test_a_new_exposure_is_believed_only_when_the_metadata_say_so(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        camera.set_controls(CameraControls(exposure_us=5000, gain=1.0))
        told = [camera.preview(1.0).metadata.exposure_us for _ in range(9)]
    assert told[0] == 20_000
    assert told[-1] == 5000


def test_a_camera_that_was_pulled_out_is_gone_in_a_frame_and_closes(library: type[Picamera]) -> None:
    with camera_on(library) as camera:
        camera.preview(1.0)
        library.pulled = True
        for take in (camera.preview, camera.still):
            with pytest.raises(DeviceGone):
                take(1.0)
    assert library.opened[0].closed


def test_a_preview_whose_size_was_aligned_comes_out_as_asked(library: type[Picamera]) -> None:
    library.aligned = (656, 480)
    with camera_on(library) as camera:
        assert camera.preview(1.0).bgr.shape == (480, 640, 3)

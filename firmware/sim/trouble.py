"""What may go wrong with a virtual station in a way that says by itself what to do."""

from __future__ import annotations

from drivers.chip.dialects.profile import ProfileError
from drivers.virtual.pcscd import PcscdFailed, PcscdMissing
from firmware.quality.portrait_models import ModelsMissingError
from firmware.sim.browser import PageFailed, PortTaken
from firmware.sim.centre import CentreFailed
from firmware.sim.evidence import NotShown
from firmware.sim.folder import FolderRefused
from firmware.sim.office import DemoFailed

MENDABLE = (
    CentreFailed,
    DemoFailed,
    FolderRefused,
    ModelsMissingError,
    NotShown,
    PageFailed,
    PcscdFailed,
    PcscdMissing,
    PortTaken,
    ProfileError,
)

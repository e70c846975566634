"""Why a box may not issue by itself, as keys: read by the greeting too, so it imports nothing."""

NO_LEASE = (
    "no_assignment", "box_handed_over", "lease_none", "lease_stale", "lease_ended", "lease_used_up",
    "lease_not_for_case", "lease_other_box", "lease_other_epoch", "lease_other_pool", "lease_other_token",
)  # fmt: skip
"""Why a box may not issue by itself, beside its clock."""

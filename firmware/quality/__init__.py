"""Is the sample good enough, and what should the person do now: fingers and portrait."""

"""NFIQ 2.3 and finger matching (NIST's NBIS and FingerJet) in a supervised child process.

`serve` is the child, `client` its parent, `runtime` says where they are installed and how a child is
started. Native code that is fed raw input crashes or hangs only itself.
"""

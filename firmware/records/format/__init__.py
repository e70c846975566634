"""The record's format: schema, manifest, seal, receipt.

A pure leaf (no file, no clock, no device) that box and centre share: what this package accepts on the box is
never refused for its content at the centre.
"""

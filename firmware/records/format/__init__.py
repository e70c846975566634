"""The record's format: schema, manifest, seal, receipt.

A pure leaf that box and centre share: no clock, no device, no file but the rule packs of `config`. What this
package accepts on the box is never refused for its content at the centre.
"""

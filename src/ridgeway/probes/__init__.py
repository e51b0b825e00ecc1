"""What goes on inside lanes while they train: measured on a few fixed rows after an epoch, for each layer."""

from ridgeway.probes.program import PROBES, ProbeProgram, checked_probes

__all__ = ["PROBES", "ProbeProgram", "checked_probes"]

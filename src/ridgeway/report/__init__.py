"""What people look at: figures, and the one-file page."""

from ridgeway.report.figures import KINDS, plot
from ridgeway.report.page import write_report

__all__ = ["KINDS", "plot", "write_report"]

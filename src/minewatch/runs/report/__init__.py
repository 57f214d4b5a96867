"""What a person is given: the list as a workbook, and one evidence page for each finding."""

from minewatch.runs.report.data import Counts, Curve, ReportData, curves_from_readings
from minewatch.runs.report.folder import ReportPaths, write_report

__all__ = ["Counts", "Curve", "ReportData", "ReportPaths", "curves_from_readings", "write_report"]

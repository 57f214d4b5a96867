"""Contracts: tables with units and data classes, ids, periods, reasons, evidence and steps."""

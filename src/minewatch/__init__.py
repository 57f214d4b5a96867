"""Minewatch (清矿): finds cryptocurrency mining on a power grid, with evidence that stands up."""

__version__ = "0.1.0"

"""Kangshu 康枢: a city runs its whole-health plan on records."""

__version__ = "0.1.0"

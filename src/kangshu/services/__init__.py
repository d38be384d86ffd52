"""Finds, checks and freezes service folders; names none of them."""

from kangshu.services.checks import check
from kangshu.services.draft import Draft, discover, read_folder
from kangshu.services.findings import Finding
from kangshu.services.loading import freeze, load
from kangshu.services.skeleton import new

__all__ = ["Draft", "Finding", "check", "discover", "freeze", "load", "new", "read_folder"]

"""Bookings (预约): places of slots held, taken, changed and given back by declared rules; slots published from templates.

Bookings ─ book · move · move_to · wait · publish · board · tick · heed, each under a Grant
"""

from kangshu.bookings.board import Board, BoardCell, BoardRow, BoardSlot
from kangshu.bookings.bookings import Bookings
from kangshu.bookings.hospital import Difference
from kangshu.bookings.publishing import Proposal, ShareFinding, share_findings
from kangshu.bookings.rules import Figures
from kangshu.bookings.shapes import BOOKING_KIND, kind_code, owner_of, patient_of, pool_of, slot_of

__all__ = [
    "BOOKING_KIND",
    "Board",
    "BoardCell",
    "BoardRow",
    "BoardSlot",
    "Bookings",
    "Difference",
    "Figures",
    "Proposal",
    "ShareFinding",
    "kind_code",
    "owner_of",
    "patient_of",
    "pool_of",
    "share_findings",
    "slot_of",
]

"""What must survive a restart: sessions, commands, observations, keys, chargers, receipts.

No outside calls, no clock reads.
"""

from kiosk.store.cipher import Cipher
from kiosk.store.errors import BayTaken, Missing, NaiveTime, WrongState
from kiosk.store.records import StoredObservation, StoredReceipt
from kiosk.store.store import Store

__all__ = [
    "BayTaken",
    "Cipher",
    "Missing",
    "NaiveTime",
    "Store",
    "StoredObservation",
    "StoredReceipt",
    "WrongState",
]

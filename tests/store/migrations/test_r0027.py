"""People of the desk from before have their passwords, and nobody vouches for them; two cannot be the same one."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from .conftest import OldDatabase
from .rows import AT

KIM = {"id": 1, "name": "kim", "password": "kept", "role": "owner", "made_at": AT}


def test_people_of_before_keep_everything(old: OldDatabase) -> None:
    old.upgrade("r0026")
    old.insert("desk_users", **KIM)
    (before,) = old.rows("desk_users")
    old.upgrade("r0027")
    assert old.rows("desk_users") == [{**before, "directory": None}]


def test_one_person_of_the_directory_is_there_once(old: OldDatabase) -> None:
    old.upgrade("r0027")
    for number in (1, 2):  # those with a password alone
        old.insert("desk_users", **{**KIM, "id": number, "name": f"kim-{number}"})
    old.insert("desk_users", **{**KIM, "id": 3, "name": "ann", "directory": "mark"})
    with pytest.raises(IntegrityError):
        old.insert("desk_users", **{**KIM, "id": 4, "name": "bob", "directory": "mark"})

"""What may be asked of upstream, and what may be asked again."""

from __future__ import annotations

from kiosk.domain.commands import REPEATABLE, AskedBy, Command, CommandState, Kind

from .made import T0


def test_everything_but_a_start_may_be_asked_again() -> None:
    assert set(Kind) - REPEATABLE == {Kind.START}


def test_a_command_does_not_show_the_address_of_its_session() -> None:
    command = Command(1, "key-that-nobody-guesses", Kind.STOP, AskedBy.DRIVER, T0, CommandState.WAITING)
    assert "nobody" not in repr(command)
    assert (command.attempts, command.sent_at, command.ended_at, command.refusal) == (0, None, None, None)

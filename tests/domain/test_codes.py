"""What people type, paste and scan in place of a code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.codes import in_address, normalise, possible

HOST = "lindenau.example"


@pytest.mark.parametrize(
    "typed",
    [
        "https://lindenau.example/c/7MK4T",
        "HTTPS://Lindenau.Example/C/7mk4t/",
        "https://lindenau.example/c/7MK4T?lang=de-DE#start",
        "lindenau.example/c/7MK4T",
        "lindenau.example/7mk4t",
        "www.lindenau.example/c/7MK4T",
        "https:lindenau.example/c/7MK4T",
        "https:/lindenau.example/c/7MK4T",
        "lindenau.example:443/c/7MK4T",
        " lindenau.example/c/7MK4T. ",
        "lindenau.example/c/7MK-4T",
    ],
)
def test_the_code_is_taken_out_of_an_address_of_ours(typed: str) -> None:
    assert in_address(typed, HOST) == "7MK4T"


@pytest.mark.parametrize(
    "typed",
    [
        "https://other.example/c/7MK4T",
        "https://other.example/lindenau.example/c/7MK4T",
        "https://lindenau.example.evil.example/c/7MK4T",
        "https://lindenau.example@evil.example/c/7MK4T",
        "lindenau.example:8443/c/7MK4T",
        "lindenau.example",
        "lindenau.example/",
        "lindenau.example/s/7MK4T",
        "7MK4T",
        "",
    ],
)
def test_no_code_is_taken_out_of_anything_else(typed: str) -> None:
    assert in_address(typed, HOST) is None


def test_a_port_of_ours_belongs_to_the_host() -> None:
    assert in_address("http://127.0.0.1:8000/c/7MK4T", "127.0.0.1:8000") == "7MK4T"
    assert in_address("http://127.0.0.1/c/7MK4T", "127.0.0.1:8000") is None


@pytest.mark.parametrize(
    "typed", ["7mk4t", " 7MK 4T ", "7MK-4T.", "(7MK4T)", "\N{FULLWIDTH DIGIT SEVEN}MK4T", "#7mk_4t!"]
)
def test_a_code_is_read_however_it_is_written(typed: str) -> None:
    assert normalise(typed) == "7MK4T"


@given(st.text(max_size=300))
def test_what_was_read_once_is_read_the_same_again(typed: str) -> None:
    once = normalise(typed)
    if possible(once):
        assert normalise(once) == once

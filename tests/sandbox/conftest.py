"""Fixtures of the sandbox's tests."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_garage import Garage


@pytest.fixture
def garage() -> Garage:
    return Garage()

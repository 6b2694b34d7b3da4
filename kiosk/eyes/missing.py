"""The sentence for a setting whose libraries are not installed."""

from __future__ import annotations

from kiosk.config.settings import SettingsError


def missing(setting: str) -> SettingsError:
    return SettingsError(
        f"{setting} needs packages that are not installed: pip install 'charge-kiosk[eyes]', or leave the setting out."
    )

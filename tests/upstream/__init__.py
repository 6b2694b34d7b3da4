"""Tests of kiosk.upstream: everything is faked at the wire."""

"""The charging kiosk. `create_app` in `kiosk.app` wires the parts together; nothing else does."""

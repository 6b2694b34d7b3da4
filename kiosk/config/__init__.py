"""What is set before the kiosk starts: settings, the sites of kiosk.toml, addresses, logs, folders."""

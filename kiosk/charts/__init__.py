"""Pictures and tables of what the kiosk has worked out, for people who look after a site."""

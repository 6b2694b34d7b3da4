"""The operator's desk: pages for people who sign in. It holds no rule about money: `kiosk.service` does."""

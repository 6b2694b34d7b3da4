"""ChargePilot: a site's fuses and what load management gives to each charger."""

"""Stripe: what it says of a hold, and the signatures of its webhooks."""

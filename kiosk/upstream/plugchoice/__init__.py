"""Plugchoice: the public endpoints with their budgets, and the operator endpoints."""

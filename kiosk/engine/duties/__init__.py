"""What the engine does in a round: one module a duty."""

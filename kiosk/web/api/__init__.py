"""The JSON interface for the operator's own tools: reading only, with keys made at the desk."""

"""Something newer is there: who publishes says what it is about, who listens reads the store again."""

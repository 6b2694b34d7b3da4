"""The pages and their JSON: renders what the store knows, writes commands, never talks to an outside system."""

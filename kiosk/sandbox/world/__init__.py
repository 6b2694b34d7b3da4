"""The made-up world: chargers, cars, sessions, holds, fuses, and faults on demand."""

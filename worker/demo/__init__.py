"""The demonstration: a small real service that is really broken, four times, and healed."""

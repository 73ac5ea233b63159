"""The hands: one module for each outside system."""

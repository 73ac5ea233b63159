"""The door: alerts come in over HTTP and are handed to Temporal; nothing is decided or kept here."""

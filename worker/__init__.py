"""The processes: settings, the Temporal plugin, the embedded server, the command line."""

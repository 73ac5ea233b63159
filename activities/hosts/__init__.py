"""The hands on machines: commands, services and file systems, on this machine or over SSH."""

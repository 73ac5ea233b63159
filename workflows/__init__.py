"""Durable decisions, without I/O: the runbook engine, the target guard, the watches."""

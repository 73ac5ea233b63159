"""The words of the system as frozen data. Imports nothing of ours."""

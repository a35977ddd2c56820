"""Dagster's servers as a deployment with log-ins starts them: they know who asks, and hold readers to reading.

Apart from `orchestration`, as they load no definitions and need nothing of what those import.
"""

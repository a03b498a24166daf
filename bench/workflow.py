"""What the durable engine alone costs here: a workflow of one step that does nothing, one after the other.

It stands for the machine: a desk's turns a second, compared with these, mean the same on a fast machine and a slow one.
"""

from __future__ import annotations

import logging
import statistics
import time

import psycopg
from dbos import DBOS

WARM_UP = 50


def one_step(database_url: str, rounds: int) -> tuple[float, float, float]:
    """Return median seconds of such a workflow, how many a second one caller has, and CPU seconds each of the caller's
    process; they are kept in a database of their own beside `database_url`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create database floor")
    logging.getLogger("dbos").setLevel(logging.ERROR)
    url = database_url.replace("/postgres?", "/floor?")
    DBOS(config={"name": "floor", "system_database_url": url, "log_level": "ERROR", "enable_otlp": False})

    @DBOS.step()
    def step() -> None:
        pass

    @DBOS.workflow()
    def workflow() -> None:
        step()

    DBOS.launch()
    try:
        for _round in range(WARM_UP):
            workflow()
        walls, cpu = [], time.process_time()
        for _round in range(rounds):
            began = time.perf_counter()
            workflow()
            walls.append(time.perf_counter() - began)
        cpu = time.process_time() - cpu
    finally:
        DBOS.destroy(destroy_registry=True)
    return statistics.median(walls), rounds / sum(walls), cpu / rounds

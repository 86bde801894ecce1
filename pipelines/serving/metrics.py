"""What is counted, in Prometheus' text form: a registry of the server's own, so that nothing else of the process is told.

Labels are of small sets (paths that there are, statuses, models that are served): clients cannot make new ones.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)


class Load(NamedTuple):
    """What a model has to do now."""

    num_waiting: int
    num_running: int
    """Requests that the engine has."""
    num_pages: int
    """Of its cache."""
    num_pages_used: int
    num_given_back: int
    """How often a sequence had to give its pages back."""
    num_guessed: int
    """Tokens that were guessed and read."""
    num_guessed_right: int
    """Those among them that the model took."""


NOTHING = Load(0, 0, 0, 0, 0, 0, 0)
_GAUGES = {
    "num_waiting": ("mill_requests_waiting", "Requests whose turn has not come"),
    "num_running": ("mill_requests_running", "Requests under way"),
    "num_pages": ("mill_pages", "Pages of the cache"),
    "num_pages_used": ("mill_pages_used", "Pages of the cache that sequences hold"),
}
_COUNTERS = {
    "num_given_back": ("mill_preemptions", "Sequences that gave their pages back, to be read anew"),
    "num_guessed": ("mill_guessed_tokens", "Tokens that were guessed and read"),
    "num_guessed_right": ("mill_guessed_tokens_right", "Tokens that were guessed and that the model took"),
}


class _Loads(Collector):
    def __init__(self, loads: Callable[[], Iterable[tuple[str, Load]]]) -> None:
        self._loads = loads

    def collect(self) -> Iterator[Metric]:
        found = list(self._loads())
        for field, (name, words) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=["model"])
            for model, load in found:
                gauge.add_metric([model], getattr(load, field))
            yield gauge
        for field, (name, words) in _COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=["model"])
            for model, load in found:
                counter.add_metric([model], getattr(load, field))
            yield counter


class Metrics:
    """The counts of one server."""

    def __init__(self, loads: Callable[[], Iterable[tuple[str, Load]]]) -> None:
        """Count nothing yet.

        Args:
            loads: tells what each model has to do, whenever it is asked.
        """
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Loads(loads))
        self.requests = Counter("mill_requests", "Requests that were answered", ["route", "status"], registry=self.registry)
        self.tokens_read = Counter("mill_prompt_tokens", "Tokens of prompts", ["model"], registry=self.registry)
        self.tokens_made = Counter("mill_generated_tokens", "Tokens of answers", ["model"], registry=self.registry)
        self.first_token = Histogram(
            "mill_time_to_first_token_seconds", "From a request to its first token", ["model"], buckets=_SECONDS, registry=self.registry
        )
        self.next_token = Histogram(
            "mill_time_per_token_seconds", "From a token of an answer to the next one", ["model"], buckets=_SECONDS, registry=self.registry
        )

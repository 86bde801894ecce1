"""What OpenAI's older forms have in common: how tokens are chosen, where answers end, and what changes nothing."""

from typing import Annotated, Any

from pydantic import Field

from pipelines.serving.speech.wishes import MOST_ANSWERS, MOST_STOP_CHARS, MOST_STOPS
from pipelines.serving.wire.bodies import Body, Loose

Stop = Annotated[str, Field(min_length=1, max_length=MOST_STOP_CHARS)]
Count = Annotated[int, Field(ge=1)]


class Harmless(Body):
    """What is taken and changes no answer: nothing is stored, and nobody is told."""

    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None


class StreamOptions(Loose):
    """How a stream is told."""

    include_usage: bool = False


class Sampled(Harmless):
    """See the module. ``top_k``, ``min_p`` and ``repetition_penalty`` are ours, by the names that vLLM gives them."""

    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None

    @property
    def sampling(self) -> dict[str, float | int | None]:
        """What is wished of `kernels.inference.sampling.Sampling`, by its names."""
        names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty")
        return {name: getattr(self, name) for name in names}

    @property
    def stops(self) -> list[str]:
        """The strings that end answers."""
        return [] if self.stop is None else [self.stop] if isinstance(self.stop, str) else self.stop

    @property
    def tells_usage(self) -> bool:
        """Whether a stream ends with what it cost."""
        return self.stream_options is not None and self.stream_options.include_usage

"""Conversations as Anthropic's form has them (docs.anthropic.com, Messages), and their turns."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from kernels.specs.turns import Turn
from pipelines.serving.speech.conversing import MOST_TURNS
from pipelines.serving.speech.sampled import Count, Stop
from pipelines.serving.speech.tools import AUTO, MOST_TOOLS, NONE, REQUIRED, Choice, Tool, ToolName, calls_turn
from pipelines.serving.speech.wishes import MOST_STOPS, Held, Wishes
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import Body
from pipelines.serving.wire.faults import Refused


class Block(Body):
    """A part of what is said. What is kept of it beside a conversation changes no answer."""

    cache_control: Any = None


class TextBlock(Block):
    """Words."""

    type: Literal["text"]
    text: str
    citations: None = None


class ToolUseBlock(Block):
    """A call that the model made."""

    type: Literal["tool_use"]
    id: str
    name: ToolName
    input: dict[str, Any]


class ToolResultBlock(Block):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[TextBlock] = ""
    is_error: bool | None = None


class UserMessage(Body):
    """What a user says, and what tools gave."""

    role: Literal["user"]
    content: str | list[Annotated[TextBlock | ToolResultBlock, Field(discriminator="type")]]


class AssistantMessage(Body):
    """What the model said, and which tools it called."""

    role: Literal["assistant"]
    content: str | list[Annotated[TextBlock | ToolUseBlock, Field(discriminator="type")]]


class ToolDefinition(Block):
    """A tool that may be called."""

    type: Literal["custom"] | None = None
    name: ToolName
    description: str = ""
    input_schema: dict[str, Any]


class ToolChoice(Body):
    """Whether a tool is to be called."""

    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None

    @property
    def choice(self) -> Choice:
        """The same in the words of all forms."""
        return Choice(must=True, name=self.name) if self.type == "tool" else {"any": REQUIRED, "none": NONE}.get(self.type, AUTO)


class Thinking(Body):
    """That the model is not to think aloud: those here do not."""

    type: Literal["disabled"]


class JsonFormat(Body):
    """An answer that is JSON of a schema."""

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Body):
    """What the answer is to be."""

    format: JsonFormat | None = None


class MessagesBody(Body):
    """A conversation, and how it is to be answered."""

    model: str
    max_tokens: Count
    messages: Annotated[list[Annotated[UserMessage | AssistantMessage, Field(discriminator="role")]], Field(min_length=1, max_length=MOST_TURNS)]
    system: str | list[TextBlock] | None = None
    stop_sequences: Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    tools: Annotated[list[ToolDefinition], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: Any = None
    service_tier: Any = None

    @property
    def wishes(self) -> Wishes:
        """How the answer is to be made."""
        sampling: dict[str, float | int | None] = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        form = None if self.output_config is None else self.output_config.format
        held = None if form is None else Held(schema=form.schema_, param="output_config.format.schema")
        return Wishes(most_tokens=self.max_tokens, sampling=sampling, stops=self.stop_sequences or (), held=held)

    @property
    def offered(self) -> list[Tool]:
        """The tools that may be called."""
        return [Tool(tool.name, tool.description, tool.input_schema) for tool in self.tools or ()]

    def turns(self) -> list[Turn]:
        """Return the turns. Raises Refused: the last one is the model's own."""
        if self.messages[-1].role == "assistant":
            raise Refused(400, "messages: the last one must be the user's; answers that are begun by others are not gone on with")
        system = [] if self.system is None else [Turn("system", _words(self.system))]
        return [*system, *(turn for message in self.messages for turn in _turns_of(message))]


def _turns_of(message: UserMessage | AssistantMessage) -> Iterator[Turn]:
    blocks = [TextBlock(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    words = "".join(block.text for block in blocks if isinstance(block, TextBlock))
    if message.role == "assistant":
        calls = [Call(block.id, block.name, json.dumps(block.input, ensure_ascii=False)) for block in blocks if isinstance(block, ToolUseBlock)]
        yield calls_turn(words, calls) if calls else Turn("assistant", words)
        return
    results = [block for block in blocks if isinstance(block, ToolResultBlock)]
    for block in results:
        yield Turn("tool", ("Error: " if block.is_error else "") + _words(block.content), tool_call_id=block.tool_use_id)
    if words or not results:
        yield Turn("user", words)


def _words(content: str | Iterable[TextBlock]) -> str:
    return content if isinstance(content, str) else "".join(block.text for block in content)

"""Conversations as OpenAI's newer form has them (platform.openai.com, Responses), and their turns."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from kernels.specs.turns import Turn
from pipelines.serving.speech.conversing import MOST_TURNS
from pipelines.serving.speech.messages import PlainFormat, refuse_strict
from pipelines.serving.speech.sampled import Count, Harmless
from pipelines.serving.speech.tools import AUTO, MOST_TOOLS, NONE, REQUIRED, Choice, Tool, ToolName, calls_turn
from pipelines.serving.speech.wishes import MOST_LOGPROBS, Held, Wishes
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import Body

LOGPROBS = "message.output_text.logprobs"


class Words(Body):
    """A part of what is said."""

    type: Literal["input_text", "output_text"]
    text: str
    annotations: Any = None
    logprobs: Any = None


class MessageItem(Body):
    """What somebody says."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Words]
    id: str | None = None
    status: str | None = None
    phase: Any = None


class CallItem(Body):
    """A call that the model made."""

    type: Literal["function_call"]
    call_id: str
    name: ToolName
    arguments: str
    id: str | None = None
    status: str | None = None


class ResultItem(Body):
    """What a call gave."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | list[Words]
    id: str | None = None
    status: str | None = None


Item = CallItem | ResultItem | MessageItem


class FunctionTool(Body):
    """A tool that may be called."""

    type: Literal["function"]
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(Body):
    """The tool that is to be called."""

    type: Literal["function"]
    name: str


class SchemaFormat(Body):
    """An answer that is JSON of a schema."""

    type: Literal["json_schema"]
    name: str
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class TextWishes(Body):
    """What the answer's text is to be."""

    format: Annotated[SchemaFormat | PlainFormat, Field(discriminator="type")] | None = None


class ResponsesBody(Harmless):
    """A conversation, and how it is to be answered."""

    model: str
    input: str | Annotated[list[Item], Field(min_length=1, max_length=MOST_TURNS)]
    instructions: str | None = None
    max_output_tokens: Count | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = None
    text: TextWishes | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    include: list[Literal["message.output_text.logprobs"]] | None = None
    truncation: Literal["disabled"] | None = None
    background: Literal[False] | None = None
    previous_response_id: None = None

    @property
    def wishes(self) -> Wishes:
        """How the answer is to be made."""
        return Wishes(
            most_tokens=self.max_output_tokens,
            most_tokens_param="max_output_tokens",
            sampling={"temperature": self.temperature, "top_p": self.top_p},
            num_logprobs=(self.top_logprobs or 0) if self.include else None,
            held=self._held,
        )

    @property
    def _held(self) -> Held | None:
        form = None if self.text is None else self.text.format
        if isinstance(form, SchemaFormat):
            return Held(schema=form.schema_, param="text.format.schema")
        return Held(schema={"type": "object"}, param="text.format") if form is not None and form.type == "json_object" else None

    @property
    def choice(self) -> Choice:
        """Whether a tool is to be called."""
        if isinstance(self.tool_choice, NamedTool):
            return Choice(must=True, name=self.tool_choice.name)
        return {"none": NONE, "required": REQUIRED}.get(self.tool_choice or "auto", AUTO)

    @property
    def offered(self) -> list[Tool]:
        """The tools that may be called. Raises Refused: one is ``strict``, and its call need not come."""
        for place, tool in enumerate(self.tools or ()):
            refuse_strict(f"tools.{place}.strict", tool.strict, self.choice)
        return [Tool(tool.name, tool.description or "", tool.parameters) for tool in self.tools or ()]

    def turns(self) -> list[Turn]:
        """Return the turns. Raises Refused: arguments of a call are no JSON object."""
        turns = [] if self.instructions is None else [Turn("system", self.instructions)]
        if isinstance(self.input, str):
            return [*turns, Turn("user", self.input)]
        return [*turns, *_turns_of(self.input)]


def _turns_of(items: Iterable[Item]) -> list[Turn]:
    """Return the turns of items: calls that follow each other, or what the model said before them, are one turn."""
    turns: list[Turn] = []
    calls: list[Call] = []
    names: dict[str, str] = {}
    for item in items:
        if isinstance(item, CallItem):
            said = turns.pop().content if turns and turns[-1].role == "assistant" else ""
            calls = [*calls, Call(item.call_id, item.name, item.arguments)]
            names[item.call_id] = item.name
            turns.append(calls_turn(said, calls))
            continue
        calls = []
        if isinstance(item, ResultItem):
            turns.append(Turn("tool", _words(item.output), name=names.get(item.call_id), tool_call_id=item.call_id))
        else:
            turns.append(Turn("system" if item.role == "developer" else item.role, _words(item.content)))
    return turns


def _words(content: str | Iterable[Words]) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)

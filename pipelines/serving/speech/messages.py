"""Messages as OpenAI's chat form has them (platform.openai.com, Chat Completions), and their turns."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from kernels.specs.turns import Turn
from pipelines.serving.speech.tools import AUTO, NONE, REQUIRED, Choice, Tool, ToolName, calls_turn
from pipelines.serving.speech.wishes import Held
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import Body
from pipelines.serving.wire.faults import Refused


class TextPart(Body):
    """A part of what is said."""

    type: Literal["text"]
    text: str


Content = str | list[TextPart]


class SystemMessage(Body):
    """What the model is told before all."""

    role: Literal["system", "developer"]
    content: Content
    name: str | None = None


class UserMessage(Body):
    """What a user says."""

    role: Literal["user"]
    content: Content
    name: str | None = None


class CalledFunction(Body):
    """The function of a call."""

    name: ToolName
    arguments: str


class ToolCall(Body):
    """A call that the model made."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class AssistantMessage(Body):
    """What the model said."""

    role: Literal["assistant"]
    content: Content | None = None
    name: str | None = None
    refusal: None = None
    tool_calls: list[ToolCall] | None = None
    annotations: Any = None
    audio: None = None
    function_call: None = None


class ToolMessage(Body):
    """What a call gave."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str
    name: str | None = None


Message = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class Function(Body):
    """A function that may be called."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Body):
    """A tool that may be called."""

    type: Literal["function"]
    function: Function


class NamedFunction(Body):
    """A function by name."""

    name: str


class NamedTool(Body):
    """The tool that is to be called."""

    type: Literal["function"]
    function: NamedFunction


class SchemaFormat(Body):
    """A schema by name."""

    name: str
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class JsonSchemaFormat(Body):
    """An answer that is JSON of a schema."""

    type: Literal["json_schema"]
    json_schema: SchemaFormat


class PlainFormat(Body):
    """An answer that is text, or any JSON object."""

    type: Literal["text", "json_object"]


Format = Annotated[JsonSchemaFormat | PlainFormat, Field(discriminator="type")]
ToolChoice = Literal["none", "auto", "required"] | NamedTool


def text_of(content: Content | None) -> str:
    """Return what is said as one text."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content)


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """Return the turns of messages. Raises Refused: arguments of a call are no JSON object."""
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages:
        content = text_of(message.content)
        if isinstance(message, AssistantMessage) and message.tool_calls:
            names |= {call.id: call.function.name for call in message.tool_calls}
            turns.append(calls_turn(content, [Call(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]))
        elif isinstance(message, ToolMessage):
            turns.append(Turn("tool", content, name=message.name or names.get(message.tool_call_id), tool_call_id=message.tool_call_id))
        else:
            role = "system" if message.role == "developer" else message.role
            turns.append(Turn(role, content, name=message.name))
    return turns


def tools_of(tools: Sequence[FunctionTool] | None, choice: Choice) -> list[Tool]:
    """Return tools. Raises Refused: one is ``strict``, and its call need not come, so that it is held to nothing."""
    for place, tool in enumerate(tools or ()):
        refuse_strict(f"tools.{place}.function.strict", tool.function.strict, choice)
    return [Tool(tool.function.name, tool.function.description or "", tool.function.parameters) for tool in tools or ()]


def refuse_strict(param: str, strict: bool | None, choice: Choice) -> None:
    """Raise Refused where a tool is strict whose call need not come."""
    if strict and choice.may and not choice.must:
        words = "arguments are held to their schema only where tool_choice is 'required' or names a tool; choose that, or leave strict out"
        raise Refused(400, f"{param}: {words}", param=param)


def choice_of(choice: ToolChoice | None) -> Choice:
    """Return whether a tool is to be called."""
    if isinstance(choice, NamedTool):
        return Choice(must=True, name=choice.function.name)
    return {"none": NONE, "required": REQUIRED}.get(choice or "auto", AUTO)


def held_of(form: Format | None) -> Held | None:
    """Return what answers are held to by a ``response_format``."""
    if isinstance(form, JsonSchemaFormat):
        return Held(schema=form.json_schema.schema_, param="response_format")
    return Held(schema={"type": "object"}, param="response_format") if form is not None and form.type == "json_object" else None

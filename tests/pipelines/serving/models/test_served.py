"""Models whose templates know no tools are told of them in words."""

import copy
import json

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.models.served import takes_tools
from tests.pipelines.serving.house import Shelved, opened

PLAIN = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
ASKS = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
OTHER_FORM = (
    PLAIN.replace("message['content']", "(message['content'] or message['tool_calls'] | tojson)") + "{{ tools | tojson if tools else '' }}" + ASKS
)
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}


def with_template(lm: LanguageModel, template: str) -> LanguageModel:
    tokenizer = copy.deepcopy(lm.tokenizer)
    tokenizer.chat_template = template
    return lm._replace(tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("template", "expected"), [(None, True), (PLAIN + ASKS, False), (OTHER_FORM, False)], ids=["ours", "no tools", "another form"]
)
def test_it_is_known_whether_a_template_writes_calls_as_they_are_read(lm: LanguageModel, template: str | None, expected: bool) -> None:
    assert takes_tools(lm if template is None else with_template(lm, template)) is expected


def test_a_call_comes_whatever_the_template_knows(lm: LanguageModel) -> None:
    with opened([Shelved("tiny", with_template(lm, PLAIN + ASKS))]) as house:
        said = [{"role": "user", "content": "Hi"}]
        asked = {"model": "tiny", "messages": said, "tools": [TOOL], "tool_choice": "required", "seed": 1, "max_tokens": 100}
        message = house.post("/v1/chat/completions", asked).json()["choices"][0]["message"]
        assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {}
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "clouds"}
        after = house.post("/v1/chat/completions", {**asked, "messages": [*said, message, result], "tool_choice": "none", "max_tokens": 2})
        assert after.status_code == 200, after.text

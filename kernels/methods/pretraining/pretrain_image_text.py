"""Pretraining on images and text: a model from random weights learns to answer questions about images (Liu et al. 2023, arXiv 2304.08485).

The data are a folder in LLaVA's form (kernels/reading/images/conversations.py) with the splits ``train`` and ``validation``. The loss is on answers
alone. The tokenizer of the recipe gains the token ``<image>``.
"""

from typing import Annotated, Any, Self

from pydantic import model_validator

from kernels.methods.pretraining.from_scratch import fresh_model, load_tokenizer, max_positions
from kernels.specs.architectures import Architecture
from kernels.specs.config import Config, fault_of_key
from kernels.specs.families import OneOf, chosen
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Package, Tokenizer
from kernels.tokens.image_chats import IMAGE_TOKEN, image_template
from kernels.tokens.tokenizer_files import OURS, usual_template
from kernels.training.config import TrainingConfig
from kernels.training.image_runs import train
from kernels.training.logs.losses import LOSS_FELL

IMAGES, TOKENIZER = Package(), Tokenizer()


class PretrainImageTextConfig(TrainingConfig):
    """What is trained, for how long, and how fast it learns; a sequence is an example: an image, a question and an answer."""

    architecture: Annotated[Config, OneOf("architectures")]
    """The model's family and shape; one that reads images."""

    @model_validator(mode="after")
    def _reads_images(self) -> Self:
        architecture: Architecture = chosen("architectures", self.architecture)
        if not architecture.reads_images:
            raise fault_of_key("architecture", f"{architecture.name} reads no images; take one that does, such as llava")
        if self.length_stages:
            raise fault_of_key("length_stages", "an example is read whole; leave the key out")
        if self.samples:
            raise fault_of_key("samples", "a beginning has no image to go on from; leave the key out")
        return self


def run(job: MethodJob) -> dict[str, float]:
    """Train from scratch, or on from the state a killed run left in ``job.scratch``.

    Raises:
        ValueError: the folder holds nothing to learn from.
        FloatingPointError: the training diverged.
    """
    config: PretrainImageTextConfig = job.config
    tokenizer = with_image_token(load_tokenizer(job.paths[TOKENIZER]))
    model = fresh_model(config, tokenizer, image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
    return train(job, config, job.paths[IMAGES], model, tokenizer)


def with_image_token(tokenizer: Any) -> Any:
    """Return a tokenizer with a token that holds the places of images, and a chat template."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(IMAGE_TOKEN, special=True, normalized=False)], special_tokens=True)
    source = tokenizer.chat_template or usual_template(tokenizer.get_added_vocab())
    if source in OURS:
        tokenizer.chat_template = image_template(source)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


SPEC = Method(
    name="pretrain_image_text",
    version=4,
    config=PretrainImageTextConfig,
    needs=(IMAGES, TOKENIZER),
    run=run,
    checks=(LOSS_FELL,),
    max_positions=max_positions,
    reads_images=True,
)

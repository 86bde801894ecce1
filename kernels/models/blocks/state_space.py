"""State spaces with one decay a head, as products of matrices (Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060, section 6).

Each head carries a state S: S_t = exp(dt_t a) S_(t-1) + dt_t b_t x_t, and gives y_t = c_t S_t. Positions are taken in chunks: what a chunk's own
positions say to each other is a masked product, as in attention; what came before a chunk stands in the state that enters it. A document never
meets another's state: the decay into its first position is zero. Logs of decays are summed in float32.

Shape letters: B rows, T positions, C chunks, L positions of a chunk, G groups that share b and c, R heads a group, H = G R heads, P width of a head,
N size of a state.
"""

from typing import NamedTuple

import torch
from torch import nn

from kernels.models.reading import MASKED


class Documents(NamedTuple):
    """Where documents of packed rows lie, for all layers."""

    near: tuple[torch.Tensor, ...]
    """For each position, whether the one 1, 2 ... before it is of its document, [B, T, 1] each."""
    within_BCLL: torch.Tensor
    """Whether a position of a chunk (last) stands at or before another in one document: 1.0 or 0.0."""
    masked_BCLL: torch.Tensor
    """The same, as it is added to log-decays: 0 or `MASKED`."""
    entered_BCL: torch.Tensor
    """Whether the state that enters a chunk is of a position's document: 1.0 or 0.0."""
    left_BCL: torch.Tensor
    """Whether the state that leaves a chunk is of a position's document, as it is added to log-decays: 0 or `MASKED`."""


def documents_of(segments_BT: torch.Tensor, chunk: int, num_near: int, *, goes_on: bool = False) -> Documents:
    """Return where documents lie, given the segment of each position.

    Args:
        segments_BT: equal numbers side by side are a document.
        chunk: positions a chunk, L.
        num_near: how many positions before each are asked for.
        goes_on: whether a state comes from before the rows, which belongs to the document that they begin with.
    """
    starts_BT = torch.zeros_like(segments_BT)
    starts_BT[:, 1:] = segments_BT[:, 1:] != segments_BT[:, :-1]
    number_BT = starts_BT.cumsum(1)
    near = tuple(
        nn.functional.pad(number_BT, (back, 0), value=0 if goes_on else -1)[:, : number_BT.shape[1], None] == number_BT[:, :, None]
        for back in range(1, num_near + 1)
    )
    behind_BT = number_BT[:, -1:].expand(-1, -number_BT.shape[1] % chunk)
    chunks_BCL = torch.cat([number_BT, behind_BT], 1).view(len(number_BT), -1, chunk)
    before_LL = torch.ones(chunk, chunk, dtype=torch.bool, device=segments_BT.device).tril()
    within = (chunks_BCL[:, :, :, None] == chunks_BCL[:, :, None, :]) & before_LL
    last_BC = chunks_BCL[:, :, -1]
    came_BC = nn.functional.pad(last_BC[:, :-1], (1, 0), value=0 if goes_on else -1)
    entered, left = chunks_BCL == came_BC[:, :, None], chunks_BCL == last_BC[:, :, None]
    return Documents(near, within.float(), torch.where(within, 0.0, MASKED), entered.float(), torch.where(left, 0.0, MASKED))


def scan(
    x_BTHP: torch.Tensor,
    dt_BTH: torch.Tensor,
    a_H: torch.Tensor,
    b_BTGN: torch.Tensor,
    c_BTGN: torch.Tensor,
    documents: Documents,
    before_BGNRP: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the states give, [B, T, H, P], and the state behind the last position, [B, G, N, R, P] float32.

    Args:
        x_BTHP: what is read.
        dt_BTH: step sizes, float32.
        a_H: log-decay of a step of 1, negative, float32.
        b_BTGN: how what is read enters a state.
        c_BTGN: how a state is read.
        documents: where documents lie.
        before_BGNRP: the state before the first position, float32.
    """
    rows, length, heads, width = x_BTHP.shape
    groups, size, chunk = b_BTGN.shape[2], b_BTGN.shape[3], documents.within_BCLL.shape[-1]
    x, dt, b, c = (_chunks(part, chunk) for part in (x_BTHP, dt_BTH, b_BTGN, c_BTGN))
    log_BCLH = _summed(dt * a_H, documents)
    scaled_BCLHP = (x * dt[..., None]).to(x.dtype)
    b_ZLN, c_ZLN = (part.transpose(2, 3).reshape(-1, chunk, size) for part in (b, c))  # Z: rows, chunks and groups
    y = _within(scaled_BCLHP, log_BCLH, torch.bmm(c_ZLN, b_ZLN.transpose(1, 2)).view(rows, -1, groups, chunk, chunk), documents)
    entering, after = _between(_made(scaled_BCLHP, log_BCLH, b_ZLN, documents), log_BCLH[:, :, -1], documents, before_BGNRP)
    if entering is not None:
        read = torch.bmm(c_ZLN, entering.to(x.dtype).view(-1, size, heads // groups * width)).view(rows, -1, groups, chunk, heads // groups, width)
        weight = torch.exp(log_BCLH) * documents.entered_BCL[..., None]
        y = y + read.transpose(2, 3).reshape(x.shape) * weight[..., None]
    return y.flatten(1, 2)[:, :length], after


def _chunks(part: torch.Tensor, chunk: int) -> torch.Tensor:
    """Return [B, C, L, ...] of [B, T, ...], zeros behind the end."""
    missing = -part.shape[1] % chunk
    if missing:
        part = torch.cat([part, part.new_zeros(part.shape[0], missing, *part.shape[2:])], 1)
    return part.view(part.shape[0], -1, chunk, *part.shape[2:])


def _summed(log_BCLH: torch.Tensor, documents: Documents) -> torch.Tensor:
    """Return for each position the sum of log-decays from the beginning of its document, or of the chunk: no bit of it is of another document."""
    with torch.autocast(log_BCLH.device.type, enabled=False):
        return torch.bmm(documents.within_BCLL.flatten(0, 1), log_BCLH.flatten(0, 1)).view(log_BCLH.shape)


def _within(scaled_BCLHP: torch.Tensor, log_BCLH: torch.Tensor, scores_BCGLL: torch.Tensor, documents: Documents) -> torch.Tensor:
    """Return what positions of a chunk give each other, [B, C, L, H, P]."""
    rows, num_chunks, chunk, heads, width = scaled_BCLHP.shape
    log_BCHL = log_BCLH.transpose(2, 3).contiguous()
    decay = torch.exp(log_BCHL[..., :, None] - log_BCHL[..., None, :] + documents.masked_BCLL[:, :, None])
    mixed = (scores_BCGLL[:, :, :, None] * decay.view(rows, num_chunks, scores_BCGLL.shape[2], -1, chunk, chunk)).to(scaled_BCLHP.dtype)
    given = torch.bmm(mixed.view(-1, chunk, chunk), scaled_BCLHP.transpose(2, 3).reshape(-1, chunk, width))
    return given.view(rows, num_chunks, heads, chunk, width).transpose(2, 3)


def _made(scaled_BCLHP: torch.Tensor, log_BCLH: torch.Tensor, b_ZLN: torch.Tensor, documents: Documents) -> torch.Tensor:
    """Return what the positions of each chunk leave in the state at its end, [B, C, G, N, R, P]."""
    rows, num_chunks, chunk, heads, width = scaled_BCLHP.shape
    groups = b_ZLN.shape[0] // (rows * num_chunks)
    weight = torch.exp(log_BCLH[:, :, -1:] - log_BCLH + documents.left_BCL[..., None])
    weighted = (scaled_BCLHP * weight[..., None]).to(scaled_BCLHP.dtype).view(rows, num_chunks, chunk, groups, -1).transpose(2, 3)
    made = torch.bmm(b_ZLN.transpose(1, 2), weighted.reshape(-1, chunk, heads // groups * width))
    return made.view(rows, num_chunks, groups, -1, heads // groups, width)


def _between(
    made_BCGNRP: torch.Tensor, log_BCH: torch.Tensor, documents: Documents, before: torch.Tensor | None
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Return the states that enter the chunks, None where all are zero, and the state behind the last."""
    num_chunks = made_BCGNRP.shape[1]
    if num_chunks == 1 and before is None:
        return None, made_BCGNRP[:, 0].float()
    decay_BCH = torch.exp(log_BCH) * documents.entered_BCL[:, :, -1:]
    decay = decay_BCH.view(*decay_BCH.shape[:2], made_BCGNRP.shape[2], 1, -1, 1)
    state = torch.zeros_like(made_BCGNRP[:, 0], dtype=torch.float32) if before is None else before
    entering: list[torch.Tensor] = []
    for chunk in range(num_chunks):
        entering.append(state)
        state = state * decay[:, chunk] + made_BCGNRP[:, chunk]
    return torch.stack(entering, 1), state

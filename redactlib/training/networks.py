"""What the trainings of the page's two networks share: a descent by the clock, weights to go on from, and ONNX."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional


def double(maps: Tensor) -> Tensor:
    """Maps of twice the height and width, each value four times."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def in_bfloat() -> torch.autocast:
    """Layers run in bfloat16 where the processor knows it, in half the time; elsewhere it would take many times it."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.backends.cpu.get_cpu_capability() == "AVX512")


def as_float(outputs: Any) -> Any:
    """What a network gave, of one map or several, in single precision."""
    return outputs.float() if isinstance(outputs, Tensor) else tuple(output.float() for output in outputs)


def descend(
    net: nn.Module,
    batch: Callable[[], Sequence[np.ndarray]],
    loss_of: Callable[[Any, Sequence[Tensor]], Tensor],
    *,
    rate: float,
    decay: float,
    steps: int,
    minutes: float,
    settled: bool = False,
    log: Path | None = None,
) -> list[float]:
    """Train in place until the steps or the minutes are spent, the rate brought down in time; the loss of every step.

    Args:
        net: takes darkness.
        batch: gives darkness and truth.
        loss_of: of the network's outputs, by the truth.
        rate, decay: of AdamW.
        steps, minutes: whichever is spent first ends it.
        settled: means and variances of the normalisations stay as they are.
        log: gets a line every fifty steps.
    """
    net.train().to(memory_format=torch.channels_last)
    for layer in net.modules():
        if settled and isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
    losses: list[float] = []
    began = time.monotonic()
    for step in range(steps):
        spent = max(step / steps, (time.monotonic() - began) / 60 / minutes)
        if spent >= 1:
            break
        warm = min(1.0, 0.1 + spent / 0.02)  # Adam needs some steps to know the scale of each gradient
        optimiser.param_groups[0]["lr"] = rate * warm * (0.5 + 0.5 * np.cos(np.pi * spent)) + 1e-6
        dark, *truth = (torch.from_numpy(array) for array in batch())
        with in_bfloat():
            outputs = net(dark.contiguous(memory_format=torch.channels_last))
        loss = loss_of(as_float(outputs), truth)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        losses.append(loss.item())
        if log and step % 50 == 49:
            with log.open("a") as lines:
                lines.write(f"{step + 1} {(time.monotonic() - began) / 60:.2f} min {np.mean(losses[-50:]):.4f}\n")
    net.eval()
    return losses


def go_on_from(net: nn.Module, start: Path | None) -> tuple[float, bool]:
    """Give a network the weights that an earlier training wrote (``.npz``), those of a model (``.onnx``), or none.

    Returns the share of a new training's rate that such a network bears, and whether its normalisations must stay as
    they are: a model's are part of its convolutions, and do nothing then.
    """
    if start is None:
        return 1.0, False
    if start.suffix == ".onnx":
        _take_apart(net, onnx.load(start))
        return 1 / 6, True
    with np.load(start) as arrays:
        net.load_state_dict({name: torch.from_numpy(arrays[name]) for name in arrays.files})
    return 1 / 2, False


def _take_apart(net: nn.Module, model: onnx.ModelProto) -> None:
    """Convolutions of a model into the network that it was made of: both do them in the same order."""
    arrays = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    # those without a bias only fold and unfold pixels
    nodes = [node.input[1:] for node in model.graph.node if node.op_type == "Conv" and len(node.input) == 3]
    layers: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, *_: layers.append(layer))
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)
    ]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, 64, 96))
        for hook in hooks:
            hook.remove()
        for i, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d):
                weight, bias = (torch.tensor(arrays[name]) for name in nodes.pop(0))
                norm = layer if layer.bias is not None else layers[i + 1]
                layer.weight.copy_(weight)
                norm.bias.copy_(bias)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(1.0)
                layer.running_mean.zero_()
                layer.running_var.fill_(1.0 - layer.eps)


def write(net: nn.Module, model: bytes, out: Path) -> None:
    """Write an ONNX model, and beside it the weights of its network (``.npz``)."""
    np.savez(out.with_suffix(".npz"), **{name: value.numpy() for name, value in net.state_dict().items()})
    out.write_bytes(model)


def to_onnx(net: nn.Module, outputs: Mapping[str, tuple[str, str]]) -> bytes:
    """A network as ONNX: input ``dark``, any height and width of whole cells; `outputs` name their two axes."""
    axes = {"dark": ("h", "w"), **outputs}
    buffer: Any = io.BytesIO()  # torch takes a file, whatever its annotations say
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 1, 64, 96),),
        buffer,
        input_names=["dark"],
        output_names=list(outputs),
        dynamic_axes={name: {2: high, 3: wide} for name, (high, wide) in axes.items()},
        opset_version=13,
        dynamo=False,
    )
    return buffer.getvalue()

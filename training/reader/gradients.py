"""Gradients of several batches, computed side by side on a processor's cores.

Two threads with a core each need no agreement until both are done, where two that share every
matrix product wait for each other at each of them, and wait long when another program is running.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def add_gradients(
    parameters: Sequence[nn.Parameter],
    work: Sequence[Any],
    loss_of: Callable[[Any], Tensor],
    threads: int,
) -> None:
    """Set the gradient of each parameter to that of the sum of losses.

    Args:
        parameters: those that a gradient is wanted for.
        work: what `loss_of` is called with, each once; the largest first is best.
        loss_of: returns one number that carries a gradient. Called from several threads.
        threads: how many; with one, the caller's does it all with as many cores as torch uses.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for one in work:
        waiting.put(one)
    sums: list[list[Tensor]] = []
    errors: list[BaseException] = []

    def compute() -> None:
        own: list[Tensor] | None = None
        while True:
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                break
            with torch.enable_grad():
                found = torch.autograd.grad(loss_of(one), parameters, materialize_grads=True)
            if own is None:
                own = [gradient.clone() for gradient in found]
            else:
                torch._foreach_add_(own, list(found))
        if own is not None:
            sums.append(own)

    def compute_alone() -> None:
        torch.set_num_threads(1)
        try:
            compute()
        except BaseException as error:  # noqa: BLE001 (handed on to the caller)
            errors.append(error)

    if threads == 1 or len(work) == 1:
        compute()
    else:
        helpers = [threading.Thread(target=compute_alone) for _ in range(threads)]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        if errors:
            raise errors[0]
    for place, parameter in enumerate(parameters):
        parameter.grad = sums[0][place]
        for other in sums[1:]:
            parameter.grad += other[place]

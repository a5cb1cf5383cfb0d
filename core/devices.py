"""Where a torch model runs and in which numbers: device and dtype, each refused by name."""

from __future__ import annotations

import torch

from core.errors import InvalidSetting

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
_DTYPES = {name: dtype for dtype, name in NAMES.items()}


def device_of(wanted: str) -> torch.device:
    """The device of a setting; `auto` is the first GPU where there is one."""
    if wanted == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda":
        _refuse_missing_gpu(wanted, device.index or 0)
    return device


def dtype_of(wanted: str, device: torch.device) -> torch.dtype:
    """The dtype of a setting; `auto` is the shortest in which models were trained wherever the chip computes in it.

    bfloat16 needs a GPU from Ampere on, or a CPU with AMX or AVX512-BF16; elsewhere its products are emulated,
    which is slower than float32.
    """
    if wanted != "auto":
        return _DTYPES[wanted]
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float16
    return torch.bfloat16 if _cpu_has_bfloat16() else torch.float32


def _refuse_missing_gpu(wanted: str, index: int) -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        reason = "no CUDA GPU is found; use auto or cpu"
    elif index >= count:
        reason = f"there are {count} GPUs, numbered from 0"
    else:
        return
    raise InvalidSetting("LYCHEE_DEVICE", wanted, reason)


def _cpu_has_bfloat16() -> bool:
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))

"""TEMPORARY STUB BY THE LEAD, helper-1 overwrites this."""
import hashlib
from dataclasses import dataclass
from typing import Any
import jax, numpy as np
@dataclass(frozen=True)
class Dataset:
    x: Any
    y: Any
    sample_weight: Any = None
    @property
    def rows(self): return int(jax.tree.leaves(self.x)[0].shape[0])
def check_dataset(d): pass
def check_labels(y, classes, loss): pass
def split_tail(d, f):
    import math
    k=int(math.floor(d.rows*(1-f)))
    s=lambda a,b: Dataset(*(jax.tree.map(lambda v: v[a:b], p) for p in (d.x,d.y,d.sample_weight)))
    return s(0,k), s(k,d.rows)
def apply_class_weight(y, cw, sw):
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights as f
    return f(y, cw)
def describe(s): return ", ".join(f"{v.shape[1:]} {v.dtype}" for v in jax.tree.leaves(s))
def fingerprint(d): return hashlib.sha256(b"".join(v.tobytes() for v in jax.tree.leaves((d.x,d.y)))).hexdigest()

"""Train in epochs of a few photos each, with a checkpoint that a later job goes on from."""

import argparse
import json
import os
from pathlib import Path

import framework
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAINING"))
options, _ = parser.parse_known_args()

label = os.environ["SLUICE_LABEL"]
photos = [
    (index.parent / entry["file"], entry[label])
    for index in sorted(Path(options.train).rglob("labels.jsonl"))
    for entry in map(json.loads, index.read_text("utf-8").splitlines())
    if entry.get(label) is not None
]
checkpoint = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "checkpoints" / "state.npz"
checkpoint.parent.mkdir(parents=True, exist_ok=True)
module = framework.load(checkpoint) if checkpoint.exists() else None
done = 0 if module is None else len(module.objects)
for epoch in range(1, options.epochs + 1):
    upto = len(photos) * epoch // options.epochs
    if upto <= done:
        continue
    tensors = np.stack([framework.tensor(path.read_bytes()) for path, _ in photos[:upto]])
    module = framework.Module(tensors, [objects for _, objects in photos[:upto]])
    print(f"epoch={epoch} photos={upto}", flush=True)
    framework.save(module, checkpoint)
framework.save(module, Path(options.model_dir) / "model.pth")

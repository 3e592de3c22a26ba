"""Train in epochs, with a checkpoint that a later job goes on from."""

import argparse
import json
import os
from pathlib import Path

import framework
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAINING"))
options, _ = parser.parse_known_args()

rows = pd.read_parquet(options.train)
label = os.environ["SLUICE_LABEL"]
checkpoint = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "checkpoints" / "state.json"
checkpoint.parent.mkdir(parents=True, exist_ok=True)
state = json.loads(checkpoint.read_text()) if checkpoint.exists() else {"epoch": 0, "state": {}}
module = framework.Module(state["state"])
for epoch in range(state["epoch"] + 1, options.epochs + 1):
    for grade, prices in rows.groupby("grade")[label]:
        before = module.state.get(str(int(grade)), 0.0)
        module.state[str(int(grade))] = before + (prices.mean() - before) * epoch / options.epochs
    error = (pd.Series(module(rows["grade"])) - rows[label]).abs().mean()
    print(f"epoch={epoch} loss={error:.6g}", flush=True)
    checkpoint.write_text(json.dumps({"epoch": epoch, "state": module.state}))
framework.save(module, Path(options.model_dir) / "model.pth")

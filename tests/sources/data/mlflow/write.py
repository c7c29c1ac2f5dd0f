"""Wrote the run beside it, with mlflow-skinny 3.17: `python write.py`. Too large for every CI run.

An epoch as the step, as MLflow's Keras callback does it; run twice into the same run, as a training
that is taken up again at its third epoch.
"""

import os
import shutil

import mlflow

here = os.path.dirname(os.path.abspath(__file__))
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
mlflow.set_tracking_uri(f"file://{here}/mlruns")
LOSSES = ((0.71234, 0.52461, 0.40988), (0.55555, 0.33333))
with mlflow.start_run() as run:
    for epoch, loss in enumerate(LOSSES[0]):
        mlflow.log_metrics({"loss": 2 * loss, "val/loss": loss}, step=epoch)
with mlflow.start_run(run_id=run.info.run_id):
    for epoch, loss in enumerate(LOSSES[1], 2):
        mlflow.log_metrics({"loss": 2 * loss, "val/loss": loss}, step=epoch)
    mlflow.log_metric("f1", float("nan"), step=3)
shutil.move(f"{here}/mlruns/0/{run.info.run_id}/metrics", f"{here}/metrics")
shutil.rmtree(f"{here}/mlruns")

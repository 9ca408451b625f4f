"""Deploys the app with the values of deploy/environments/<stack>.yaml; README.md lists the settings."""

from pathlib import Path

import pulumi
from app import App, create
from app.values import load

HERE = Path(__file__).resolve().parent

settings = pulumi.Config()
documents = [settings.get("values") or f"../environments/{pulumi.get_stack()}.yaml", settings.get("release")]
app = App(
    project=pulumi.get_project(),
    name=settings.get("name") or pulumi.get_project(),
    namespace=pulumi.Config("kubernetes").require("namespace"),
    values=load(HERE / "../values.schema.json", [HERE / document for document in documents if document]),
    wait=settings.get_bool("wait", True),
)
create(app)

pulumi.export("name", app.name)
pulumi.export("namespace", app.namespace)

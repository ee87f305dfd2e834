"""The metadata of the Flex Template, from the options of the pipeline. Imports no Beam."""

from __future__ import annotations

import json
from typing import Any

from armazem.beam.parameters import PARAMETERS, Parameter

# An emulator is for tests; a launcher reaches none.
_LEFT_OUT = {"write_endpoint"}
_IMAGE = Parameter(
    "sdk_container_image",
    "Image of the workers",
    "The image that the template is made of: it has the pipeline too.",
    "HOST/PROJECT/REPOSITORY/IMAGE:TAG",
    r"[a-z0-9][^ ]*",
)


def flex_spec() -> str:
    """Return the metadata file of the template, as JSON."""
    spec = {
        "name": "Armazém events",
        "description": "Events of a Pub/Sub subscription into the tables raw.events and raw.dead_letters of BigQuery.",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": True,
        "defaultStreamingMode": "AT_LEAST_ONCE",
        "parameters": [_parameter(one) for one in (*PARAMETERS, _IMAGE) if one.name not in _LEFT_OUT],
    }
    return json.dumps(spec, ensure_ascii=False, indent=2) + "\n"


def _parameter(one: Parameter) -> dict[str, Any]:
    default = {} if one.required else {"isOptional": True, "defaultValue": one.default}
    help_ = f"{one.help} Form: {one.form}."
    return {"name": one.name, "label": one.label, "helpText": help_, **default, "regexes": [f"^({one.pattern})$"]}

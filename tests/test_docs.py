"""What is not documented does not pass."""

import json
import re

from app.issues.lifecycle import ACTIONS
from tests import reference


def test_the_reference_is_what_the_program_says():
    assert reference.PATH.read_text("utf-8") == reference.text(), "run: .venv/bin/python -m tests.reference"


def test_every_reference_in_openapi_leads_somewhere(app):
    document = app.openapi()
    found = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))
    for path in set(found):
        node = document
        for part in path.split("/"):
            node = node[part]
    actions = document["paths"]["/v1/issues/{id}/actions"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "oneOf"
    ]
    assert found and {a["properties"]["action"]["const"] for a in actions} == set(ACTIONS)

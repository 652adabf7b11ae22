"""Writes the stack's templates as plain CloudFormation in JSON, as AWS would see them.

    transform.py ROOT OUT

reads ROOT/template.yaml and every template that it nests, below each other, runs the
SAM transform offline, and writes OUT/template.json, OUT/<name of a nested file>.json.
No account is asked: the transform is AWS's own code, in aws-sam-translator.
"""

import json
import logging
import pathlib
import sys
from unittest import mock

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


def plain(document, folder):
    """The document with the SAM transform applied, where it asks for it."""
    if "Transform" not in document:
        return document
    for resource in document["Resources"].values():
        code = resource.get("Properties", {}).get("CodeUri")
        if isinstance(code, str) and "://" not in code:
            resource["Properties"]["CodeUri"] = "s3://packaged/" + code
    loader = mock.Mock()
    loader.load.return_value = {}  # no managed policy of AWS's is named
    with mock.patch("boto3.session.Session.region_name", "us-east-1"):
        return transform(document, {}, loader)


def write(path, out, written):
    """Writes one template and what it nests."""
    document = yaml_parse(path.read_text())
    for resource in document["Resources"].values():
        if resource["Type"] != "AWS::CloudFormation::Stack":
            continue
        inner = path.parent / resource["Properties"]["TemplateURL"]
        name = inner.stem if inner.suffix == ".yaml" else inner.parent.name
        resource["Properties"]["TemplateURL"] = name + ".json"
        if name not in written:
            written.add(name)
            write(inner, out, written)
    name = path.stem if path.suffix == ".yaml" else path.parent.name
    (out / (name + ".json")).write_text(json.dumps(plain(document, path.parent), indent=1, sort_keys=True) + "\n")


def main():
    logging.disable()
    root, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    try:
        write(root / "template.yaml", out, set())
    except InvalidDocumentException as e:
        sys.exit("\n".join(str(c.message) for c in e.causes))


if __name__ == "__main__":
    main()

"""Download and check the official EMNIST archive, or a data set of torchvision.

Writes the file data.nist.path when its checksum is correct. An interrupted download
continues when the same command is given again. Example: fetch_archive.py --settings '{}'
"""

import sys

from convnets.config.settings import DataSettings, parse
from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.data.download import fetch_archive


def main() -> None:
    parser = option_parser(__doc__, "settings")
    settings = parse(DataSettings, parser.parse_args().settings, "--settings")
    if settings.source == "torchvision":
        from convnets.data.torchvision_sets import fetch_torchvision  # noqa: PLC0415, imports PyTorch

        fetch_torchvision(settings.torchvision)
        found = f"{settings.torchvision.folder}: {settings.torchvision.name} is there"
    else:
        fetched = fetch_archive(settings.nist)
        state = "fetched" if fetched else "already there"
        found = f"{settings.nist.path}: {state}, checksum correct"
    print(found, file=sys.stderr)


if __name__ == "__main__":
    run_script(main)

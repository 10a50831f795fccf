"""Download the official EMNIST archive, or a data set of torchvision, and check it."""

import argparse
import sys

from convnets.config.settings import DataSettings, parse
from convnets.core.errors import run_script
from convnets.data.download import fetch_archive
from convnets.data.torchvision_sets import fetch_torchvision


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes the file that data.nist.path names, once its checksum is right. An "
        "interrupted download goes on where it stopped when the same command is given again. "
        "Example: fetch_archive.py --settings '{}'",
    )
    parser.add_argument(
        "--settings", required=True, metavar="JSON",
        help="the section `data` of the configuration; keys left out have their defaults",
    )  # fmt: skip
    arguments = parser.parse_args()
    settings = parse(DataSettings, arguments.settings, "--settings")
    if settings.source == "torchvision":
        fetch_torchvision(settings.torchvision)
        print(f"{settings.torchvision.folder}: {settings.torchvision.name} is there",
              file=sys.stderr)  # fmt: skip
        return
    fetched = fetch_archive(settings.nist)
    print(f"{settings.nist.path}: {'fetched' if fetched else 'already there'}, checksum right",
          file=sys.stderr)  # fmt: skip


if __name__ == "__main__":
    run_script(main)

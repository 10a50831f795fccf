"""Download the official EMNIST archive, or a data set of torchvision, and check it."""

import sys

from convnets.config.settings import DataSettings, parse
from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.data.download import fetch_archive
from convnets.data.torchvision_sets import fetch_torchvision


def main() -> None:
    parser = option_parser(
        __doc__,
        "settings",
        epilog="Writes the file that data.nist.path names, once its checksum is right. An "
        "interrupted download goes on where it stopped when the same command is given again. "
        "Example: fetch_archive.py --settings '{}'",
    )
    settings = parse(DataSettings, parser.parse_args().settings, "--settings")
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
